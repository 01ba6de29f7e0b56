"""Plain Starlette, pymongo's own asynchronous client and orjson."""

import os
from typing import Any

from pymongo import AsyncMongoClient

from tests.bench.baselines.plain import app_over

_client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["MONGODB_URL"])
app = app_over(_client)
