"""Tokens from the command line are taken by a service with the same secret, until they are revoked."""

import asyncio
import os
import stat
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.__main__ import command_line
from app.access.authenticator import TokenAuthenticator
from app.access.configured import authenticator_of
from app.config import Settings
from app.cqrs.viewers import Scope, Sight, Unauthenticated
from schema.circle.ids import global_id
from tests.access.issuer import AUDIENCE, ISSUER, SECRET
from tests.service import running

ADA = UUID("0190a1b2-0000-7000-8000-00000000000a")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments)


def made(folder: Path, *arguments: str) -> bytes:
    result = run("token", *arguments, "--data-dir", str(folder))
    assert result.exit_code == 0, result.output
    return result.stdout.strip().encode()


def authenticator(folder: Path) -> TokenAuthenticator:
    found = authenticator_of(Settings(auth="development"), folder)
    assert found
    return found


@pytest.mark.parametrize(
    ("arguments", "actor", "scope"),
    [
        (("--role", "staff"), "staff", Scope(Sight.STAFF)),
        (("--role", "operator", "--actor", "Opal"), "Opal", Scope(Sight.OPERATOR)),
        (("--role", "customer", "--customer", str(ADA)), f"customer {ADA}", Scope(Sight.CUSTOMER, str(ADA))),
        (
            ("--role", "customer", "--customer", global_id("Customer", ADA)),
            f"customer {ADA}",
            Scope(Sight.CUSTOMER, str(ADA)),
        ),
    ],
)
async def test_a_token_is_for_its_role(
    tmp_path: Path, arguments: tuple[str, ...], actor: str, scope: Scope
) -> None:
    viewer = await authenticator(tmp_path).verify(made(tmp_path, *arguments))
    assert (viewer.actor, viewer.scope) == (actor, scope)


async def test_the_secret_is_private_and_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    token = made(folder, "--role", "staff")
    secret = folder / "token-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert os.listdir(folder) == ["token-secret"]
    before = secret.read_bytes()
    made(folder, "--role", "staff")
    assert secret.read_bytes() == before
    assert (await authenticator(folder).verify(token)).actor == "staff"
    with pytest.raises(Unauthenticated):
        await authenticator(tmp_path).verify(token)


async def test_a_token_suits_the_settings_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AUTH_SECRET": SECRET,
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_ROLES_CLAIM": "realm_access.roles",
        "AUTH_CUSTOMER_CLAIM": "https://shop.example/customer",
        "AUTH_ROLES": "buyer=customer,clerk=staff",
    }.items():
        monkeypatch.setenv(name, value)
    service = authenticator_of(Settings(), tmp_path)
    assert service
    token = made(tmp_path, "--role", "customer", "--customer", str(ADA))
    assert (await service.verify(token)).scope == Scope(Sight.CUSTOMER, str(ADA))
    assert not (tmp_path / "token-secret").exists()
    refused = run("token", "--role", "operator", "--data-dir", str(tmp_path))
    assert refused.exit_code == 1
    assert "gives no role the sight operator. Add one." in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--role", "customer"), "A customer's token needs --customer with the id."),
        (("--role", "staff", "--customer", "x"), "--customer x contradicts --role staff."),
        (("--role", "customer", "--customer", "x"), '--customer x: "x" is not an id.'),
        (
            ("--role", "customer", "--customer", global_id("Product", ADA)),
            "This id is of the type Product; send one of the type Customer.",
        ),
    ],
)
def test_arguments_that_make_no_token_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused = run("token", *arguments, "--data-dir", str(tmp_path))
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_no_token_is_made_where_an_issuer_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_ISSUER", ISSUER)
    monkeypatch.setenv("AUTH_AUDIENCE", AUDIENCE)
    refused = run("token", "--role", "staff", "--data-dir", str(tmp_path))
    assert refused.exit_code == 2
    assert f"come from the issuer {ISSUER}. Get one there." in refused.stderr


def test_an_empty_secret_file_is_refused_and_never_used(tmp_path: Path) -> None:
    (tmp_path / "token-secret").touch()
    refused = run("token", "--role", "staff", "--data-dir", str(tmp_path))
    assert refused.exit_code == 1
    assert "token-secret is empty" in refused.stderr


@pytest.mark.campaign
async def test_projections_are_asked_for_with_a_token_where_there_is_a_secret(
    tmp_path: Path, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"AUTH": "development", "MONGODB_URL": mongo_url, "MONGODB_DATABASE": tmp_path.name}
    async with running(tmp_path, "--no-demo", **environment) as service:
        await service.ready()
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        monkeypatch.setenv("PORT", service.url.rpartition(":")[2])
        monkeypatch.setenv("AUTH", "development")
        for command in (("projections",), ("projections", "retry", "activity")):
            said = await asyncio.to_thread(run, *command)
            assert said.exit_code == 0, said.output
            assert "LIVE" in said.stdout
        monkeypatch.setenv("DATA_DIR", str(tmp_path / "elsewhere"))
        told = await asyncio.to_thread(run, "projections")
        assert (told.exit_code, "Set DATA_DIR to the data folder of the" in told.stderr) == (2, True)
        assert not (tmp_path / "elsewhere").exists()
        monkeypatch.delenv("AUTH")
        refused = await asyncio.to_thread(run, "projections")
        assert refused.exit_code == 1
        assert "Set DIPTYCH_TOKEN to a token of an operator" in refused.stderr
        monkeypatch.setenv("DIPTYCH_TOKEN", "nonsense")
        refused = await asyncio.to_thread(run, "projections")
        assert "refused the token. Set DIPTYCH_TOKEN to a valid token of an operator, or" in refused.stderr
        monkeypatch.setenv("DIPTYCH_TOKEN", made(tmp_path, "--role", "operator").decode())
        assert (await asyncio.to_thread(run, "projections")).exit_code == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307])
async def test_a_redirect_does_not_take_an_operators_token_elsewhere(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    heads: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        port = writer.get_extra_info("sockname")[1]
        location = f"Location: http://localhost:{port}/elsewhere\r\n"
        writer.write(f"HTTP/1.1 {status} Moved\r\n{location}Content-Length: 0\r\n\r\n".encode())
        writer.close()

    monkeypatch.setenv("DIPTYCH_TOKEN", "a-secret-token")
    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"
        refused = await asyncio.to_thread(run, "projections", "--url", url)
    assert refused.exit_code == 1
    assert f"{url} answered with HTTP status {status}" in refused.stderr.replace("\n", " ")
    assert len(heads) == 1, "nobody else is asked"
    assert b"a-secret-token" in heads[0]


def test_revoke_says_until_when_tokens_are_revoked(tmp_path: Path) -> None:
    said = run("revoke", "[ada]", "--data-dir", str(tmp_path))
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("All tokens of [ada] that were issued until 20")
    for name in ("", " ", "x" * 201):
        refused = run("revoke", name, "--data-dir", str(tmp_path))
        assert refused.exit_code == 2
        assert f"An actor's name has 1 to 200 characters, and this has {len(name)}." in refused.stderr


def test_the_secret_in_the_settings_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SECRET", "guessed")
    refused = run("token", "--role", "staff")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("AUTH_SECRET: It has fewer than 32 bytes")
    assert "guessed" not in refused.stderr
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    monkeypatch.setenv("AUTH", "none")
    contradiction = run("token", "--role", "staff")
    assert contradiction.stderr == "AUTH=none contradicts AUTH_SECRET. Remove one of them.\n"
