"""The service with read models that can be held up: while the file `GATE` exists, nothing is projected."""

import asyncio
import os
from functools import wraps
from pathlib import Path
from typing import Any

from app.__main__ import main
from app.stores.mongo import MongoReadStore

GATE = Path(os.environ["GATE"])

apply = MongoReadStore.apply


@wraps(apply)
async def late_apply(*arguments: Any, **more: Any) -> Any:
    while GATE.exists():  # noqa: ASYNC110, ASYNC240 - the gate is another process's
        await asyncio.sleep(0.01)
    return await apply(*arguments, **more)


MongoReadStore.apply = late_apply  # type: ignore[method-assign]
main()
