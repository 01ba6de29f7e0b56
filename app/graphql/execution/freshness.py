"""The freshness that every response has in its extensions."""

from typing import Any

from app.cqrs.freshness.progress import Freshness


def freshness_extension(freshness: Freshness) -> dict[str, Any]:
    """Return one read model's freshness as `extensions.freshness` of a response has it."""
    return {
        "readModel": freshness.read_model.upper(),
        "state": freshness.state.value,
        "position": str(freshness.position),
        "head": str(freshness.head),
        "eventsBehind": freshness.events_behind,
        "millisecondsBehind": freshness.milliseconds_behind,
        **({"reason": freshness.reason} if freshness.reason else {}),
    }
