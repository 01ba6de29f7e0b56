"""Texts by their ids: hashes are verified, memory is bounded, and manifests of all tools are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.graphql.admission.persisted import (
    MOST_BYTES,
    BadManifest,
    NotAccepted,
    Texts,
    hash_of,
    problem_with_id,
    read_manifest,
)

TEXT = "{ products { totalCount } }"


def by_hash(text: str, query: str | None = None, **other: Any) -> dict[str, Any]:
    persisted = {"version": 1, "sha256Hash": hash_of(text)}
    return {"extensions": {"persistedQuery": persisted}, **({"query": query} if query else {}), **other}


def test_a_persisted_query_is_known_once_it_was_sent_with_its_hash() -> None:
    texts = Texts()
    with pytest.raises(NotAccepted, match="PersistedQueryNotFound") as refusal:
        texts.text_of(by_hash(TEXT))
    assert refusal.value.code == "PERSISTED_QUERY_NOT_FOUND"
    assert texts.text_of(by_hash(TEXT, TEXT)) == TEXT
    assert texts.text_of(by_hash(TEXT)) == TEXT
    upper = {"version": 1, "sha256Hash": hash_of(TEXT).upper()}
    assert texts.text_of({"extensions": {"persistedQuery": upper}}) == TEXT


def test_a_hash_of_another_text_is_refused_and_persists_nothing() -> None:
    texts = Texts()
    with pytest.raises(NotAccepted, match=hash_of("{ other }")) as refusal:
        texts.text_of(by_hash(TEXT, "{ other }"))
    assert refusal.value.code == "BAD_REQUEST"
    for text in (TEXT, "{ other }"):
        with pytest.raises(NotAccepted):
            texts.text_of(by_hash(text))


def test_persisted_queries_take_bounded_memory() -> None:
    texts, long = Texts(), "x" * 50_000
    for number in range(200):
        texts.text_of(by_hash(f"{number}{long}", f"{number}{long}"))
    assert texts._persisted.bytes <= MOST_BYTES
    assert texts.text_of(by_hash(f"199{long}"))
    with pytest.raises(NotAccepted):
        texts.text_of(by_hash(f"0{long}"))


def test_trusted_documents_are_known_by_id_and_by_hash_and_nothing_else_is_accepted() -> None:
    texts = Texts({"one": TEXT}, only_trusted=True)
    for sent in (
        {"documentId": "one"},
        by_hash(TEXT),
        by_hash(TEXT, TEXT),
        {"documentId": "one", "query": "x"},
    ):
        assert texts.text_of(sent) == TEXT
    assert texts.text_of({"documentId": f"sha256:{hash_of(TEXT)}"}) == TEXT
    for sent in ({"query": TEXT}, {"documentId": "two"}, by_hash("{ a }"), by_hash("{ a }", "{ a }")):
        with pytest.raises(NotAccepted) as refusal:
            texts.text_of(sent)
        assert refusal.value.code == "DOCUMENT_NOT_TRUSTED"


def test_an_unknown_document_id_is_said_so_where_texts_are_accepted() -> None:
    with pytest.raises(NotAccepted, match="No document has the id one") as refusal:
        Texts().text_of({"documentId": "one", "query": TEXT})
    assert refusal.value.code == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"documentId": 1}, "documentId must be"),
        ({"extensions": {"persistedQuery": 1}}, "extensions.persistedQuery must be"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "extensions.persistedQuery must be"),
        (
            {"extensions": {"persistedQuery": {"sha256Hash": 5, "version": 1}}},
            "extensions.persistedQuery must",
        ),
        ({"extensions": {"persistedQuery": {"sha256Hash": "a", "version": 2}}}, "Send the number 1."),
        ({"documentId": None, "extensions": None}, None),
        (by_hash(TEXT), None),
    ],
)
def test_an_id_of_another_type_is_refused(sent: dict[str, Any], problem: str | None) -> None:
    found = problem_with_id(sent)
    assert found == problem or (problem and found and problem in found)


@pytest.mark.parametrize(
    "manifest",
    [
        {"a": TEXT, "b": "query B { __typename }"},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [
                {"id": "a", "name": "A", "type": "query", "body": TEXT},
                {"id": "b", "name": "B", "type": "query", "body": "query B { __typename }"},
            ],
        },
        {"sha256:a": TEXT, "sha256:b": "query B { __typename }"},
    ],
    ids=["ids and texts", "Apollo's", "ids with their kind"],
)
def test_a_manifest_is_read_as_its_tool_writes_it(tmp_path: Path, manifest: Any) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest), "utf-8")
    assert read_manifest(file) == {"a": TEXT, "b": "query B { __typename }"}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "is not JSON"),
        ("[]", "is no manifest. Give one of relay-compiler or graphql-codegen"),
        ("{}", "has no operations"),
        ('{"a": 1}', "is no manifest"),
        ('{"format": "apollo-persisted-query-manifest", "operations": [1]}', "is no manifest"),
        ('{"format": "apollo-persisted-query-manifest"}', "is no manifest"),
        ('{"a": "{ products {"}', "the document a is not valid: Syntax Error"),
        ('{"a": "{ a }", "sha256:a": "{ b }"}', "has two texts with the id a"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(tmp_path: Path, written: str, message: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(written, "utf-8")
    with pytest.raises(BadManifest, match=message) as refusal:
        read_manifest(file)
    assert str(file) in str(refusal.value)


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="this file can't be read: No such file"):
        read_manifest(tmp_path / "none.json")
