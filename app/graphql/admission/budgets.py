"""Budgets: how much each viewer may ask per minute, in points of cost and in commands.

Each budget is a bucket that is full at first and refills steadily. Buckets of viewers who have not asked for
a minute are full again, and are forgotten.
"""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import NamedTuple

from graphql import GraphQLError

from app.cqrs.viewers import OPEN, Sight, Viewer

MINUTE = 60.0

MOST_BUCKETS = 20_000
"""Buckets that are remembered at most, about 200 bytes each. With more, those that were used least recently
are forgotten before they are full: whoever has so many names or addresses could as well ask under new ones.
"""

SUBSCRIPTION = 10
"""Points for a subscription, which are charged once, when it begins."""

CHARACTERS = 100
"""Characters of the text of an invalid operation for one point, because parsing and validation take time."""


class Budget:
    """Buckets of one kind, one for each spender, with `per_minute` at most in each."""

    def __init__(
        self, per_minute: int, *, clock: Callable[[], float] = monotonic, most: int = MOST_BUCKETS
    ) -> None:
        self.maximum = per_minute
        self.restore_rate = per_minute / MINUTE
        """The amount that comes back in a second."""
        self._clock = clock
        self._most = most // 2
        self._buckets: dict[str, list[float]] = {}
        """Amount and time of the last change, by spender."""
        self._older: dict[str, list[float]] = {}
        """The same of spenders who have not spent since `_began`."""
        self._began = clock()
        self.encoded = b',"maximum":%d,"restoreRate":%.10g}' % (per_minute, self.restore_rate)
        """The budget's own values, as the end of a JSON object."""

    @property
    def buckets(self) -> int:
        """The number of buckets that are remembered."""
        return len(self._buckets) + len(self._older)

    def left(self, spender: str) -> float:
        """Return what the spender may spend now."""
        bucket = self._buckets.get(spender) or self._older.get(spender)
        if bucket is None:
            return self.maximum
        return min(self.maximum, bucket[0] + (self._clock() - bucket[1]) * self.restore_rate)

    def take(self, spender: str, amount: float) -> float:
        """Take an amount and return what is left; if there is too little, return the negative of the wait.

        The wait is in seconds.
        """
        now = self._clock()
        bucket = self._buckets.get(spender)
        if bucket is None:
            bucket = self._bucket(spender, now)
        level = bucket[0] + (now - bucket[1]) * self.restore_rate
        if level > self.maximum:
            level = self.maximum
        if level < amount:
            return (level - amount) / self.restore_rate
        bucket[0] = level = level - amount
        bucket[1] = now
        return level

    def give(self, spender: str, amount: float) -> float:
        """Give an amount back, or take a negative one as far as there is any; return what is left then."""
        level = max(0.0, min(self.maximum, self.left(spender) + amount))
        bucket = self._buckets.get(spender) or self._bucket(spender, self._clock())
        bucket[:] = level, self._clock()
        return level

    def _bucket(self, spender: str, now: float) -> list[float]:
        """Return the bucket of a spender who has none among the newer ones."""
        if now - self._began >= MINUTE or len(self._buckets) >= self._most:
            # Whatever was older has not changed for a minute by now, and is full, unless there were too many.
            self._older, self._buckets, self._began = self._buckets, {}, now
        bucket = self._older.pop(spender) if spender in self._older else [self.maximum, now]
        self._buckets[spender] = bucket
        return bucket


class Throttled(GraphQLError):
    """The viewer has spent too much; the operation may be sent again after `wait` seconds."""

    def __init__(self, message: str, wait: float, shown: dict[str, float]) -> None:
        self.wait = max(1, ceil(wait))
        extensions = {"code": "THROTTLED", "retryAfter": self.wait, "cost": shown}
        super().__init__(f"{message} Try again in {self.wait} s.", extensions=extensions)


class Budgets(NamedTuple):
    """The budgets of a service; `None` where there is no limit."""

    points: Budget | None = None
    commands: Budget | None = None


class Caller:
    """The budgets, and the address from which requests or a socket come."""

    __slots__ = ("address", "budgets", "points")

    def __init__(self, budgets: Budgets, address: str) -> None:
        self.budgets = budgets
        self.points = budgets.points
        self.address = address

    def spender(self, viewer: Viewer) -> str:
        """Return the name of a viewer's buckets: the actor, or the address of all who have no name."""
        if viewer is OPEN or viewer.scope.sight is Sight.ANONYMOUS:
            return self.address
        return viewer.spender


class Account:
    """The spending of one operation."""

    __slots__ = ("_commands", "_points", "actual", "left", "requested", "spender")

    def __init__(self, caller: Caller, viewer: Viewer) -> None:
        self.spender = caller.spender(viewer)
        self._points, self._commands = caller.budgets
        self.requested = self.actual = 0
        """The highest possible cost in points, and the cost in the end."""
        self.left = 0.0

    def refuse_if_spent(self) -> None:
        """Raise `Throttled` if nothing is left for any operation."""
        budget = self._points
        if budget and (left := budget.left(self.spender)) < 1:
            raise self._throttled(budget, 1, (1 - left) / budget.restore_rate)

    def charge(self, points: int, commands: int = 0) -> None:
        """Charge an operation before it is executed; raise `Throttled`, or the refusal of a hopeless one."""
        if commands and self._commands:
            self._charge_commands(self._commands, commands)
        budget = self._points
        if budget is None:
            return
        self.requested = self.actual = points
        left = budget.take(self.spender, points)
        if left < 0:
            if commands and self._commands:
                self._commands.give(self.spender, commands)
            self.requested = self.actual = 0
            if points > budget.maximum:
                raise _hopeless(points, budget.maximum)
            raise self._throttled(budget, points, -left)
        self.left = left

    def charge_text(self, text: str) -> None:
        """Charge an operation that was refused by its text."""
        if self._points:
            self._points.give(self.spender, -1 - len(text) // CHARACTERS)

    def settle(self, actual: int) -> None:
        """Give back what the operation did not take."""
        if self._points and self.requested > actual:
            self.left = self._points.give(self.spender, self.requested - actual)
            self.actual = actual

    def shown(self) -> dict[str, float]:
        """Return the additional values of `extensions.cost`."""
        budget = self._points
        if budget is None:
            return {}
        return {"requested": self.requested, "actual": self.actual, **_state(budget, self.left)}

    def encoded(self) -> bytes:
        """Return the same as `shown`, as the end of a JSON object."""
        budget = self._points
        if budget is None:
            return b"}"
        return b"%b%d%b" % (spent(self.requested, self.actual), self.left, budget.encoded)

    def _charge_commands(self, budget: Budget, commands: int) -> None:
        left = budget.take(self.spender, commands)
        if left < 0:
            if commands > budget.maximum:
                raise GraphQLError(
                    f"This operation sends {commands:,} commands, and you may send {budget.maximum:,} a "
                    "minute. Send fewer.",
                    extensions={"code": "LIMIT_EXCEEDED"},
                )
            message = f"You may send {budget.maximum:,} commands a minute, and have sent too many."
            raise Throttled(message, -left, _state(budget, budget.left(self.spender)))

    def _throttled(self, budget: Budget, points: int, wait: float) -> Throttled:
        left = budget.left(self.spender)
        message = (
            f"This operation may cost {points:,} points. You have {int(left):,} left, of "
            f"{budget.maximum:,} a minute."
        )
        return Throttled(message, wait, {"requested": points, **_state(budget, left)})


def spent(requested: int, actual: int) -> bytes:
    """Return the part of `extensions.cost` that is followed by what is left of the viewer's budget."""
    return b',"requested":%d,"actual":%d,"left":' % (requested, actual)


def _state(budget: Budget, left: float) -> dict[str, float]:
    rate = budget.restore_rate
    shown = int(rate) if rate == int(rate) else float(f"{rate:.10g}")
    return {"left": int(left), "maximum": budget.maximum, "restoreRate": shown}


def _hopeless(points: int, maximum: int) -> GraphQLError:
    return GraphQLError(
        f"This operation may cost {points:,} points, and you may spend {maximum:,} a minute. Ask for smaller "
        "pages (first, last), fewer fields or fewer aliases, or send several operations.",
        extensions={"code": "LIMIT_EXCEEDED", "requested": points, "maximum": maximum},
    )
