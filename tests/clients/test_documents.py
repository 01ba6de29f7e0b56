"""Operations by their ids, as clients send them and as their tools write manifests of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.graphql.admission.persisted import read_manifest
from tests.clients.client import HERE, SCHEMA
from tests.inprocess import serving
from tests.node import NpmProject

pytestmark = pytest.mark.campaign


def settings(folder: Path, mongo_url: str, manifest: Path | None = None) -> Settings:
    mode: Any = "trusted" if manifest else "any"
    return Settings(
        data_dir=folder / "data",
        mongodb_url=mongo_url,
        mongodb_database=f"by-id-{folder.name}"[:40],
        documents=mode,
        documents_manifest=manifest,
    )


async def test_apollos_persisted_queries_are_sent_once_with_their_text(
    node: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    async with serving(settings(tmp_path, mongo_url)) as service:
        said = await node.run("javascript/persisted.js", f"{service.client.url}/graphql", "3")
    answers = [json.loads(line) for line in said.splitlines()]
    assert [answer["sent"] for answer in answers] == [["hash", "hash and text"], ["hash"], ["hash"]]
    assert all("data" in answer for answer in answers)


async def test_apollos_persisted_queries_are_trusted_documents_where_a_manifest_has_them(
    node: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    body = "query Persisted {\n  products {\n    totalCount\n    __typename\n  }\n}"  # as Apollo sends it
    operation = {"id": "any id", "name": "Persisted", "type": "query", "body": body}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest), "utf-8")
    async with serving(settings(tmp_path, mongo_url, file)) as service:
        said = await node.run("javascript/persisted.js", f"{service.client.url}/graphql", "2")
    answers = [json.loads(line) for line in said.splitlines()]
    assert [answer["sent"] for answer in answers] == [["hash"], ["hash"]]
    assert all("data" in answer for answer in answers)


async def relay_manifest(node: NpmProject) -> Path:
    """Return the manifest that relay-compiler writes, with its artifacts beside it, which have no texts."""
    config = HERE / ".generated" / "relay.persisted.json"
    config.parent.mkdir(exist_ok=True)
    artifacts = HERE / ".generated" / "relay-persisted"
    shutil.rmtree(artifacts, ignore_errors=True)  # The compiler leaves out what it has persisted before.
    artifacts.mkdir()
    file = config.parent / "relay-manifest.json"
    file.write_text("{}", "utf-8")
    written = json.loads((HERE / "relay.config.json").read_text("utf-8"))
    written |= {
        "artifactDirectory": str(artifacts.relative_to(HERE)),
        "persistConfig": {"file": str(file.relative_to(HERE)), "algorithm": "SHA256"},
    }
    config.write_text(json.dumps(written), "utf-8")
    await node.use("relay-compiler", str(config.relative_to(HERE)))
    return file


async def test_the_manifest_of_relay_compiler_is_read_as_it_is(
    node: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    file = await relay_manifest(node)
    texts = read_manifest(file)
    [id] = [id for id, text in texts.items() if text.startswith("query ShopQuery")]
    async with serving(settings(tmp_path, mongo_url, file)) as service, httpx.AsyncClient() as http:
        url = f"{service.client.url}/graphql"
        answer = await http.post(url, json={"documentId": id, "variables": {}})
    assert answer.json()["data"]["products"]["edges"] == []


async def test_the_npm_package_sends_what_relay_compiler_has_persisted_by_its_id(
    npm_package: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    file = await relay_manifest(npm_package)
    async with serving(settings(tmp_path, mongo_url, file)) as service:
        said = await npm_package.run("javascript/relay-persisted.js", f"{service.client.url}/graphql")
    assert json.loads(said) == {"asked": "1.00", "followed": "1.00"}


async def test_the_manifest_of_graphql_codegen_is_read_as_it_is(
    node: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    written = json.loads((HERE / "codegen.json").read_text("utf-8"))
    made = HERE / ".generated" / "codegen-persisted"
    [preset] = written["generates"].values()
    preset["presetConfig"] = {
        "persistedDocuments": {"mode": "embedHashInDocument", "hashAlgorithm": "sha256"}
    }
    written["generates"] = {f"{made}/": preset}
    written |= {"schema": str(SCHEMA), "documents": [str(HERE / "typescript" / "*.ts")]}
    config = HERE / ".generated" / "codegen.persisted.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(written), "utf-8")
    await node.use("graphql-codegen", "--config", str(config.relative_to(HERE)), "--silent")
    texts = read_manifest(made / "persisted-documents.json")
    assert texts
    async with (
        serving(settings(tmp_path, mongo_url, made / "persisted-documents.json")) as service,
        httpx.AsyncClient() as http,
    ):
        url = f"{service.client.url}/graphql"
        answers = [(await http.post(url, json={"documentId": id})).json() for id in texts]
    refused = {error["extensions"]["code"] for each in answers for error in each.get("errors", ())}
    assert "DOCUMENT_NOT_TRUSTED" not in refused
    assert "GRAPHQL_PARSE_FAILED" not in refused
