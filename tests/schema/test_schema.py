"""The schema as a whole: described, committed, and without contradictions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    print_schema,
)

from app import declared
from app.cqrs.commands.outcomes import CommandError
from app.graphql.execution.visibility import declared_sight
from app.graphql.internals.strawberry import core_schema
from schema.circle.commands import errors
from schema.circle.consistency import ReadModelName
from schema.circle.nodes import node_types
from schema.circle.shown import shown_documents, shows
from schema.root import schema, sdl
from tests.schema.client import Client

NODE: Any = core_schema(schema).type_map["Node"]
TYPES = {name: kind for name, kind in core_schema(schema).type_map.items() if not name.startswith("__")}


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    committed = Path(__file__).parents[2] / "schema" / "schema.graphql"
    assert committed.read_text() == sdl(), "write it anew: python -m app schema > schema/schema.graphql"


def kinds_of_refusals(kind: type[CommandError] = CommandError) -> Iterator[type[CommandError]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("app."):
            yield each
            yield from kinds_of_refusals(each)


def test_every_refusal_of_the_application_has_a_type_and_a_code_of_its_own() -> None:
    assert declared.HANDLERS  # which has all contexts imported
    kinds = set(kinds_of_refusals())
    assert kinds == set(errors.SHOWN)
    codes = [kind.code for kind in kinds]
    assert sorted(codes) == sorted(code.value for code in errors.CommandErrorCode.all())
    assert len({shown.__name__ for shown in errors.SHOWN.values()}) == len(kinds)


def test_every_read_model_has_a_name_in_the_schema() -> None:
    assert {name.value for name in ReadModelName.all()} == {model.name for model in declared.READ_MODELS}


def test_every_document_is_shown_by_a_type_and_every_node_by_its_id() -> None:
    collections = [each for model in declared.READ_MODELS for each in model.collections]
    assert {each.name for each in collections} == {each.name for each, _ in shown_documents()}
    assert {kind.name for kind in core_schema(schema).get_possible_types(NODE)} == set(node_types())


def test_two_types_for_the_documents_of_one_collection_are_refused() -> None:
    [(collection, kind), *_] = shown_documents()
    with pytest.raises(ValueError, match=f"is shown by {kind.__name__} already"):
        shows(collection)(int)


def test_lists_are_connections_with_nodes_edges_and_totals() -> None:
    for name, kind in TYPES.items():
        if name.endswith("Connection") and isinstance(kind, GraphQLObjectType):
            # The log is searched in portions: its page says how far it came, and nobody knows the total.
            total = "searchedTo" if name == "RecordedEventConnection" else "totalCount"
            assert {"edges", "nodes", "pageInfo", total} <= set(kind.fields), name


OPERATORS_ACTS = {
    "retryReadModel": "freshness",
    "revokeTokens": "revokedAt",
    "skipEvent": "freshness",
    **dict.fromkeys(("rebuildReadModel", "abortRebuild", "rollBackReadModel"), "rebuild"),
}
"""They are no commands: there is no receipt, and no id against doing it twice, for it may be done twice."""


def test_every_mutation_takes_one_input_and_answers_with_receipt_and_errors() -> None:
    mutation: Any = TYPES["Mutation"]
    for name, field in mutation.fields.items():
        verb = name[0].upper() + name[1:]
        assert {arg: str(of.type) for arg, of in field.args.items()} == {"input": f"{verb}Input!"}
        assert str(field.type) == f"{verb}Payload"
        payload: Any = TYPES[f"{verb}Payload"]
        if name in OPERATORS_ACTS:
            assert set(payload.fields) - {"documents"} == {OPERATORS_ACTS[name], "errors"}
            continue
        if name == "sendCommands":  # Each command of the list has its own id, and its own receipt.
            assert set(payload.fields) == {"token", "results", "errors", "cascade"}
            continue
        assert {"receipt", "errors", "cascade"} < set(payload.fields)
        nodes = {get_named_type(each.type).name for each in payload.fields.values()}
        edges = {name for name in nodes if name.endswith("Edge")}
        assert {f"{name}Edge" for name in nodes} >= edges
        assert len(payload.fields) == 3 + 2 * len(edges)
        input: Any = TYPES[f"{verb}Input"]
        assert str(input.fields["commandId"].type) == "UUID"


def test_a_list_takes_every_command_that_has_a_mutation() -> None:
    one: Any = TYPES["CommandInput"]
    mutation: Any = TYPES["Mutation"]
    assert one.is_one_of
    assert set(one.fields) == set(mutation.fields) - {"sendCommands", *OPERATORS_ACTS}
    for name, field in one.fields.items():
        assert str(mutation.fields[name].args["input"].type) == f"{field.type}!"
        assert field.description == mutation.fields[name].description


async def test_the_fields_of_all_refusals_can_be_selected_together(client: Client) -> None:
    def shown(name: str) -> str:
        kind: Any = TYPES[name]
        own = [f for f, of in kind.fields.items() if is_leaf_type(get_named_type(of.type))]
        return f"... on {name} {{ {' '.join(own)} }}"

    every = " ".join(shown(kind.__name__) for kind in errors.SHOWN.values())
    query = f'mutation {{ payOrder(input: {{orderId: "x"}}) {{ errors {{ __typename path {every} }} }} }}'
    [error] = (await client.send(query)).data["payOrder"]["errors"]
    assert (error["__typename"], error["path"]) == ("InvalidInput", ["input", "orderId"])


async def test_the_schema_can_be_introspected_within_the_limits(client: Client) -> None:
    answer = await client.send(get_introspection_query(specified_by_url=True, input_value_deprecation=True))
    assert "type Mutation" in print_schema(build_client_schema(answer.data))


def test_each_mutation_says_who_may_send_it() -> None:
    mutations = core_schema(schema).mutation_type
    assert mutations
    unsaid = [
        name
        for name, field in mutations.fields.items()
        if declared_sight(field) is None or not re.search(r" may (send it|ask)\b", field.description or "")
    ]
    assert unsaid == []
