"""Why a command was refused, as data that a client can act on."""

from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.cqrs.commands import outcomes as commands
from app.cqrs.projecting import projections
from app.domain.catalog import refusals as catalog
from app.domain.customers import refusals as customers
from app.domain.orders import refusals as orders
from app.domain.orders.status import OrderStatus
from app.domain.stock import refusals as stock
from schema.circle.enums import describe
from schema.circle.ids import global_id

describe(
    OrderStatus,
    "How far an order is.",
    {
        "PLACED": "Its stock is reserved.",
        "PAID": "The money is there.",
        "SHIPPED": "It has left the warehouse.",
        "CANCELLED": "It was called off before it was shipped; its stock is available again.",
    },
)


class CommandErrorCode(Enum):
    """One for each type of `CommandError`."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    COMMAND_ID_REUSED = "COMMAND_ID_REUSED"
    DUPLICATE_SKU = "DUPLICATE_SKU"
    PRODUCT_DISCONTINUED = "PRODUCT_DISCONTINUED"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    STOCK_TOO_LOW = "STOCK_TOO_LOW"
    STOCK_TOO_HIGH = "STOCK_TOO_HIGH"
    DUPLICATE_EMAIL = "DUPLICATE_EMAIL"
    CUSTOMER_CLOSED = "CUSTOMER_CLOSED"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    READ_MODEL_FAILED = "READ_MODEL_FAILED"


describe(
    CommandErrorCode,
    "The kinds of refusals.",
    {
        "INVALID_INPUT": "A value breaks a rule.",
        "NOT_FOUND": "What the command names does not exist.",
        "VERSION_CONFLICT": "The command expected another version.",
        "COMMAND_ID_REUSED": "The command id was already used for a different input.",
        "DUPLICATE_SKU": "Another product has this SKU.",
        "PRODUCT_DISCONTINUED": "The product is no longer on sale.",
        "OUT_OF_STOCK": "More units are asked for than are available.",
        "STOCK_TOO_LOW": "A correction would take away units that are not there, or reserved.",
        "STOCK_TOO_HIGH": "The warehouse can't hold so many units of one product.",
        "DUPLICATE_EMAIL": "Another customer has this e-mail address.",
        "CUSTOMER_CLOSED": "The business with the customer has ended.",
        "ILLEGAL_TRANSITION": "The order is not in a state in which this can be done.",
        "READ_MODEL_FAILED": "The read model stopped again.",
    },
)


@strawberry.interface(description="A reason why a command was refused.")
class CommandError:
    """What every refusal says."""

    code: CommandErrorCode = strawberry.field(description="What kind of reason it is.")
    message: str = strawberry.field(description="The reason in a sentence, for people.")
    path: list[str] = strawberry.field(description="Where in the mutation's arguments the trouble is.")


@strawberry.type(description="A value breaks a rule.")
class InvalidInput(CommandError):
    """Send another value at `path`."""


@strawberry.type(description="What the command names does not exist.")
class NotFound(CommandError):
    """Send another id at `path`."""

    missing_id: strawberry.ID = strawberry.field(description="The id that leads nowhere.")


@strawberry.type(description="The command expected another version.")
class VersionConflict(CommandError):
    """Read again, decide again."""

    current_version: int = strawberry.field(description="The version that it has.")


@strawberry.type(description="The `commandId` was already used for a different input.")
class CommandIdReused(CommandError):
    """Send a new command under a new id."""

    command_id: UUID = strawberry.field(description="The id that was used before.")


@strawberry.type(description="Another product has this SKU.")
class DuplicateSku(CommandError):
    """Send another SKU, or update the other product."""

    sku: str = strawberry.field(description="The SKU, as the shop writes it.")
    product_id: strawberry.ID = strawberry.field(description="The product that has it.")


@strawberry.type(description="The product is no longer on sale.")
class ProductIsDiscontinued(CommandError):
    """Leave it out."""

    product_id: strawberry.ID = strawberry.field(description="The product.")


@strawberry.type(description="More units are asked for than are available.")
class OutOfStock(CommandError):
    """Ask for fewer, or later."""

    product_id: strawberry.ID = strawberry.field(description="The product.")
    requested: int = strawberry.field(description="Units asked for, on all lines together.")
    available: int = strawberry.field(description="Units that can be ordered now.")


@strawberry.type(description="The correction would take away units that are not there, or reserved.")
class StockTooLow(CommandError):
    """Count again, or cancel orders first."""

    product_id: strawberry.ID = strawberry.field(description="The product.")
    on_hand: int = strawberry.field(description="Units in the warehouse.")
    reserved: int = strawberry.field(description="Units set aside for orders.")


@strawberry.type(description="The warehouse can't hold so many units of one product.")
class StockTooHigh(CommandError):
    """Receive fewer."""

    product_id: strawberry.ID = strawberry.field(description="The product.")
    on_hand: int = strawberry.field(description="Units in the warehouse.")
    limit: int = strawberry.field(description="The most it can hold.")


@strawberry.type(description="Another customer has this e-mail address.")
class DuplicateEmail(CommandError):
    """Send another address, or update the other customer."""

    email: str = strawberry.field(description="The address.")
    customer_id: strawberry.ID = strawberry.field(description="The customer who has it.")


@strawberry.type(description="The business with this customer has ended.")
class CustomerIsClosed(CommandError):
    """Register them anew."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")


@strawberry.type(description="The order is not in a state in which this can be done.")
class IllegalTransition(CommandError):
    """Read the order again."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
    status: OrderStatus = strawberry.field(description="Its status now.")
    requested_status: OrderStatus = strawberry.field(description="The status that was asked for.")


@strawberry.type(description="The read model stopped again at an event that it can't apply.")
class ReadModelFailed(CommandError):
    """Mend what the message names, then try again."""


SHOWN: dict[type[commands.CommandError], type[CommandError]] = {
    commands.InvalidInput: InvalidInput,
    commands.NotFound: NotFound,
    commands.VersionConflict: VersionConflict,
    commands.CommandIdReused: CommandIdReused,
    catalog.DuplicateSku: DuplicateSku,
    catalog.ProductIsDiscontinued: ProductIsDiscontinued,
    stock.OutOfStock: OutOfStock,
    stock.StockTooLow: StockTooLow,
    stock.StockTooHigh: StockTooHigh,
    customers.DuplicateEmail: DuplicateEmail,
    customers.CustomerIsClosed: CustomerIsClosed,
    orders.IllegalTransition: IllegalTransition,
    projections.ReadModelFailed: ReadModelFailed,
}
"""How each refusal is shown. A field `x_id` becomes the global id of an X."""


def shown(error: commands.CommandError) -> CommandError:
    """The refusal as clients see it."""
    fields = {name: _shown(name, value) for name, value in vars(error).items() if name not in {"kind", "id"}}
    if isinstance(error, commands.NotFound):
        # Not `id`: caches would take the refusal for the node.
        fields["missing_id"] = global_id(error.kind.capitalize(), error.id)
    path = ["input", *(to_camel_case(step) if isinstance(step, str) else str(step) for step in error.path)]
    return SHOWN[type(error)](**{**fields, "code": CommandErrorCode(error.code), "path": path})


def _shown(name: str, value: Any) -> Any:
    if name.endswith("_id") and name != "command_id":
        return global_id(name.removesuffix("_id").capitalize(), value)
    return value
