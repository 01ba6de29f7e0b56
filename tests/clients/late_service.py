"""The service with trouble at command.

While the file `GATE` exists, nothing is projected; while the file `TROUBLE` exists, no document can be read,
and what is asked for all the same is noted in it.
"""

import asyncio
import os
from functools import wraps
from pathlib import Path
from typing import Any

from app.__main__ import main
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.store import MongoReadStore

GATE, TROUBLE = Path(os.environ["GATE"]), Path(os.environ["TROUBLE"])

apply, find = MongoReadStore.apply, MongoReadStore.find


@wraps(apply)
async def late_apply(*arguments: Any, **more: Any) -> Any:
    while GATE.exists():  # noqa: ASYNC110, ASYNC240 - the gate is another process's
        await asyncio.sleep(0.01)
    return await apply(*arguments, **more)


@wraps(find)
async def troubled_find(*arguments: Any, **more: Any) -> Any:
    try:
        # Not in a mode that creates the file: the trouble may have ended a moment ago.
        noted = os.open(TROUBLE, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        return await find(*arguments, **more)
    os.write(noted, b"asked\n")
    os.close(noted)
    raise ReadStoreUnavailable("The read store does not answer. Try again.")


MongoReadStore.find = troubled_find  # type: ignore[method-assign]
MongoReadStore.apply = late_apply  # type: ignore[method-assign]
main()
