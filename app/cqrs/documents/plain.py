"""Values as documents contain them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """Return a value as documents contain it: dataclasses as objects, ids as text, others unchanged."""
    return msgspec.to_builtins(value, builtin_types=(datetime, Decimal))
