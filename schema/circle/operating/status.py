"""The service at work: the numbers that a process keeps, for operators."""

from datetime import datetime
from time import monotonic

import strawberry

from app.cqrs.circle import Circle
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from app.graphql.measured.measured import Measured
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.scalars import BigInt, Position


@strawberry.type(description="The commands of one type with one outcome.")
class CommandCount:
    command: str = strawberry.field(description="The type of the commands, such as `PlaceOrder`.")
    outcome: str = strawberry.field(
        description="The outcome: `ACCEPTED`, the code of the first reason for the refusal, or the name of "
        "an error."
    )
    count: BigInt = strawberry.field(description="The number of these commands.")
    seconds: float = strawberry.field(
        description="The sum of the times until their outcomes were known, in seconds. A command in a list "
        "counts the time of the whole list."
    )


@strawberry.type(description="The answered reads of one root field.")
class ReadCount:
    field: str = strawberry.field(description="The name of the root field.")
    cached: BigInt = strawberry.field(description="The number of answers that came from the cache.")
    compiled: BigInt = strawberry.field(
        description="The number of answers that compiled functions have made."
    )
    ordinary: BigInt = strawberry.field(description="The number of all other answers.")


@strawberry.type(description="The newest error that kept a read model from applying events.")
class ReadModelError:
    read_model: ReadModelName = strawberry.field(description="The name of the read model.")
    at: datetime = strawberry.field(description="The time at which the error happened.")
    reason: str = strawberry.field(description="The error, without personal data.")


@strawberry.type(description="The cache of answers.")
class AnswerCache:
    answers: BigInt = strawberry.field(description="The number of answers in the cache.")
    bytes: BigInt = strawberry.field(description="The bytes of memory that these answers take.")
    capacity: BigInt = strawberry.field(
        description="The bytes of memory that they may take; 0 if there is no cache."
    )


@strawberry.type(description="The sockets and subscriptions of the process.")
class SubscriberCounts:
    sockets: BigInt = strawberry.field(description="The number of open websockets.")
    subscribers: BigInt = strawberry.field(
        description="The number of subscriptions that run, over any transport."
    )
    items: BigInt = strawberry.field(description="The number of items for subscribers so far.")
    skipped: BigInt = strawberry.field(
        description="The number of changes that slow subscribers were not sent one by one."
    )
    unread: BigInt = strawberry.field(
        description="The number of websockets that were closed because their clients left messages unread."
    )


@strawberry.type(
    description="The service at work. Counts are those of one process since it began: two answers and their "
    "`uptime` give rates."
)
class ServiceStatus:
    circle: strawberry.Private[Circle]
    measured: strawberry.Private[Measured]

    @strawberry.field(description="The time since the process began, in seconds.")
    def uptime(self) -> float:
        return monotonic() - self.measured.began

    @strawberry.field(description="The position of the newest event in the log.")
    def head(self) -> Position:
        return Position(max(progress.head.position for progress in self.circle.progress.values()))

    @strawberry.field(
        description="The position of the newest event that was published on the event bus of the process."
    )
    def published(self) -> Position:
        return Position(self.circle.relay.published)

    @strawberry.field(description="The freshness of each read model.")
    def read_models(self) -> list[Freshness]:
        return [Freshness.of(progress.freshness()) for progress in self.circle.progress.values()]

    @strawberry.field(
        description="The newest error of each read model since the process began; it may have recovered."
    )
    def last_errors(self) -> list[ReadModelError]:
        return [
            ReadModelError(read_model=ReadModelName(name), at=error.at, reason=error.reason)
            for name, progress in self.circle.progress.items()
            if (error := progress.last_error)
        ]

    @strawberry.field(description="The commands by type and outcome.")
    def commands(self) -> list[CommandCount]:
        return [
            CommandCount(command=name, outcome=outcome, count=BigInt(each.count), seconds=each.seconds)
            for (name, outcome), each in sorted(self.circle.commands.measured.durations.items())
        ]

    @strawberry.field(description="The reads by root field of queries.")
    def reads(self) -> list[ReadCount]:
        return [
            ReadCount(
                field=name,
                cached=BigInt(each.kept),
                compiled=BigInt(each.compiled),
                ordinary=BigInt(each.ordinary),
            )
            for name, each in sorted(self.measured.reads.by_field.items())
        ]

    @strawberry.field(description="The cache of answers.")
    def cache(self) -> AnswerCache:
        cache = self.circle.cache
        return AnswerCache(
            answers=BigInt(len(cache)), bytes=BigInt(cache.bytes), capacity=BigInt(cache.capacity)
        )

    @strawberry.field(description="The sockets and subscriptions.")
    def subscribers(self) -> SubscriberCounts:
        traffic = self.measured.traffic
        return SubscriberCounts(
            sockets=BigInt(traffic.sockets),
            subscribers=BigInt(traffic.subscribers),
            items=BigInt(traffic.items),
            skipped=BigInt(traffic.skipped),
            unread=BigInt(traffic.unread),
        )

    @strawberry.field(description="The number of restarts of the embedded mongod.")
    def mongod_restarts(self) -> int:
        return self.circle.restarts.mongod


@strawberry.type
class StatusQuery:
    @visible_to(Sight.OPERATOR)
    @strawberry.field(
        description="The service at work: its log, read models, commands, reads, cache and subscribers."
    )
    def service_status(self, info: Info) -> ServiceStatus | None:
        return ServiceStatus(circle=info.context.uncached_circle(), measured=info.context.measured)
