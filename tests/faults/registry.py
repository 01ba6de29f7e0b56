"""Which faults there are: each is a function in a file of `scenarios/`, under `@fault`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from tests.faults import scenarios
from tests.faults.campaign import Run

STORES = ("sqlite", "postgres")
MEMORY = ("memory",)
"""Of what needs no store."""
CLUSTER = ("cluster",)
"""Of what opens engines and processes of its own."""

Scenario = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    name: str
    says: str
    rounds: int
    """In a campaign."""
    short: int
    """Rounds of the short form, which is a test; 0 where other tests are that."""
    stores: tuple[str, ...]
    run: Scenario


_FAULTS: dict[str, Fault] = {}


def fault(
    name: str, *, rounds: int, short: int, stores: tuple[str, ...] = STORES
) -> Callable[[Scenario], Scenario]:
    """Makes a fault of the function, whose docstring says in its first line what happens."""

    def register(run: Scenario) -> Scenario:
        says = (run.__doc__ or "").partition("\n")[0]
        _FAULTS[name] = Fault(name=name, says=says, rounds=rounds, short=short, stores=stores, run=run)
        return run

    return register


def all_faults() -> dict[str, Fault]:
    """Every fault by its name."""
    for module in iter_modules(scenarios.__path__):
        import_module(f"{scenarios.__name__}.{module.name}")
    return dict(sorted(_FAULTS.items()))
