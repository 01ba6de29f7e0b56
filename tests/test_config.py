"""What settings come to where they depend on one another, and which values are refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.roles import Role

STORES = {"database_url": "postgresql+asyncpg://there", "mongodb_url": "mongodb://there"}
SEVERAL = Settings.model_validate({"nats_url": "nats://there", **STORES})


@pytest.mark.parametrize(
    ("settings", "megabytes"),
    [
        (Settings(), 64),
        (Settings(mongodb_url="mongodb://there"), 0),
        (Settings(mongodb_url="mongodb://there", read_cache_mb=8), 8),
        (Settings(read_cache_mb=0), 0),
        (SEVERAL, 64),
        (Settings.model_validate({"nats_url": "nats://there", "roles": "projector", **STORES}), 0),
    ],
    ids=["embedded", "MONGODB_URL", "both", "off", "one of several", "no query role"],
)
def test_keeps_what_was_read_only_where_nobody_else_may_change_it(settings: Settings, megabytes: int) -> None:
    assert settings.read_cache == megabytes * 1_000_000


def test_the_embedded_write_store_is_a_path_and_no_url(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path / "a?b").write_store == tmp_path / "a?b" / "write.db"
    assert Settings(database_url="postgresql+asyncpg://there").write_store == "postgresql+asyncpg://there"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://localhost:5173", ("http://localhost:5173",)),
        ("HTTPS://Shop.Example/", ("https://shop.example",)),
        (
            "https://shop.example:443, http://shop.example:80/",
            ("https://shop.example", "http://shop.example"),
        ),
        ("http://[::1]:5173", ("http://[::1]:5173",)),
        ("capacitor://localhost", ("capacitor://localhost",)),
        ("*", ("*",)),
        (" , ", ()),
    ],
)
def test_origins_are_compared_as_browsers_send_them(given: str, meant: tuple[str, ...]) -> None:
    assert Settings(allowed_origins=given).origins == meant


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        ("https://*.example", "list each origin"),
        ("localhost:5173", "write http://localhost:5173 or https://localhost:5173"),
        ("[::1]:5173", "write http://[::1]:5173"),
        ("shop.example", "write http://shop.example"),
        ("//shop.example", "write http://shop.example"),
        ("null", "can't be allowed"),
        ("https://shop.example/cart", "write https://shop.example"),
        ("https://shop.example?cart", "write https://shop.example"),
        ("https://ada:secret@shop.example", "write https://shop.example"),
        ("https://shop.example:99999", "Port out of range"),
        ("https://bücher.example", "in ASCII"),
        ("https://", "the host is missing"),
        ("file:///index.html", "is missing"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_in_one_line(origin: str, advice: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(allowed_origins=f"https://fine.example,{origin}")
    [error] = refused.value.errors()
    assert origin in error["msg"]
    assert advice in error["msg"]
    assert "\n" not in error["msg"]


@pytest.mark.parametrize("name", ["", "admin", "a.b", "a/b", "a b", "$a", "a" * 64, "é" * 32])
def test_a_name_that_mongodb_takes_for_no_database_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Choose another name"):
        Settings(mongodb_database=name)


@pytest.mark.parametrize("name", ["diptych", "a" * 63, "Läden-2"])
def test_a_name_that_mongodb_takes_is_taken(name: str) -> None:
    assert Settings(mongodb_database=name).mongodb_database == name


@pytest.mark.parametrize("name", ["DATABASE_URL", "MONGODB_URL", "MONGOD_BIN", "DATA_DIR", "HOST"])
def test_an_empty_setting_is_refused_and_chooses_no_other_store(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(ValidationError, match="It is empty"):
        Settings()


@pytest.mark.parametrize("zone", ["Berlin", "Europe", "../UTC", "", "UTC+1"])
def test_a_time_zone_that_is_not_known_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match=r"Write it like Europe/Berlin|It is empty"):
        Settings(time_zone=zone)


def test_a_data_folder_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="not UTF-8"):
        Settings(data_dir=Path("data-\udcff"))


@pytest.mark.parametrize("name", ["HEARTBEAT", "READ_PATIENCE"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_time_is_a_finite_number(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="finite"):
        Settings()


def test_trusted_documents_need_a_manifest() -> None:
    with pytest.raises(ValidationError, match="DOCUMENTS=trusted needs a manifest"):
        Settings(documents="trusted")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"roles": "query"}, "ROLES=query leaves work to other processes"),
        ({"roles": "query,command", **STORES}, "Set NATS_URL"),
        ({"roles": ","}, "It names no role"),
        ({"roles": "query,reader"}, "'reader' is no role. The roles are command, query, projector"),
        ({"nats_url": "nats://there"}, "Set DATABASE_URL to a PostgreSQL"),
        (
            {"nats_url": "nats://there", **STORES, "database_url": "sqlite+aiosqlite:///here"},
            "Set DATABASE_URL to a PostgreSQL",
        ),
        ({"nats_url": "nats://there", **STORES, "mongodb_url": None}, "Set MONGODB_URL to a replica set"),
        ({"nats_url": "nats://there", **STORES, "search_engine": "fts5"}, "leave it at mongodb"),
        (
            {"nats_url": "nats://there", **STORES, "auth": "development"},
            "AUTH=development signs tokens with a secret in the data folder of one process.*same AUTH_SECRET",
        ),
        ({"nats_url": ""}, "It is empty"),
        ({"mongodb_read_from": "nearest"}, "MONGODB_READ_FROM=nearest is for processes that hear of changes"),
        ({"nats_url": "nats://there", **STORES, "mongodb_read_from": "there"}, "'there' names no node"),
        ({"nats_url": "nats://there", **STORES, "mongodb_read_from": "there:0"}, "'there:0' names no node"),
    ],
)
def test_roles_that_can_not_work_together_are_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings.model_validate(settings)


def test_a_process_may_have_some_of_the_roles() -> None:
    settings = Settings.model_validate({"nats_url": "nats://there", "roles": "query, projector", **STORES})
    assert settings.held_roles == {Role.QUERY, Role.PROJECTOR}


def test_processes_that_serve_queries_read_from_the_nearest_node_and_others_from_the_primary() -> None:
    settings = {"nats_url": "nats://there", **STORES}
    assert Settings.model_validate({"roles": "query", **settings}).read_from == "nearest"
    assert Settings.model_validate({"roles": "projector", **settings}).read_from == "primary"
    named = Settings.model_validate({**settings, "mongodb_read_from": "mongo-2:27017"})
    assert named.read_from == "mongo-2:27017"
