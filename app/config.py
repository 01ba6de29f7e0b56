"""Settings, which are read once from the environment and have defaults that need no other software."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from app.addresses import Network, network_of
from app.cqrs.documents.days import Days, refuse_unknown
from app.hosts import Hosts, host_of
from app.log_settings import LogSettings
from app.origins import origin_of
from app.roles import Role, RoleSettings, refuse_misfits
from app.tracing.settings import TracingSettings

_LONGEST_DATABASE_NAME = 63
"""Bytes of the longest database name in MongoDB."""

_RESERVED_DATABASES = {"admin", "config", "local"}


class Settings(RoleSettings, TracingSettings, LogSettings):
    """The settings, from environment variables with their names in upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    data_dir: Path = Field(default=Path("data"), description="folder of the embedded stores")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL of the write store")
    keys_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the store of keys of personal data; by default `keys.db` in the data "
        "folder, or beside the write store",
    )
    command_inputs_days: int = Field(
        default=30,
        ge=1,
        le=36_500,
        description="days for which a repeated commandId is compared by its input",
    )
    mongodb_url: str | None = Field(default=None, description="URL of a MongoDB replica set")
    mongodb_database: str = Field(default="diptych", description="database of the documents")
    mongo_driver: Literal["motor", "pymongo"] = Field(
        default="motor", description="MongoDB driver: motor, or pymongo's own asynchronous client"
    )
    mongod_bin: str | None = Field(default=None, description="mongod to start if MONGODB_URL is not set")
    search_engine: Literal["mongodb", "fts5"] = Field(
        default="mongodb",
        description="engine of searches: mongodb, or fts5, an index of SQLite in the data folder, beside the "
        "documents",
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on")
    allowed_origins: str = Field(
        default="", description="other origins whose pages may use the API, separated by commas; `*` for all"
    )
    allowed_hosts: str = Field(
        default="",
        description="hosts to answer for besides localhost and HOST, separated by commas; `*` for all",
    )
    ssl_certfile: Path | None = Field(
        default=None, description="file with the certificate, in PEM, with which to serve https itself"
    )
    ssl_keyfile: Path | None = Field(
        default=None, description="file with the certificate's key, unless it is in the same file"
    )
    read_cache_mb: int | None = Field(
        default=None,
        ge=0,
        description="megabytes for cached answers, each of which a change of its documents invalidates; "
        "by default 64, or 0 with MONGODB_URL and no NATS_URL, because other processes may then change the "
        "documents unheard",
    )
    build_apart_events: int = Field(
        default=10_000, ge=0, description="events from which a rebuild has a process of its own; 0: never"
    )
    read_patience: float = Field(
        default=2.0, ge=0, le=30, description="seconds that a read waits for the position in its token"
    )
    points_per_minute: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000_000,
        description="points of cost that each viewer, or address without one, may ask for in a minute; 0 for "
        "no limit. By default 60,000, or no limit if the service takes no tokens",
    )
    commands_per_minute: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000_000,
        description="commands that each viewer, or address without one, may send in a minute; 0 for no "
        "limit. By default 600, or no limit if the service takes no tokens",
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses and networks of proxies whose X-Forwarded-For is read, separated by commas",
    )
    metrics_clients: str = Field(
        default="",
        description="addresses and networks that may read /metrics besides this machine, separated by commas",
    )
    documents: Literal["any", "trusted"] = Field(
        default="any",
        description="operations to accept: any, or trusted ones only, which DOCUMENTS_MANIFEST lists",
    )
    documents_manifest: Path | None = Field(
        default=None,
        description="file of operations that clients may send by their ids, as relay-compiler, "
        "graphql-codegen or Apollo write it",
    )
    heartbeat: float = Field(
        default=10.0, gt=0, le=300, description="seconds between heartbeats of a subscription without changes"
    )
    time_zone: str = Field(
        default="UTC",
        description="time zone whose days the shop has, such as Europe/Berlin; sales by day are built anew "
        "after a change",
    )

    @field_validator(
        "data_dir",
        "database_url",
        "keys_url",
        "mongodb_url",
        "mongod_bin",
        "nats_url",
        "host",
        "time_zone",
        mode="before",
    )
    @classmethod
    def _is_not_empty(cls, value: object) -> object:
        # An empty value may be a variable that was left unfilled: it must not silently select the default.
        if value == "":
            raise PydanticCustomError("empty", "It is empty. Give it a value, or leave it unset")
        return value

    @field_validator("data_dir")
    @classmethod
    def _is_utf8(cls, folder: Path) -> Path:
        try:
            str(folder).encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("path", "The folder's name is not UTF-8. Rename it") from None
        return folder

    @field_validator("mongodb_database")
    @classmethod
    def _can_name_a_database(cls, name: str) -> str:
        if name in _RESERVED_DATABASES:
            raise PydanticCustomError(
                "database", "MongoDB reserves this database for itself. Choose another name"
            )
        if bad := sorted({character for character in name if character in '/\\. "$*<>:|?\0'}):
            raise PydanticCustomError(
                "database",
                "A database's name can't contain {bad}. Choose another name",
                {"bad": " ".join(map(repr, bad))},
            )
        if not 0 < len(name.encode()) <= _LONGEST_DATABASE_NAME:
            raise PydanticCustomError(
                "database",
                "A database's name has 1 to {most} bytes. Choose another name",
                {"most": _LONGEST_DATABASE_NAME},
            )
        return name

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, zone: str) -> str:
        try:
            return refuse_unknown(zone)
        except ValueError:
            raise PydanticCustomError(
                "time_zone",
                "{zone} is no time zone of the IANA database. Write it like Europe/Berlin, or UTC",
                {"zone": repr(zone)},
            ) from None

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: str) -> str:
        _check_each(origins, origin_of)
        return origins

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: str) -> str:
        _check_each(hosts, host_of)
        return hosts

    @model_validator(mode="after")
    def _fits_several_processes(self) -> Self:
        refuse_misfits(self, self.database_url, self.mongodb_url, self.search_engine)
        return self

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Self:
        if self.ssl_keyfile and not self.ssl_certfile:
            raise PydanticCustomError(
                "tls",
                "SSL_KEYFILE needs a certificate. Name its file in SSL_CERTFILE, or with --ssl-certfile",
            )
        return self

    @model_validator(mode="after")
    def _has_a_manifest(self) -> Self:
        if self.documents == "trusted" and self.documents_manifest is None:
            raise PydanticCustomError(
                "documents", "DOCUMENTS=trusted needs a manifest. Name its file in DOCUMENTS_MANIFEST"
            )
        return self

    @field_validator("trusted_proxies", "metrics_clients")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        _check_each(networks, network_of)
        return networks

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of trusted proxies."""
        return tuple(network_of(text) for text in _listed(self.trusted_proxies))

    @cached_property
    def scrapers(self) -> tuple[Network, ...]:
        """The networks whose clients may read the metrics."""
        return tuple(network_of(text) for text in _listed(self.metrics_clients))

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The other origins whose web pages may use the API."""
        return tuple(origin_of(origin) for origin in _listed(self.allowed_origins))

    @cached_property
    def hosts(self) -> Hosts:
        """The hosts that the service answers for."""
        return Hosts(self.host, [host_of(host) for host in _listed(self.allowed_hosts)])

    @cached_property
    def days(self) -> Days:
        """The days of the shop, in its time zone."""
        return Days(self.time_zone)

    @cached_property
    def is_embedded(self) -> bool:
        """True if both stores are embedded, with their files in the data folder."""
        return not self.database_url and not self.mongodb_url

    @cached_property
    def read_cache(self) -> int:
        """Bytes for cached answers; by default none if other processes may change the documents unheard."""
        if Role.QUERY not in self.held_roles:
            return 0
        default = 0 if self.mongodb_url and not self.is_one_of_several else 64
        return (default if self.read_cache_mb is None else self.read_cache_mb) * 1_000_000

    @cached_property
    def search_index_file(self) -> Path:
        """The file of the search index, for the engine that has one."""
        return self.data_dir.absolute() / "search.db"

    @cached_property
    def write_store_file(self) -> Path:
        """The file of the embedded write store."""
        return self.data_dir.absolute() / "write.db"

    @cached_property
    def write_store(self) -> str | Path:
        """The URL of the write store, or the file of the embedded one."""
        return self.database_url or self.write_store_file


def _listed(texts: str) -> list[str]:
    return [text.strip() for text in texts.split(",") if text.strip()]


def _check_each(texts: str, read: Callable[[str], object]) -> None:
    for text in _listed(texts):
        try:
            read(text)
        except ValueError as error:
            raise PydanticCustomError(
                "listed", "{text} can't be allowed: {reason}", {"text": text, "reason": str(error)}
            ) from None
