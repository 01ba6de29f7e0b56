"""Each scalar takes what its specification allows, and nothing else; results have one form."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.graphql.execution.json_values import datetime_text
from tests.schema.client import Client
from tests.schema.shop import Shop

ZEROS = "00000000-0000-0000-0000-000000000000"
UUIDS = ("0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f", "0190A5AC-6FD4-7C07-8FB5-35AC4B2E8E4F", ZEROS)

TAKEN: dict[tuple[str, str], list[Any]] = {
    ("Decimal", "products(filter: {priceFrom: $value}) { totalCount }"): [
        *("0", "-0", "1e3", 5, 0.1, "9" * 34)
    ],
    ("DateTime", "orders(filter: {placedFrom: $value}) { totalCount }"): [
        "2011-08-30T13:22:53.108Z",
        "2011-08-30T13:22:53.108+00:00",
        "2011-08-30t13:22:53.108z",
        "2011-08-30T13:22:53Z",
        "2011-08-30T13:22:53.1Z",
        "2011-08-30T13:22:53.10+01:00",
        "2011-08-30T13:22:53.108912Z",
        "2011-08-30T13:22:53.123456789Z",
        "2011-08-30T13:22:53.108-00:00",
        "2011-08-30T13:22:53.108-03:00",
        "2011-08-30T13:22:53.108+03:30",
        "2026-01-31T12:00:00.000-14:00",
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "1990-12-31T23:59:60.000Z",
        "1990-12-31T15:59:60.999-08:00",
    ],
    ("Date", "sales(firstDay: $value) { total { orders } }"): ["0001-01-01", "2024-02-29", "9999-12-31"],
    ("UUID", "activity(filter: {commandId: $value}) { totalCount }"): [*UUIDS],
}

REFUSED = {
    "Decimal": "NaN|-Infinity|inf|"
    "1e400|1e40|1e-40|0x10|1,5|1_000| 19.90|1 |١٢|\uff11|+1|.5|5.|--1|\0||1e|1 0",
    "DateTime": "2011-08-30T13:22:53.108-03|2011-08-30T13:22:53.1234567890Z|2011-08-30T13:22:53.Z|"
    "2011-08-30T23:22:53|2011-08-30T13:22:53.108|2011-08-30|2011-08-30T13:22:53-00|"
    "2011-08-30T13:22:53.108+03:30:15|2011-08-30T24:22:53.108Z|2011-08-30T24:00:00.000Z|"
    "2010-02-30T21:22:53.108Z|2010-02-11T21:22:53.108+25:11|2010-02-11T21:22:53.108+03:60|"
    "2026-W05-6T12:00:00.000Z|2026W056T12:00:00.000Z|20260131T120000.000Z|2026-031T12:00:00.000Z|"
    "2026-01-31 12:00:00.000Z|2026-01-31T12:00:00,000Z|2026-01-31T12:00Z|2026-01-31T12:00.000Z|"
    "2026-01-31T12:60:00.000Z|2026-01-31T12:00:61.000Z|2026-01-31T12:00:60.000Z|"
    "2026-01-30T23:59:60.000Z|2026-01-31T23:59:60.000+01:00|0000-01-01T00:00:00.000Z|"
    "0001-01-01T00:00:00.000+14:00|9999-12-31T23:59:59.000-14:00|9999-12-31T23:59:60.000Z|"
    "now||٢٠٢٦-01-31T12:00:00.000Z|1769860800| 2011-08-30T13:22:53.108Z|2011-08-30T13:22:53.108Z\n",
    "Date": "2026-02-30|2023-02-29|"
    "10000-01-01|0000-01-01|٢٠٢٦-01-31|31.1.2026|2026-1-31||2026-01-31T00:00:00Z|"
    "20260131|2026-W05|2026-W05-6|2026W056|2026-031| 2026-01-31|2026-01-31\n",
    "UUID": "x||0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4|0190a5ac6fd47c078fb535ac4b2e8e4g|"
    "0190a5ac6fd47c078fb535ac4b2e8e4f|{0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f}|"
    "urn:uuid:0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f|0190a5ac-6fd47c07-8fb5-35ac-4b2e8e4f|"
    "0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f\n",
}


async def each_sent(client: Client, scalar: str, field: str, values: list[Any]) -> dict[str, Any]:
    query = f"query ($value: {scalar}) {{ {field} }}"
    return {repr(value): await client.send(query, {"value": value}) for value in values}


@pytest.mark.parametrize(("scalar", "field"), TAKEN)
async def test_a_scalar_takes_what_its_specification_allows(client: Client, scalar: str, field: str) -> None:
    for value, answer in (await each_sent(client, scalar, field, TAKEN[scalar, field])).items():
        assert answer.data, value


@pytest.mark.parametrize(("scalar", "field"), TAKEN)
async def test_a_scalar_refuses_everything_else(
    client: Client, scalar: str, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [*REFUSED[scalar].split("|"), "9" * 5000, True, [], {"a": 1}]
    for value, answer in (await each_sent(client, scalar, field, wrong)).items():
        assert answer.codes == ["BAD_USER_INPUT"], value
        [error] = answer.body["errors"]
        assert error["message"].startswith("Variable '$value' has invalid value"), error
        assert len(str(answer.body)) < 7000
    assert caplog.records == []


SENT_AND_SHOWN = {
    "2024-05-31T12:00:00Z": "2024-05-31T12:00:00.000Z",
    "2024-05-31T12:00:00.5+02:00": "2024-05-31T10:00:00.500Z",
    "2024-05-31T12:00:00.123999999Z": "2024-05-31T12:00:00.123Z",
    "2024-05-31T12:00:00.999999-00:00": "2024-05-31T12:00:00.999Z",
    "2024-06-30T23:59:60.25Z": "2024-07-01T00:00:00.250Z",
}


async def test_a_moment_is_kept_to_the_millisecond_however_it_is_written(client: Client, shop: Shop) -> None:
    ids = {"customerId": await shop.customer(), "productId": await shop.product(stock=50)}
    by_variable = """mutation ($c: ID!, $p: ID!, $at: DateTime) {
        placeOrder(input: {customerId: $c, lines: [{productId: $p, quantity: 1}], placedAt: $at}) {
            order { placedAt } errors { message } } }"""
    for _ in range(3):  # The mutation is compiled by then.
        for sent, shown in SENT_AND_SHOWN.items():
            values = {"c": ids["customerId"], "p": ids["productId"], "at": sent}
            placed = (await client.send(by_variable, values)).data["placeOrder"]
            assert placed == {"order": {"placedAt": shown}, "errors": []}
    for sent, shown in SENT_AND_SHOWN.items():
        literal = by_variable.replace("$at: DateTime", "").replace("$at", f'"{sent}"')
        placed = (await client.send(literal, {"c": ids["customerId"], "p": ids["productId"]})).data[
            "placeOrder"
        ]
        assert placed == {"order": {"placedAt": shown}, "errors": []}


WRONG_LITERALS = {
    '{ orders(filter: { placedFrom: "today" }) { totalCount } }': (
        "Argument 'filter' has invalid value at .placedFrom: \"today\" is not a DateTime. Write date,",
        32,
    ),
    '{ sales(firstDay: "2026-W05") { total { orders } } }': (
        'Argument \'firstDay\' has invalid value: "2026-W05" is not a Date. Write it like "2026-01-31".',
        19,
    ),
    '{ products(filter: { priceFrom: "1,5" }) { totalCount } }': (
        "Argument 'filter' has invalid value at .priceFrom: \"1,5\" is not a Decimal.",
        33,
    ),
    '{ activity(filter: { commandId: "1" }) { totalCount } }': (
        "Argument 'filter' has invalid value at .commandId: \"1\" is not a UUID.",
        33,
    ),
    '{ products(atLeast: ["0", 1]) { totalCount } }': (
        "Argument 'atLeast' has invalid value at [1]: A ConsistencyToken is written as a string",
        27,
    ),
    "{ products(atLeast: 1) { totalCount } }": (
        "Argument 'atLeast' has invalid value: A ConsistencyToken is written as a string",
        21,
    ),
    'query ($day: Date = "x") { sales(firstDay: $day) { total { orders } } }': (
        "Variable '$day' has invalid default value: \"x\" is not a Date.",
        21,
    ),
    "{ products(first: 1.5) { totalCount } }": (
        "Argument 'first' has invalid value: Int cannot represent",
        19,
    ),
    "{ orders(filter: { status: [PLACED, LOST] }) { totalCount } }": (
        "Argument 'filter' has invalid value at .status[1]: Value 'LOST' does not exist",
        37,
    ),
    "{ orders(filter: { nothing: 1 }) { totalCount } }": ("Argument 'filter' has invalid value: ", 20),
}


@pytest.mark.parametrize("query", WRONG_LITERALS)
async def test_a_wrong_literal_is_located_with_its_arguments_name(client: Client, query: str) -> None:
    message, column = WRONG_LITERALS[query]
    answer = await client.send(query)
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    [error] = answer.body["errors"]
    assert error["message"].startswith(message)
    assert error["locations"] == [{"line": 1, "column": column}]
    assert "data" not in answer.body


def test_moments_are_shown_in_utc_in_milliseconds() -> None:
    for moment, shown in {
        datetime(2026, 1, 31, 12, tzinfo=UTC): "2026-01-31T12:00:00.000Z",
        datetime(2026, 1, 31, 12, 0, 0, 123_456, UTC): "2026-01-31T12:00:00.123Z",
        datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=-3.5))): "2026-01-31T15:30:00.000Z",
        datetime(1, 1, 1, tzinfo=UTC): "0001-01-01T00:00:00.000Z",
        datetime(1, 1, 1, 0, 0, 0, 999, tzinfo=UTC): "0001-01-01T00:00:00.000Z",
        datetime.max.replace(tzinfo=UTC): "9999-12-31T23:59:59.999Z",
    }.items():
        assert datetime_text(moment) == shown
    wrong: tuple[Any, ...] = (datetime(2026, 1, 31, 12), date(2026, 1, 31), "2026-01-31T12:00:00+00:00", 5)  # noqa: DTZ001
    for value in wrong:
        with pytest.raises(TypeError, match=r"is not a datetime|without an offset"):
            datetime_text(value)


async def test_a_moment_comes_back_as_it_was_sent_whatever_its_offset(client: Client, shop: Shop) -> None:
    product, customer = await shop.product(stock=9), await shop.customer()
    for sent, shown in {
        "2011-08-30T13:22:53.108-03:30": "2011-08-30T16:52:53.108Z",
        "2011-08-30T00:00:00.000Z": "2011-08-30T00:00:00.000Z",
        "2016-12-31T23:59:60.250Z": "2017-01-01T00:00:00.250Z",
    }.items():
        placed = await client.mutate(
            "placeOrder",
            "order { placedAt timeline { at } }",
            customerId=customer,
            lines=[{"productId": product, "quantity": 1}],
            placedAt=sent,
        )
        assert placed["order"] == {"placedAt": shown, "timeline": [{"at": shown}]}


async def test_a_command_id_is_the_same_in_upper_and_lower_case(client: Client) -> None:
    registered = [
        await client.mutate("registerCustomer", "", name="Ada", commandId=each) for each in UUIDS[:2]
    ]
    assert registered[0] == registered[1]
    assert UUID(registered[0]["receipt"]["commandId"]) == UUID(UUIDS[0])
