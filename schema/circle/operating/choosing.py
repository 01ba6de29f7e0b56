"""The choice of the documents that a rebuild makes anew in their places."""

import strawberry

from app.cqrs.commands.outcomes import CommandError as Refusal
from app.cqrs.commands.outcomes import InvalidInput
from app.cqrs.operating.operations import Remade
from app.cqrs.rebuilding.differences import NAMED
from app.cqrs.rebuilding.rebuilds import KEEP, LONGEST_KEEP
from app.cqrs.rebuilding.selection import Selection
from schema.circle.consistency import ReadModelName
from schema.circle.ids import BadId, split_id
from schema.circle.scalars import Position


@strawberry.input(description="The input of the mutation `rebuildReadModel`.")
class RebuildReadModelInput:
    read_model: ReadModelName = strawberry.field(description="The name of the read model to rebuild.")
    keep_seconds: int = strawberry.field(
        default=int(KEEP.total_seconds()),
        description="The seconds for which the documents of before are kept up to date after the switch, "
        f"from 0 to {int(LONGEST_KEEP.total_seconds()):,}. A rollback is possible until then.",
    )
    verify: bool = strawberry.field(
        default=False,
        description="True if the new documents are to be compared with those that serve, before the switch. "
        "If any differs, the rebuild stays in the state `DIFFERENT`.",
    )
    accept_differences: bool = strawberry.field(
        default=False, description="True if a rebuild in the state `DIFFERENT` is to switch."
    )
    document_id: str | None = strawberry.field(
        default=None,
        description="The id of one document that is made anew in its place, instead of all: that of its "
        "node, or as comparisons name it, such as `product_listing/018f…`.",
    )
    stream: str | None = strawberry.field(
        default=None,
        description="The stream, such as `order-018f…`, whose events concern the documents that are made "
        "anew in their places, instead of all.",
    )
    from_position: Position | None = strawberry.field(
        default=None,
        description="The position of the first event, inclusive, that concerns the documents that are made "
        "anew in their places, instead of all: those that anything has changed since. It repairs what became "
        "wrong from a known moment on.",
    )


@strawberry.type(description="The documents that a partial rebuild makes anew.")
class RebuiltDocuments:
    is_done: bool = strawberry.field(
        description="True if they were made anew. Otherwise send the same mutation again, which goes on "
        "waiting."
    )
    position: Position = strawberry.field(description="The position up to which the log was read, inclusive.")
    head: Position = strawberry.field(description="The position up to which it is read, inclusive.")
    count: int = strawberry.field(description="The number of documents; 0 while it is under way.")
    differing: int = strawberry.field(
        description="The number of documents that were different, and are right now."
    )
    differences: list[str] = strawberry.field(
        description=f"The first differences, at most {NAMED}, with paths and without values."
    )

    @classmethod
    def of(cls, remade: Remade) -> "RebuiltDocuments":
        """Return the documents in the form that clients see."""
        return cls(
            is_done=remade.is_done,
            position=Position(remade.position),
            head=Position(remade.head),
            count=remade.documents,
            differing=remade.differing,
            differences=list(remade.differences),
        )


def chosen_by(input: RebuildReadModelInput) -> Selection | Refusal | None:
    """Return the documents that the input chooses, or the reason to refuse it; `None` for all of them."""
    given = {
        "document_id": input.document_id,
        "stream": input.stream,
        "from_position": input.from_position,
    }
    chosen = [name for name, value in given.items() if value is not None]
    if not chosen:
        return None
    flags = {"verify": input.verify, "accept_differences": input.accept_differences}
    conflicting = [*chosen[1:], *(name for name, is_set in flags.items() if is_set)]
    if conflicting:
        message = (
            "Choose documents in one way: by `documentId`, `stream` or `fromPosition`, without `verify` and "
            "`acceptDifferences`. What was different is told in any case."
        )
        return InvalidInput(message=message, path=(conflicting[0],))
    if input.stream == "" or input.document_id == "" or input.from_position == 0:
        message = "This chooses nothing. Give an id, a stream, or a position from 1 on."
        return InvalidInput(message=message, path=(chosen[0],))
    return Selection(
        document=input.document_id and _key(input.document_id),
        stream=input.stream,
        since=input.from_position,
    )


def _key(id: str) -> str:
    """Return the id that a document has in the store, for that of a node or itself."""
    try:
        return split_id(id)[1]
    except BadId:
        return id
