"""What a filter leaves a viewer in the document store is what a comparison leaves of single documents."""

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.audiences import EVERYBODY, NOBODY, OPERATORS, STAFF, Audience, owner_at
from app.cqrs.documents.read_model import Document
from app.cqrs.viewers import Scope, Sight

ANONYMOUS, CLERK, OPERATOR = Scope(Sight.ANONYMOUS), Scope(Sight.STAFF), Scope(Sight.OPERATOR)
ADA, BOB, NAMELESS = (Scope(Sight.CUSTOMER, id) for id in ("ada", "bob", None))
SCOPES = [ANONYMOUS, NAMELESS, ADA, BOB, CLERK, OPERATOR]

DOCUMENTS: list[Document] = [
    {"_id": "ada"},
    {"_id": "1", "owner": "ada", "by": {"id": "bob"}},
    {"_id": "2", "owner": "bob", "by": {"id": "ada"}},
    {"_id": "3", "owner": None, "by": None},
    {"_id": "4", "owner": ["ada", "bob"], "by": [{"id": "ada"}, {"id": None}]},
    {"_id": "5", "owner": [], "by": {"id": ["bob"]}},
    {"_id": "6", "owner": {"id": "ada"}, "by": "ada"},
    {"_id": "8", "owner": [["ada"]], "by": [[{"id": "ada"}]]},
    {"_id": "9", "owner": ["bob", ["ada"]], "by": {"id": [["ada"], "ada"]}},
    {"_id": "7", "owner": "ADA", "by": {"id": {"id": "ada"}}},
]


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("owner", ["_id", "owner", "by.id", "nowhere"])
async def test_filter_and_comparison_agree(
    mongo: AsyncIOMotorDatabase[Document], owner: str, scope: Scope
) -> None:
    audience = owner_at(owner)
    await mongo["audiences"].drop()
    await mongo["audiences"].insert_many(DOCUMENTS)
    found = await mongo["audiences"].find(dict(audience.limited({}, scope))).to_list(None)
    assert found == [each for each in DOCUMENTS if audience.includes(scope, each)]
    narrowed = await mongo["audiences"].find(dict(audience.limited({"_id": "1"}, scope))).to_list(None)
    assert narrowed == [each for each in found if each["_id"] == "1"]


@pytest.mark.parametrize(
    ("audience", "seeing"),
    [
        (EVERYBODY, SCOPES),
        (STAFF, [CLERK, OPERATOR]),
        (OPERATORS, [OPERATOR]),
        (NOBODY, []),
        (owner_at("owner"), [ADA, CLERK, OPERATOR]),
    ],
)
def test_a_document_is_seen_by_its_audience_alone(audience: Audience, seeing: list[Scope]) -> None:
    document = {"_id": "1", "owner": "ada"}
    assert [scope for scope in SCOPES if audience.includes(scope, document)] == seeing


def test_a_document_is_read_with_its_owner() -> None:
    assert owner_at("by.id").with_owner(("name",)) == ("name", "by.id")
    assert owner_at("by.id").with_owner(("by.id", "name")) == ("by.id", "name")
    assert owner_at("by.id").with_owner(None) is None
    assert STAFF.with_owner(("name",)) == ("name",)
