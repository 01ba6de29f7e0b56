"""Fields that list documents page by page; the arguments of paging are added to each of them."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

import strawberry

from app.cqrs.reading.pages import Listing
from app.graphql.execution.context import Info
from schema.circle.nodes import After, AtLeast, Before, Connection, First, Last, page

_PAGING = {"first": First, "after": After, "last": Last, "before": Before, "at_least": AtLeast}


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
            given = {"info": info, **own} if takes_info else own
            return await connection.read(info, listing(None, **given), asked, at_least)

        _self, *taken = inspect.signature(listing).parameters.values()
        own = [each for each in taken if each.name != "info"]
        takes_info = len(own) < len(taken)
        added = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in _PAGING.items()
        ]
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
        information = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
        returned: Any = connection | None
        vars(resolve)["__signature__"] = inspect.Signature(
            [information, *parameters, *added], return_annotation=returned
        )
        resolve.__annotations__ = {
            "info": Info,
            **{each.name: each.annotation for each in parameters},
            **_PAGING,
            "return": returned,
        }
        resolve.__name__ = listing.__name__
        resolve.__module__ = listing.__module__
        return strawberry.field(resolver=resolve, description=description)

    return declare
