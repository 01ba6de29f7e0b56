"""Settings, read once from the environment; an unset one has a default that needs nothing else."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All that can be set, by environment variables of the same names in upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path("data"), description="folder of the embedded stores")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL of the write store")
    mongodb_url: str | None = Field(default=None, description="URL of a MongoDB replica set")
    mongodb_database: str = Field(default="diptych", description="database of the documents")
    mongo_driver: Literal["motor", "pymongo"] = Field(
        default="motor", description="what speaks with MongoDB: motor, or pymongo's own asynchronous client"
    )
    mongod_bin: str | None = Field(default=None, description="mongod to start where MONGODB_URL is not set")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on")
    allowed_origins: str = Field(
        default="", description="other origins whose pages may use the API, separated by commas; `*` for all"
    )
    read_cache_mb: int | None = Field(
        default=None,
        ge=0,
        description="megabytes for answers, kept until a change concerns them; by default none with "
        "MONGODB_URL, where another process may change what they show",
    )
    read_patience: float = Field(
        default=2.0, ge=0, le=30, description="seconds a read waits for what its token asks for"
    )
    heartbeat: float = Field(
        default=10.0, gt=0, le=300, description="seconds between a quiet subscription's heartbeats"
    )

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The other origins whose pages may use the API."""
        return tuple(origin.strip() for origin in self.allowed_origins.split(",") if origin.strip())

    @cached_property
    def read_cache(self) -> int:
        """Bytes for answers: some, where nobody else can change what they show."""
        default = 0 if self.mongodb_url else 64
        return (default if self.read_cache_mb is None else self.read_cache_mb) * 1_000_000

    @cached_property
    def write_store_file(self) -> Path:
        """The file of the embedded write store."""
        return self.data_dir.absolute() / "write.db"

    @cached_property
    def write_store_url(self) -> str:
        """The write store: the one that is set, or the embedded one."""
        return self.database_url or f"sqlite+aiosqlite:///{self.write_store_file}"
