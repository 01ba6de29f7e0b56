"""The command line and a service that accepts trusted documents only, or refuses a question otherwise."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import graphql
import pytest
from typer.testing import CliRunner, Result

from app.__main__ import command_line
from app.config import Settings
from app.cqrs.viewers import Viewer
from app.web.command_line import DOCUMENTS
from tests.inprocess import Service, serving
from tests.known_tokens import OPERATOR, STAFF, KnownTokens

SDL = Path(__file__).parent.parent.parent / "schema" / "schema.graphql"


def projections(url: str, *arguments: str, token: str | None = None) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "DIPTYCH_TOKEN": token})
    return runner.invoke(command_line, ["projections", "--url", url, *arguments])


@pytest.mark.parametrize("id", DOCUMENTS)
def test_the_operations_of_the_command_line_fit_the_schema(id: str) -> None:
    schema = graphql.build_schema(SDL.read_text("utf-8"))
    assert graphql.validate(schema, graphql.parse(DOCUMENTS[id])) == []


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "manifest.json").write_text(json.dumps({"products": "{ products { totalCount } }"}), "utf-8")
    settings = Settings(
        data_dir=tmp_path / "data",
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name[:40],
        documents="trusted",
        documents_manifest=tmp_path / "manifest.json",
    )
    viewers: dict[str, Viewer] = {"staff": STAFF, "operator": OPERATOR}
    async with serving(settings, authenticator=KnownTokens(viewers)) as running:
        yield running


async def test_a_service_of_trusted_documents_carries_out_all_that_the_command_line_asks_for(
    service: Service,
) -> None:
    url = f"{service.client.url}/graphql"

    async def said(*arguments: str, exit_code: int = 0) -> str:
        result = await asyncio.to_thread(projections, url, *arguments, token="operator")
        assert result.exit_code == exit_code, result.output
        return result.output.replace("\n", " ")

    async with asyncio.timeout(30):
        while "CATCHING_UP" in (shown := await said("status")):
            pass
    assert "LIVE" in shown
    assert "activity has not failed" in await said("retry", "activity")
    assert "No event was skipped." in await said("skipped")
    assert "The new documents of activity serve" in await said("rebuild", "activity", "--verify")
    assert "SWITCHED" in await said("status")
    assert "from before the rebuild serve again" in await said("rollback", "activity")
    # These are refused by the service, for reasons of their own.
    assert "No rebuild of activity is under way." in await said("abort", "activity", exit_code=1)
    refused = await said("rebuild", "activity", "--stream", "nobody", exit_code=1)
    assert "No event of the stream nobody concerns" in refused
    refused = await said("skip", "activity", "--event", "1", "--reason", "None.", exit_code=1)
    assert "activity" in refused
    assert "trusted" not in refused


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], str]]:
    """Return a function that has a server answer each request so, and returns its URL."""
    answer: list[Any] = [200, ""]

    class Answering(BaseHTTPRequestHandler):
        """A server that gives one answer to all."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer[0])
            self.end_headers()
            self.wfile.write(answer[1].encode())

        def log_message(self, *_values: object) -> None:
            """Log nothing."""

    def answers(status: int, body: str) -> str:
        answer[:] = [status, body]
        return f"http://127.0.0.1:{server.server_address[1]}/graphql"

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield answers
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "DOCUMENT_NOT_TRUSTED", "Or call this command in the version that the service has"),
        (403, "FORBIDDEN", "Set DIPTYCH_TOKEN to a token of an operator."),
        (429, "THROTTLED", ""),
        (503, "OVERLOADED", ""),
    ],
)
def test_a_refusal_is_said_in_the_words_of_the_service_whatever_its_status(
    answering: Callable[[int, str], str], status: int, code: str, advice: str
) -> None:
    error = {"message": f"This is refused as {code}.", "extensions": {"code": code}}
    url = answering(status, json.dumps({"errors": [error]}))
    for arguments in (("status",), ("rebuild", "activity"), ("skipped",)):
        refused = projections(url, *arguments)
        assert refused.exit_code == 1
        said = refused.stderr.replace("\n", " ").strip()
        assert said.startswith(f"{url} refused the request: This is refused as {code}.")
        assert advice in said


@pytest.mark.parametrize("body", ["<h1>Not here</h1>", "[]", '{"errors": []}', '{"errors": ["no"]}', "{}"])
def test_an_error_of_another_server_is_said_to_be_none_of_the_service(
    answering: Callable[[int, str], str], body: str
) -> None:
    url = answering(404, body)
    refused = projections(url, "status")
    assert refused.exit_code == 1
    assert f"{url} answered with HTTP status 404, so it is not Diptych's GraphQL endpoint." in refused.stderr


async def test_who_is_no_operator_is_told_which_token_to_set(service: Service) -> None:
    url = f"{service.client.url}/graphql"
    refused = await asyncio.to_thread(projections, url, "rebuild", "activity", token="staff")
    assert refused.exit_code == 1
    assert "refused the request" in refused.stderr
    assert "Set DIPTYCH_TOKEN to a token of an operator." in refused.stderr.replace("\n", " ")
    unknown = await asyncio.to_thread(projections, url, "status", token="nobody")
    assert "refused the token. Set DIPTYCH_TOKEN to a valid token of an operator, or" in unknown.stderr
