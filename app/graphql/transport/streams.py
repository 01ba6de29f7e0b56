"""Operations as streams of encoded results; who subscribes to the same is sent the same bytes.

A subscription is executed by a task of its own, and may have many members. Who asks for the same from the
same start joins an execution that has not yielded yet. Whoever came otherwise falls in later: when two
executions of one operation have just yielded the same step, all that follows is the same, so one of them
takes over the other's members.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from app.graphql.admission.turns import turns
from app.graphql.execution.context import Context
from app.graphql.execution.requested import Operation
from app.graphql.execution.results import encoded
from app.graphql.execution.standing import Standing
from app.graphql.transport.executing import Item, Operations
from app.graphql.transport.likeness import Likeness, likeness
from app.graphql.transport.members import Execution, Made, Member


class Streams:
    """Executes operations; one for all transports, so that their subscribers share."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._starting: dict[Likeness, Execution] = {}
        self._at: dict[tuple[bytes, Any], Execution] = {}

    async def open(self, operation: Operation, context: Context) -> AsyncGenerator[Item, None]:
        """Each result of a subscription, or the one result of a query or mutation; raises `Refused`.

        A subscriber who does not take items as they come misses some, and is told how many. Close it
        (`contextlib.aclosing`) to leave.
        """
        await turns.take_for(operation.query)
        like = likeness(operation, context)
        if like is None:
            if body := await self._operations.compiled.answer(operation, context.for_operation()):
                yield Item(body, None)
                return
            async with aclosing(self._operations.results(operation, context, Standing())) as answers:
                async for answer in answers:
                    yield Item(encoded(answer), None)
            return
        member = Member(operation.after)
        self._join(member, like, operation, context)
        try:
            while True:
                if member.is_behind:
                    self._leave(member)
                    member.start_again()
                    again = replace(operation, after=member.cursor)
                    self._join(member, likeness(again, context) or like, again, context)
                made = await member.take()
                if made is None:
                    return
                lagged = member.take_lagged()
                if lagged and made.document is None:
                    yield await self._operations.lagged_item(lagged, member.cursor, operation, context)
                    lagged = 0
                member.cursor = made.cursor or member.cursor
                yield made.item(lagged)
        finally:
            self._leave(member)

    def _join(self, member: Member, like: Likeness, operation: Operation, context: Context) -> None:
        """Has `member` be sent what an execution yields that starts now, or that has not yielded yet."""
        execution = self._starting.get(like)
        if execution is None:
            execution = self._starting[like] = Execution(like)
            running = self._run(execution, operation, context)
            execution.task = asyncio.create_task(running, name="subscription")
        execution.adopt({member})

    def _leave(self, member: Member) -> None:
        if execution := member.execution:
            member.execution = None
            execution.members.discard(member)
            if not execution.members:
                self._forget(execution)
                execution.task.cancel()

    async def _run(self, execution: Execution, operation: Operation, context: Context) -> None:
        standing = Standing(after=operation.after)
        ended: Exception | None = None
        try:
            async with aclosing(self._operations.results(operation, context, standing)) as made:
                async for result in made:
                    mark, lagged_at = standing.take()
                    self._forget(execution)
                    execution.hand_out(Made(result, mark, lagged_at))
                    if mark and mark.step is not None:
                        execution.step = mark.step
                        host = self._at.setdefault((execution.like.same, mark.step), execution)
                        if host is not execution:
                            host.adopt(execution.members)
                            return
                    await execution.room.wait()
        except Exception as error:
            ended = error
        finally:
            self._forget(execution)
        execution.end(ended)

    def _forget(self, execution: Execution) -> None:
        """Nobody joins this execution, or falls in with it, where it stood until now."""
        if self._starting.get(execution.like) is execution:
            del self._starting[execution.like]
        at = (execution.like.same, execution.step)
        if self._at.get(at) is execution:
            del self._at[at]
