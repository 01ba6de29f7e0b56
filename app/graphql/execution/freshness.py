"""The freshness in the extensions of every response."""

from typing import Any

from app.cqrs.freshness.progress import Freshness


def freshness_extension(freshness: Freshness) -> dict[str, Any]:
    """Return one read model's freshness in the form of `extensions.freshness`."""
    return {
        "readModel": freshness.read_model.upper(),
        "state": freshness.state.value,
        "position": str(freshness.position),
        "head": str(freshness.head),
        "eventsBehind": freshness.events_behind,
        "millisecondsBehind": freshness.milliseconds_behind,
        **({"reason": freshness.reason} if freshness.reason else {}),
    }
