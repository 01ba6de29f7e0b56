"""Indexes and orders over keys that nothing writes are found without running anything."""

from collections.abc import Iterator
from enum import Enum

from app.cqrs.documents.audiences import owner_at
from app.cqrs.documents.keys import keys_written, problems
from app.cqrs.documents.plain import plain
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Event
from app.cqrs.reading.pages import Listing
from app.values import Money


class BookLent(Event):
    book: str
    fee: Money


class LoanOrder(Enum):
    FEE = "fee.amount"
    READER = "raeder"


loans = ReadModel("loans")
documents = loans.collection(
    seen_by=owner_at("reader"),
    indexes=[
        ("title", "_id"),
        ("-fee.amount", "position"),
        ("titel",),
        ("fee.amuont",),
        ("reader", "-fee.amount", "_id"),
    ],
)


@loans.on(BookLent)
def lent(event: BookLent, at: RecordedEvent) -> Iterator[Change]:
    yield documents.put(event.book, {**_described(event), "fee": plain(event.fee)})
    yield documents.update(
        event.book, {"$set": {"last.at": at.occurred_at}, "$min": _reader(reader=at.actor)}
    )


def _described(event: BookLent) -> dict[str, str]:
    return {"title": event.book}


def _reader(**fields: str) -> dict[str, str]:
    return fields


def by_title() -> Listing:
    return Listing(documents, {}, ["-title"])


def by_the_fee(order: LoanOrder, *, descending: bool = False) -> Listing:
    return Listing(documents, {}, [f"-{order.value}" if descending else order.value])


def by_date() -> Listing:
    return Listing(documents, {}, order=["last.date"])


def test_keys_come_from_the_functions_and_from_what_events_hold() -> None:
    written = keys_written(loans)
    assert {"title", "fee", "amount", "currency_code", "last", "at", "reader", "_id", "position"} <= written
    assert not {"titel", "raeder", "date"} & written


def test_a_collection_without_an_audience_is_told() -> None:
    undeclared = ReadModel("undeclared")
    undeclared.collection("part")
    assert list(problems(undeclared, set())) == [
        "undeclared_part does not declare who may see its documents: give it a `seen_by`, such as EVERYBODY, "
        "STAFF, OPERATORS or owner_at(<path to the id of a customer>)."
    ]


def test_an_owner_that_nothing_writes_is_told() -> None:
    misspelt = ReadModel("misspelt")
    misspelt.collection(seen_by=owner_at("reader.di"))
    assert list(problems(misspelt, {"reader", "id"})) == [
        "The documents of misspelt belong to the customer at reader.di, which no function of misspelt "
        "writes: correct its spelling in `seen_by`."
    ]


def test_an_order_without_an_index_for_an_owners_page_is_told() -> None:
    told = [said for said in problems(loans, keys_written(loans)) if "an owner's page" in said]
    assert told == [
        f"{function} of tests.cqrs.documents.test_keys sorts by {path}, but no index serves an owner's page: "
        f'add ("reader", "{path}", "_id") to `indexes` of loans.'
        for function, path in (("by_title", "title"), ("by_the_fee", "raeder"), ("by_date", "last.date"))
    ]


def test_an_index_over_a_key_that_nothing_writes_is_told() -> None:
    told = [said for said in problems(loans, keys_written(loans)) if said.startswith("An index")]
    assert told == [
        f"An index of loans is over {path}, which no function of loans writes: correct its spelling in "
        "`indexes`, or in the function."
        for path in ("titel", "fee.amuont")
    ]


def test_an_order_by_a_key_that_nothing_writes_is_told() -> None:
    told = [said for said in problems(loans, keys_written(loans)) if "sorts by" in said and "writes" in said]
    assert told == [
        f"{function} of tests.cqrs.documents.test_keys sorts by {path}, which no function of loans writes: "
        "correct its spelling."
        for function, path in (("by_the_fee", "raeder"), ("by_date", "last.date"))
    ]
