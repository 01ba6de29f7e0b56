"""Clients of MongoDB, of either driver, and how patient they are."""

from typing import Any, Literal

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

PATIENCE = 2000
"""Milliseconds to look for a primary before the read store counts as unavailable."""

HEARTBEAT = 2000
"""Milliseconds between the driver's heartbeats to each server."""

LONGEST_CALL = 10_000
"""Milliseconds after which a call to a store that hangs fails."""

Driver = Literal["motor", "pymongo"]
"""Motor, or pymongo's own asynchronous client, which has nearly the same API and uses no threads."""

CLIENTS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}
"""The client of each driver."""

PATIENT: dict[str, Any] = {
    "serverSelectionTimeoutMS": PATIENCE,
    "connectTimeoutMS": PATIENCE,
    "heartbeatFrequencyMS": HEARTBEAT,
    "socketTimeoutMS": LONGEST_CALL,
}
"""Options of every client."""
