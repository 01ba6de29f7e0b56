"""Fields that list documents page by page; the arguments of paging are added to each of them."""

import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

import strawberry

from app.cqrs.reading.pages import Listing
from app.graphql.execution.context import Info
from schema.circle.nodes import After, AtLeast, Before, Connection, First, Last, page

_PAGING = {"first": First, "after": After, "last": Last, "before": Before, "at_least": AtLeast}

LISTING = "listing"
"""The key in a field's metadata of the method that makes its listing."""

LOOKUPS = "lookups"
"""The key in a field's metadata of functions that make the listing of its one node from a text.

There is one for each argument besides ids, and none if the viewer alone decides which node it is. Without the
key, any change of such a node may concern the field.
"""


def listing_field(
    connection: type[Connection[Any]], description: str
) -> Callable[[Callable[..., Listing]], Any]:
    """Declare a field of a root type by a method that makes a listing from the field's own arguments.

    The method may take `info`, too.

    The field also takes the arguments of Relay's connections and `atLeast`. A page is read in one find.
    """

    def declare(listing: Callable[..., Listing]) -> Any:
        async def resolve(
            info: Info,
            first: First = None,
            after: After = None,
            last: Last = None,
            before: Before = None,
            at_least: AtLeast = None,
            **own: Any,
        ) -> Any:
            asked = page(first, after, last, before)
            return await connection.read(info, make(info, own), asked, at_least)

        make = listing_maker(listing)
        returned: Any = connection | None
        take_arguments(resolve, listing, _PAGING, returned)
        return strawberry.field(resolver=resolve, description=description, metadata={LISTING: listing})

    return declare


def listing_maker(listing: Callable[..., Listing]) -> Callable[[Info, Mapping[str, Any]], Listing]:
    """Return a function that makes a listing by such a method, which may take `info`, too."""
    takes_info = "info" in inspect.signature(listing).parameters

    def make(info: Info, own: Mapping[str, Any]) -> Listing:
        return listing(None, info=info, **own) if takes_info else listing(None, **own)

    return make


def take_arguments(
    resolve: Callable[..., Any],
    listing: Callable[..., Listing],
    added: Mapping[str, Any],
    returned: Any,
) -> None:
    """Have a resolver take the arguments of a method that makes a listing, and the added ones."""
    _self, *taken = inspect.signature(listing).parameters.values()
    own = [each for each in taken if each.name != "info"]
    more = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in added.items()
    ]
    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
    information = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    vars(resolve)["__signature__"] = inspect.Signature(
        [information, *parameters, *more], return_annotation=returned
    )
    resolve.__annotations__ = {
        "info": Info,
        **{each.name: each.annotation for each in parameters},
        **added,
        "return": returned,
    }
    resolve.__name__ = listing.__name__
    resolve.__module__ = listing.__module__
