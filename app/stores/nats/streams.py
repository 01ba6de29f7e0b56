"""A stream of JetStream: made, compared and read. Live messages come by subscription, not by consumer."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from nats.aio.msg import Msg
from nats.errors import Error as NatsFault
from nats.js.api import Header, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from app.stores.nats.away import NatsAway
from app.stores.nats.connection import ANSWER_LIMIT, Connection

READ_AT_ONCE = 1_000
"""Messages that are asked for at once."""

logger = logging.getLogger(__name__)

_NAME_IN_USE, _WRONG_LAST = 10058, 10071
"""Codes of the server's errors."""

_EXPECTED_LAST = "Nats-Expected-Last-Sequence"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a stream, whose oldest messages are dropped beyond them; 0 for none."""

    messages: int = 0
    seconds: float = 0
    bytes: int


class Message(NamedTuple):
    """A message in a stream."""

    sequence: int
    data: bytes


class End(NamedTuple):
    """The end of a stream."""

    sequence: int
    """The sequence number of the newest message that it ever had."""
    data: bytes | None
    """The message; `None` if the stream has none any more."""


class Stream:
    """A stream with one subject or several. All methods raise `NatsAway`."""

    def __init__(
        self, connection: Connection, name: str, subject: str, limits: Limits, replicas: int = 1
    ) -> None:
        self._connection = connection
        self.name = name
        self.subject = subject
        self._config = StreamConfig(
            name=name,
            subjects=[subject],
            storage=StorageType.FILE,
            max_msgs=limits.messages or -1,
            max_age=limits.seconds,
            max_bytes=limits.bytes,
            num_replicas=replicas,
            allow_direct=True,
        )

    async def make(self, first: int = 1) -> None:
        """Make the stream, if there is none, so that its first message gets the number `first`."""
        streams = self._connection.streams()
        try:
            await self._connection.within(streams.add_stream(replace(self._config, first_seq=first)))
        except APIError as error:
            if error.err_code != _NAME_IN_USE:
                raise self._refusal("make", error) from error

    async def bring_up_to_date(self) -> None:
        """Give the stream the limits of this program, if it has others; do nothing if there is none."""
        streams = self._connection.streams()
        try:
            found = (await self._connection.within(streams.stream_info(self.name))).config
            names = ("subjects", "max_msgs", "max_age", "max_bytes", "num_replicas", "allow_direct")
            changed = {name: getattr(self._config, name) for name in names}
            if any(getattr(found, name) != value for name, value in changed.items()):
                await self._connection.within(streams.update_stream(found.evolve(**changed)))
        except NotFoundError:
            return
        except APIError as error:
            logger.warning("NATS keeps a stream's limits: stream=%s error=%s", self.name, error.description)

    async def remove(self) -> None:
        """Remove the stream with all its messages, if there is one."""
        try:
            await self._connection.within(self._connection.streams().delete_stream(self.name))
        except NotFoundError:
            return
        except APIError as error:
            raise self._refusal("remove", error) from error

    async def end(self) -> End | None:
        """Return the end of the stream; `None` if there is no stream."""
        streams = self._connection.streams()
        try:
            state = (await self._connection.within(streams.stream_info(self.name))).state
            if not state.messages:
                return End(state.last_seq, None)
            last = await self._connection.within(streams.get_msg(self.name, state.last_seq))
            return End(state.last_seq, last.data or b"")
        except NotFoundError:
            return await self._end_of_none()
        except APIError as error:
            raise self._refusal("read", error) from error

    async def append(self, messages: Sequence[Message]) -> int:
        """Put messages at the end, each only with the number that it has; return how many were put there.

        The others were refused, or come after one that was: the stream ends elsewhere.
        """
        replies = await self._connection.within(self._publish(messages))
        for count, (message, reply) in enumerate(zip(messages, replies, strict=True)):
            if reply.get("seq") == message.sequence:
                continue
            error = reply.get("error") or {}
            if error and error.get("err_code") != _WRONG_LAST:
                raise NatsAway(f"NATS refuses a message: {error.get('description')}")
            return count
        return len(messages)

    async def read(self, first: int, most: int) -> Sequence[Message]:
        """Return up to `most` messages from the number `first` on, or from the next one that there is."""
        found: list[Message] = []
        while len(found) < most:
            asked = min(most - len(found), READ_AT_ONCE)
            part, more = await self._read_once(found[-1].sequence + 1 if found else first, asked)
            found += part
            if not part or not more:
                break
        return found

    def _refusal(self, what: str, error: APIError) -> NatsAway:
        if isinstance(error, ServiceUnavailableError) and not error.description:
            return NatsAway("JetStream does not answer: start NATS with it (`nats-server --jetstream`)")
        return NatsAway(f"NATS can't {what} the stream {self.name}: {error.description}")

    async def _publish(self, messages: Sequence[Message]) -> Sequence[Mapping[str, Any]]:
        """Publish messages, and return what the stream replies to each.

        nats-py's `publish_async` never answers for a message that is refused, which is how two publishers
        find out that they race.
        """
        client = self._connection.client()
        answers = [asyncio.get_running_loop().create_future() for _ in messages]

        async def received(message: Msg) -> None:
            answer = answers[int(message.subject.rpartition(".")[2])]
            if not answer.done():
                answer.set_result(message)

        inbox = client.new_inbox()
        try:
            subscription = await client.subscribe(f"{inbox}.*", cb=received)
            try:
                for place, (number, data) in enumerate(messages):
                    headers = {_EXPECTED_LAST: str(number - 1), Header.EXPECTED_STREAM: self.name}
                    await client.publish(self.subject, data, reply=f"{inbox}.{place}", headers=headers)
                return [_reply_in(message) for message in await asyncio.gather(*answers)]
            finally:
                await subscription.unsubscribe()
        except NatsFault as error:
            raise NatsAway("NATS does not answer") from error

    async def _read_once(self, first: int, most: int) -> tuple[Sequence[Message], bool]:
        """Return messages, and whether there may be more; there is no limit but that of the server."""
        client = self._connection.client()
        found: list[Message] = []
        ended: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

        async def received(message: Msg) -> None:
            headers = message.headers or {}
            if Header.STATUS in headers:
                if not ended.done():
                    ended.set_result(message)
            else:
                found.append(Message(int(headers["Nats-Sequence"]), message.data))

        inbox = client.new_inbox()
        try:
            subscription = await client.subscribe(inbox, cb=received)
            try:
                wanted = json.dumps({"seq": max(first, 1), "batch": most}).encode()
                await client.publish(f"$JS.API.DIRECT.GET.{self.name}", wanted, reply=inbox)
                last: Msg = await self._connection.within(ended, ANSWER_LIMIT)
            finally:
                await subscription.unsubscribe()
        except NatsFault as error:
            raise NatsAway("NATS does not answer") from error
        headers = last.headers or {}
        return found, headers.get("Nats-Num-Pending", "0") != "0"

    async def _end_of_none(self) -> End | None:
        """Return the end of a stream that has lost its newest message since it was looked at, or `None`."""
        try:
            state = (await self._connection.within(self._connection.streams().stream_info(self.name))).state
        except NotFoundError:
            return None
        return End(state.last_seq, None)


def _reply_in(message: Msg) -> Mapping[str, Any]:
    """Return what a stream replies; nothing if there is no stream, which the server itself answers."""
    reply: Mapping[str, Any] = json.loads(message.data or b"{}")
    return reply
