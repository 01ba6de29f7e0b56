"""What is used of graphql-core's private names: the release that fails here has changed them."""

from graphql import build_schema, parse
from graphql.execution import Executor

from app.graphql.compiled.executor import CompiledExecutor
from app.graphql.core.collected_fields import EventExecutor
from app.graphql.internals.graphql_core import Collected, collect_into, collected_by
from tests.releases import still_there


def test_an_executor_keeps_its_sub_fields_where_they_are_put() -> None:
    core = build_schema("type Query { product: Product } type Product { onHand: Int }")
    built = Executor.build(core, parse("{ product { onHand } }"), {"product": {"onHand": 1}})
    assert isinstance(built, Executor), built
    into: Collected = {}
    with still_there("graphql-core", "app/graphql/internals/graphql_core.py"):
        collect_into(built, into)
        built.execute_operation(False)
        assert collected_by(built) is into, "an executor keeps collected sub-fields elsewhere"
        assert len(into) == 1, "an executor keeps collected sub-fields elsewhere"


def test_an_executor_has_the_methods_that_ours_put_others_in_the_place_of() -> None:
    """They are public by name, and not in the documentation: one that is gone would just not be called."""
    with still_there(
        "graphql-core", "app/graphql/compiled/executor.py or app/graphql/core/collected_fields.py"
    ):
        for ours in (CompiledExecutor, EventExecutor):
            for name, method in vars(ours).items():
                if callable(method) and not name.startswith("_"):
                    assert hasattr(Executor, name), f"an executor has no {name}"
