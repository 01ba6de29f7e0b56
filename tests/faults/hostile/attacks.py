"""Which attacks there are: each is a function in a file of this package, under `@attack`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from random import Random

from tests.faults.hostile.target import Target

Act = Callable[[Target, Random], Awaitable[None]]

_FILES = ("forged", "heavy", "kept_alive", "requests", "sockets", "streams", "variables")


@dataclass(frozen=True, kw_only=True)
class Attack:
    name: str
    weight: float
    act: Act


_ATTACKS: dict[str, Attack] = {}


def attack(name: str, *, weight: float = 1.0) -> Callable[[Act], Act]:
    """Makes an attack of the function; it comes as often as it weighs."""

    def register(act: Act) -> Act:
        _ATTACKS[name] = Attack(name=name, weight=weight, act=act)
        return act

    return register


def all_attacks() -> list[Attack]:
    """Every attack, in an order that does not change."""
    for file in _FILES:
        import_module(f"tests.faults.hostile.{file}")
    return [_ATTACKS[name] for name in sorted(_ATTACKS)]
