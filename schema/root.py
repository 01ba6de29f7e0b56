"""The schema: every context's queries, mutations and subscriptions together."""

from typing import Annotated, cast

import strawberry
from graphql import GraphQLError, GraphQLSchema, Undefined, is_input_object_type
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from app.cqrs.documents.read_model import Collection
from app.graphql.admission.limits import Limits
from app.graphql.compiled.at_once import AtOnce
from app.graphql.execution.collected_fields import EventExecutor
from app.graphql.execution.context import Info
from app.graphql.execution.extension import Consistency
from app.graphql.execution.inputs import prepare_inputs
from schema.activity import Activity, ActivityQuery
from schema.catalog import CatalogQuery, CatalogSubscription, Product
from schema.catalog_mutations import CatalogMutation
from schema.circle.command_status import CommandStatusQuery, CommandStatusSubscription
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.ids import BadId, split_id
from schema.circle.nodes import Node, NodeId, NodeIds
from schema.circle.retrying import RetryingMutation
from schema.circle.scalars import SCALARS, read_field
from schema.circle.shown import shown_documents
from schema.circle.updates import UpdatesSubscription
from schema.customer_mutations import CustomersMutation
from schema.customers import Customer, CustomersQuery
from schema.errors import SHOWN
from schema.order_mutations import OrdersMutation
from schema.orders import Order, OrdersQuery, OrdersSubscription, OrderSummary
from schema.sales import SalesQuery
from schema.stock_mutations import StockMutation

NODES: dict[str, Collection] = {
    kind.__name__: collection for collection, kind in shown_documents() if issubclass(kind, Node)
}
"""Where the documents of each type of node are."""

MOST_NODES = 100


async def _read_node(info: Info, id: str) -> Node | None:
    type_name, key = split_id(id)
    if type_name not in NODES:
        raise BadId("This is not an id. Send one as you received it.")
    found = await info.context.reading.get(NODES[type_name], key, fields=info.shown)
    return cast("Node | None", found and {**found, "__typename": type_name})


@strawberry.type(description="Everything that can be read: documents, and what has become of commands.")
class Query(
    CatalogQuery,
    CustomersQuery,
    OrdersQuery,
    SalesQuery,
    ActivityQuery,
    CommandStatusQuery,
):
    """All queries."""

    @strawberry.field(description="Anything by its global id; null where there is nothing.")
    async def node(self, info: Info, id: NodeId) -> Node | None:
        """One find by key. Relay allows no other argument here: a token goes into the header."""
        return await _read_node(info, id)

    @strawberry.field(description="Several things by their global ids, in the order of the ids.")
    async def nodes(self, info: Info, ids: NodeIds) -> list[Node | None] | None:
        """One find for each; a bad id is an error in its own place."""
        if len(ids) > MOST_NODES:
            raise BadId(f"Ask for at most {MOST_NODES} nodes at once; these are {len(ids)}.")
        return cast("list[Node | None]", [_read_node(info, id) for id in ids])

    @strawberry.field(description="How fresh each read model is, compared with the log.")
    async def freshness(
        self,
        info: Info,
        read_models: Annotated[
            list[ReadModelName] | None, strawberry.argument(description="Which; all where null.")
        ] = None,
    ) -> list[Freshness] | None:
        """From the projectors' own progress; reads no document."""
        progress = info.context.circle.progress
        names = ReadModelName if read_models is None else read_models
        return [Freshness.of(progress[name.value].freshness()) for name in names]


@strawberry.type(description="Every command that can be sent. A refusal is data: look at `errors`.")
class Mutation(
    CatalogMutation,
    StockMutation,
    CustomersMutation,
    OrdersMutation,
    RetryingMutation,
):
    """All mutations."""


@strawberry.type(description="What can be followed. Items have a cursor to go on from.")
class Subscription(
    CatalogSubscription,
    OrdersSubscription,
    UpdatesSubscription,
    CommandStatusSubscription,
):
    """All subscriptions."""


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave the log to `Consistency`, which tells our own faults from the clients'."""


schema = _Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Product, Customer, Order, OrderSummary, Activity, *SHOWN.values()],
    extensions=[Consistency, Limits, AtOnce],
    execution_context_class=EventExecutor,
    config=StrawberryConfig(
        default_resolver=read_field,
        info_class=Info,
        scalar_map=SCALARS,
    ),
)


def _without_null_defaults(core: GraphQLSchema) -> None:
    """What may be left out need not say so twice: `first: Int`, not `first: Int = null`."""
    for kind in core.type_map.values():
        fields = getattr(kind, "fields", {}).values()
        arguments = fields if is_input_object_type(kind) else [a for f in fields for a in f.args.values()]
        for argument in arguments:
            if argument.default_value is None:
                argument.default_value = Undefined


_without_null_defaults(schema._schema)
prepare_inputs(schema)


def sdl() -> str:
    """The schema in the schema definition language, as committed in `schema/schema.graphql`."""
    return schema.as_str() + "\n"
