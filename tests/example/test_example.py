"""The example as a part of the whole program: it runs, and what it forgets is told before anybody asks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.example.placing import HERE, LISTED, before_it, placed, run
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

pytestmark = pytest.mark.campaign

FIELDS = "review { id stars opinion version productId }"
HANDLERS, EVENTS = "app/domain/reviews/handlers.py", "app/domain/reviews/events.py"
READ_MODEL, GRAPHQL = "app/read_models/product_reviews.py", "schema/reviews.py"
MIGRATION = "app/migrations/versions/9000_products_are_reviewed.py"

FORGOTTEN = {
    "app.domain.reviews.model.SeenOff is not registered: move it to app.domain.reviews.events.": (
        "app/domain/reviews/model.py",
        "REVISED_WITHIN = ",
        'class SeenOff(Event):\n    """Forgotten in the wrong module."""\n\n\nREVISED_WITHIN = ',
    ),
    "ReviseReview has no handler: add one to `handlers` of the CONTEXT in app.domain.reviews.handlers.": (
        HANDLERS,
        "        ReviseReview: reviews.changed_by(model.revise),\n",
        "",
    ),
    "ReviseReview has no rule about who may send it: add one to RULES in app.domain.reviews.rules, such as "
    "`only(Sight.STAFF)`.": (
        "app/domain/reviews/rules.py",
        "    ReviseReview: only(Sight.STAFF),\n",
        "",
    ),
    "The field since of app.domain.reviews.refusals.ReviewIsFinal has no description": (
        "app/domain/reviews/refusals.py",
        'since: Annotated[datetime, "When it became final."]',
        "since: datetime",
    ),
    "The read model product_reviews has no description, which clients are shown: give it a `description`.": (
        READ_MODEL,
        ', description="The reviews of each product, with the average of their stars."',
        "",
    ),
    "The schema can't show the refusal ReviewIsFinal: name app.domain.reviews.refusals as the `refusals` of "
    "a PART.": (
        GRAPHQL,
        "    refusals=refusals,\n",
        "",
    ),
    "No upcaster reads ProductReviewed in version 1, and ProductReviewed is at version 2: add one to the "
    "upcasters in app.domain.reviews.events.": (
        EVENTS,
        '@upcasters.step(("ProductReviewed", 1), ("ProductReviewed", 2))\n',
        "",
    ),
    "StarsChanged does not say which of its fields are personal: set `personal_fields` to their names in "
    "app.domain.reviews.events, or to `()`.": (
        EVENTS,
        "    personal_fields = ()\n",
        "",
    ),
    "product_reviews_ratings does not declare who may see its documents: give it a `seen_by`, such as": (
        READ_MODEL,
        '"ratings", seen_by=EVERYBODY, ',
        '"ratings", ',
    ),
    "Query.rating does not declare who may ask for it: decorate it with `@visible_to(Sight.ANONYMOUS)`, or "
    "with a higher sight.": (
        GRAPHQL,
        '    @visible_to(Sight.ANONYMOUS)\n    @strawberry.field(description="The summary',
        '    @strawberry.field(description="The summary',
    ),
    "Subscription.reviewUpdated does not declare who may ask for it": (
        GRAPHQL,
        "    @visible_to(Sight.ANONYMOUS)\n    @strawberry.subscription(",
        "    @strawberry.subscription(",
    ),
    "Review.stars can't be hidden from anybody, because it can't be null: make its type nullable, say "
    "what others get `otherwise`, or remove `visible_to`.": (
        GRAPHQL,
        'stars: int = strawberry.field(description="The number of stars, 1 to 5.")',
        'stars: int = visible_to(Sight.STAFF)(strawberry.field(description="The number of stars, 1 to 5."))',
    ),
    "An index of product_reviews is over writen_at, which no function of product_reviews writes": (
        READ_MODEL,
        'indexes=[("product_id", "written_at"',
        'indexes=[("product_id", "writen_at"',
    ),
    "reviews_of of app.read_models.product_reviews sorts by wirtten_at, which no function": (
        READ_MODEL,
        '["-written_at"]',
        '["-wirtten_at"]',
    ),
    "Review.opinoin shows the key opinoin, which no function of product_reviews writes: correct the "
    "spelling of one of them.": (
        GRAPHQL,
        "    opinion: str = strawberry.field(d",
        "    opinoin: str = strawberry.field(d",
    ),
    "Rating.average shows the key starz, which no function of product_reviews writes": (
        GRAPHQL,
        'document["stars"]',
        'document["starz"]',
    ),
}
"""What is told, and the text of a file that is replaced by another for it."""


def test_the_program_with_the_example_is_complete(tmp_path: Path) -> None:
    said = run(placed(tmp_path), "app", "check")
    assert said.stderr == ""
    assert said.returncode == 0


def test_a_part_of_the_schema_that_is_not_listed_is_told(tmp_path: Path) -> None:
    said = run(placed(tmp_path, lines=[]), "app", "check")
    assert said.returncode == 1
    assert said.stderr.splitlines() == [LISTED.forgotten]


def test_what_is_left_out_or_misspelt_is_told(tmp_path: Path) -> None:
    said = run(placed(tmp_path, changed=FORGOTTEN.values()), "app", "check")
    assert said.returncode == 1
    followed = "The upcaster of ProductRated in version 1 leads to ProductReviewed in version 1, which"
    assert len(said.stderr.splitlines()) == len(FORGOTTEN) + 1
    for sentence in (*FORGOTTEN, followed):
        assert sentence in said.stderr


def test_a_node_that_no_id_leads_to_is_told(tmp_path: Path) -> None:
    unshown = (GRAPHQL, '@shows(reviews, kinds=["review"])\n', "")
    said = run(placed(tmp_path, changed=[unshown]), "app", "check").stderr
    assert "No id leads to the node Review: decorate it with `@shows(<its collection>)`." in said
    assert "Streams of the kind review belong to no node" in said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("@shows(ratings)\n", "", "No type shows the documents of product_reviews_ratings, so that cascades"),
        (
            "-> Rating | None:",
            "-> Review | None:",
            "No root field leads to Rating, so that cascades can't name",
        ),
    ],
)
def test_documents_that_no_cascade_could_name_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    said = run(placed(tmp_path, changed=[(GRAPHQL, old, new)]), "app", "check")
    assert said.returncode == 1
    assert told in said.stderr


def test_the_start_is_refused_where_something_is_forgotten(tmp_path: Path) -> None:
    serve = ("app", "serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    said = run(placed(tmp_path / "unlisted", lines=[]), *serve)
    assert (said.returncode, said.stdout) == (2, "")
    assert LISTED.forgotten in said.stderr
    assert "Traceback" not in said.stderr

    for command, exit_code in ((serve, 2), (("app", "check"), 1)):
        folder = tmp_path / f"unmigrated-{exit_code}"
        said = run(placed(folder, without=[MIGRATION]), *command)
        assert (said.returncode, said.stdout) == (exit_code, "")
        assert "there is no table reviews. Write a migration in app/migrations/versions" in said.stderr
        assert "Traceback" not in said.stderr


def test_a_migration_that_does_not_follow_the_newest_one_is_told_with_what_to_change(tmp_path: Path) -> None:
    folder = placed(tmp_path / "program")
    migration = folder / MIGRATION
    migration.write_text((HERE / "migration.py").read_text("utf-8"), "utf-8")  # as it stands
    serve = ("app", "serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    for command, exit_code in ((serve, 2), (("app", "check"), 1)):
        said = run(folder, *command)
        assert (said.returncode, said.stdout) == (exit_code, "")
        newest = before_it(migration)
        assert said.stderr == (
            f"Several migrations are the newest one: {newest}, reviews. In app/migrations/versions, "
            "0005_the_head_row_is_only_locked.py and 9000_products_are_reviewed.py each say that they follow "
            "0004.\nIn the file that was added, set `down_revision` to that one of "
            f"{newest}, reviews with which the others end. No store was changed.\n"
        )
    migration.write_text(migration.read_text("utf-8").replace('"0004"', f'"{newest}"'), "utf-8")
    assert run(folder, "app", "check").returncode == 0


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A client of the whole program with the example."""
    folder = placed(tmp_path_factory.mktemp("program"))
    data = tmp_path_factory.mktemp("data")
    async with (
        running(data, "--no-demo", PYTHONPATH=str(folder), PYTHONSAFEPATH="1") as service,
        httpx.AsyncClient(timeout=20) as http,
    ):
        yield Client(service.url, http)


async def test_a_review_goes_from_the_mutation_to_the_query(client: Client) -> None:
    tea = await Shop(client).product()
    praised = await client.mutate("reviewProduct", FIELDS, productId=tea, stars=5, opinion="Fine.")
    assert praised["errors"] == []
    review: dict[str, Any] = praised["review"]
    assert review == {
        "id": review["id"],
        "stars": 5,
        "opinion": "Fine.",
        "version": 1,
        "productId": tea,
    }
    await client.mutate("reviewProduct", "", productId=tea, stars=2)
    answer = await client.send(
        """query ($tea: ID!) {
            rating(productId: $tea) { reviews average }
            reviews(productId: $tea, first: 1) { nodes { stars opinion } totalCount }
        }""",
        {"tea": tea},
    )
    assert answer.data == {
        "rating": {"reviews": 2, "average": 3.5},
        "reviews": {"nodes": [{"stars": 2, "opinion": ""}], "totalCount": 2},
    }
    found = await client.send("query ($id: ID!) { node(id: $id) { __typename id } }", {"id": review["id"]})
    assert found.data["node"] == {"__typename": "Review", "id": review["id"]}
    assert answer.freshness["PRODUCT_REVIEWS"]["state"] == "LIVE"


async def test_a_cascade_covers_a_new_read_model_by_itself(client: Client) -> None:
    tea = await Shop(client).product()
    cascade = "cascade { changed { type } fields { type name } }"
    found = (await client.mutate("reviewProduct", cascade, productId=tea, stars=5))["cascade"]
    assert {each["type"] for each in found["changed"]} == {"Activity", "Review"}
    assert [each["name"] for each in found["fields"]] == ["activity", "rating", "reviews"]


async def test_reviews_are_sent_in_lists(client: Client) -> None:
    tea = await Shop(client).product()
    answer = await client.send(
        """mutation ($commands: [CommandInput!]!) { sendCommands(input: {commands: $commands}) {
            results { changed { ... on Review { stars } } errors { code path } } } }""",
        {"commands": [{"reviewProduct": {"productId": tea, "stars": stars}} for stars in (4, 6)]},
    )
    assert answer.data["sendCommands"]["results"] == [
        {"changed": {"stars": 4}, "errors": []},
        {
            "changed": None,
            "errors": [
                {"code": "INVALID_INPUT", "path": ["input", "commands", "1", "reviewProduct", "stars"]}
            ],
        },
    ]


async def test_a_refusal_of_a_review_is_data(client: Client) -> None:
    tea = await Shop(client).product()
    refused = await client.mutate("reviewProduct", FIELDS, productId=tea, stars=6)
    assert refused["review"] is None
    [error] = refused["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "stars"])
    schema = (await client.send('{ __type(name: "ReviewIsFinal") { fields { name } } }')).data["__type"]
    assert {field["name"] for field in schema["fields"]} == {"code", "message", "path", "reviewId", "since"}


async def test_a_review_is_followed(client: Client) -> None:
    tea = await Shop(client).product()
    review = (await client.mutate("reviewProduct", FIELDS, productId=tea, stars=5))["review"]["id"]
    query = "subscription ($id: ID!) { reviewUpdated(id: $id) { cursor review { stars opinion } } }"
    async with client.subscribe(query, {"id": review}) as updates:
        assert (await updates.next())["review"] == {"stars": 5, "opinion": ""}
        revised = await client.mutate("reviseReview", FIELDS, reviewId=review, stars=1, opinion="Stale.")
        assert [event["type"] for event in revised["receipt"]["events"]] == ["StarsChanged", "OpinionChanged"]
        shown = (await updates.next())["review"]
        if shown["opinion"] == "":  # Each event may be a state of its own.
            shown = (await updates.next())["review"]
        assert shown == {"stars": 1, "opinion": "Stale."}
