"""The schema: the queries, mutations and subscriptions of all contexts."""

import strawberry
from graphql import GraphQLError, GraphQLSchema, Undefined, is_input_object_type
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from app.cqrs.commands import outcomes as commands
from app.cqrs.projecting import projections, skipping
from app.cqrs.rebuilding import rebuilds
from app.graphql.admission.limits import Limits
from app.graphql.compiled.large_queries import LargeQueries
from app.graphql.core.inputs import prepare_inputs
from app.graphql.core.yielding_executor import YieldingExecutor
from app.graphql.execution.context import Info
from app.graphql.execution.extension import Consistency
from app.graphql.execution.visibility import guard_fields
from app.graphql.internals.strawberry import core_schema
from schema.circle.commands.command_status import CommandStatusQuery, CommandStatusSubscription
from schema.circle.commands.errors import SHOWN, show_refusals, take_codes
from schema.circle.commands.lists import list_mutation
from schema.circle.commands.mutations import sendable_in
from schema.circle.consistency import ReadModelName
from schema.circle.node_queries import NodesQuery
from schema.circle.nodes import node_types
from schema.circle.operating.events import EventsQuery
from schema.circle.operating.rebuilding import (
    RebuildingMutation,
    RebuildingQuery,
    RebuildingSubscription,
)
from schema.circle.operating.retrying import RetryingMutation
from schema.circle.operating.revoking import RevokingMutation
from schema.circle.operating.skipping import SkippedEventsQuery, SkippingMutation
from schema.circle.operating.status import StatusQuery
from schema.circle.parts import assembled, parts_in
from schema.circle.scalars import SCALARS, read_field
from schema.circle.shown import shown_read_models
from schema.circle.updates import UpdatesSubscription

PARTS = parts_in(
    "schema",
    "catalog",
    "catalog_mutations",
    "stock_mutations",
    "customers",
    "customer_mutations",
    "orders",
    "order_mutations",
    "sales",
    "activity",
)
"""The parts of the shop's schema, in the order of their fields in the root types."""

show_refusals(commands)
show_refusals(projections)
show_refusals(skipping)
show_refusals(rebuilds)
take_codes()
ReadModelName.take({model.name: model.description for model in shown_read_models()})

Query = assembled(
    "Query",
    "The queries of the service. A field whose own read fails is null, with the reason in `errors`; the "
    "other fields are answered.",
    [
        *(part.query for part in PARTS),
        CommandStatusQuery,
        SkippedEventsQuery,
        NodesQuery,
        RebuildingQuery,
        StatusQuery,
        EventsQuery,
    ],
)
Mutation = assembled(
    "Mutation",
    "The mutations of the service. A refused command is not a GraphQL error: its payload lists the reasons "
    "in `errors`.",
    [
        *(part.mutation for part in PARTS),
        list_mutation(each for part in PARTS for each in sendable_in(part.mutation)),
        RetryingMutation,
        SkippingMutation,
        RebuildingMutation,
        RevokingMutation,
    ],
)
Subscription = assembled(
    "Subscription",
    "The subscriptions of the service. Except for `commandStatus` and `rebuildProgress`, every item has a "
    "cursor to resume after.",
    [
        *(part.subscription for part in PARTS),
        UpdatesSubscription,
        CommandStatusSubscription,
        RebuildingSubscription,
    ],
)


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing: `Consistency` logs faults of the service, and no errors of clients."""


schema = _Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*(kind for kind, _ in node_types().values()), *SHOWN.values()],
    extensions=[Consistency, Limits, LargeQueries],
    execution_context_class=YieldingExecutor,
    config=StrawberryConfig(
        default_resolver=read_field,
        info_class=Info,
        scalar_map=SCALARS,
    ),
)


def _without_null_defaults(core: GraphQLSchema) -> None:
    """Remove defaults of null, so that the SDL reads `first: Int` instead of `first: Int = null`."""
    for kind in core.type_map.values():
        fields = getattr(kind, "fields", {}).values()
        arguments = fields if is_input_object_type(kind) else [a for f in fields for a in f.args.values()]
        for argument in arguments:
            if argument.default_value is None:
                argument.default_value = Undefined


_without_null_defaults(core_schema(schema))
prepare_inputs(schema)
guard_fields(schema)


_ONE_OF = "directive @oneOf on INPUT_OBJECT\n"


def sdl() -> str:
    """Return the schema in the schema definition language, as committed in `schema/schema.graphql`."""
    # strawberry prints this directive, which is GraphQL's own, without the description that linters ask for.
    described = f'"""Exactly one field of the input is given, and it is not null."""\n{_ONE_OF}'
    return schema.as_str().replace(_ONE_OF, described) + "\n"
