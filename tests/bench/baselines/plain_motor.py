"""Plain Starlette, motor and orjson."""

import os
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

from tests.bench.baselines.plain import app_over

_client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["MONGODB_URL"])
app = app_over(_client)
