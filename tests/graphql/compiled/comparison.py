"""Both ways of answering, side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from strawberry.schema.exceptions import CannotGetOperationTypeError

from app.cqrs.circle import Circle
from app.cqrs.viewers import OPEN, Viewer
from app.graphql.admission.cost import Cost
from app.graphql.compiled.answers import CompiledQueries
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation as Sent
from app.graphql.execution.results import encoded
from schema.root import schema
from tests.graphql.compiled.generator import Operation


class Different(AssertionError):
    """The two answers differ; the text shows where, and the operation."""


@dataclass
class Comparison:
    """Compares operation by operation, and counts."""

    circle: Circle
    viewers: Sequence[Viewer] = (OPEN,)
    """In turn, one for each set of variables."""
    compiled: CompiledQueries = field(default_factory=lambda: CompiledQueries(schema))
    counts: Counter[str] = field(default_factory=Counter)

    async def compare(self, operation: Operation) -> None:
        """Sends every set of variables both ways; raises `Different`."""
        for variables in operation.variables:
            await self._compare(operation, variables)

    async def _compare(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        viewer = self.viewers[self.counts["operations"] % len(self.viewers)]
        self.counts["operations"] += 1
        context = self._context(operation, viewer)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Cost, "large", False)  # so that graphql-core executes all of them
                result = await schema.execute(
                    operation.text,
                    variable_values=dict(variables),
                    operation_name=operation.name,
                    context_value=context,
                )
        except CannotGetOperationTypeError:
            usual, valid = None, False
        else:
            usual = encoded(result)
            valid = result.data is not None or any(error.path for error in result.errors or ())
            self.counts["with errors"] += bool(result.errors)
        self.counts["valid"] += valid
        self.counts["of documents only"] += valid and context.cacheable
        token = context.token_to_return
        sent = Sent(query=operation.text, variables=variables, operation_name=operation.name)
        recalled = self.compiled.recalled
        # It is compiled at second sight, and then its answer may have been kept.
        await self.compiled.answer(sent, self._context(operation, viewer))
        for _ in range(2 if self.circle.cache.capacity else 1):
            own = self._context(operation, viewer)
            compiled = await self.compiled.answer(sent, own)
            self._judge(operation, variables, usual, compiled)
            if compiled and own.token_to_return != token:
                raise Different(_report(operation, variables, b"another token in the header", compiled))
        if compiled:
            self.counts["compiled"] += 1
            self.counts["compiled with errors"] += b'"errors"' in compiled
            self.counts["hidden"] += b'"FORBIDDEN"' in compiled
            self.counts["recalled"] += self.compiled.recalled > recalled

    def _judge(
        self, operation: Operation, variables: Mapping[str, Any], usual: bytes | None, compiled: bytes | None
    ) -> None:
        if compiled is None:
            return
        if usual is None or _sorted(usual) != _sorted(compiled):
            raise Different(_report(operation, variables, usual, compiled))

    def _context(self, operation: Operation, viewer: Viewer) -> Context:
        return Context(self.circle, viewer, sent_tokens=operation.token or "", over_http=True)


def _sorted(body: bytes) -> bytes:
    """With errors and freshness in one order: several fields may fail, or read, in any order."""
    shown = orjson.loads(body)
    shown.get("errors", []).sort(key=lambda error: str(error.get("path")))
    shown["extensions"]["freshness"].sort(key=lambda each: each["readModel"])
    return orjson.dumps(shown)


def _report(operation: Operation, variables: Mapping[str, Any], usual: bytes | None, compiled: bytes) -> str:
    parts = (operation.text, str(dict(variables)), "usually:", str(usual), "compiled:", str(compiled))
    return "\n".join(part[:6000] for part in parts)
