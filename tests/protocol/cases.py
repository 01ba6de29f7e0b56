"""What graphql-transport-ws says, as a table: what is sent, and what has to come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Send:
    """The client sends this: an object as JSON, or a frame of its own making."""

    message: Any


@dataclass(frozen=True)
class Expect:
    """The server's next message has at least this in it."""

    message: Mapping[str, Any]


@dataclass(frozen=True)
class Closed:
    """The server closes the socket."""

    code: int
    reason: str | None = None


@dataclass(frozen=True)
class Quiet:
    """The socket is open, and nothing was sent that was not expected."""


Step = Send | Expect | Closed | Quiet


@dataclass(frozen=True)
class Differs:
    """Where the reference server does something else than its own protocol's letter, or than we do."""

    why: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Case:
    """What happens on one socket."""

    name: str
    steps: Sequence[Step]
    protocols: Sequence[str] = ("graphql-transport-ws",)
    impatient: bool = False
    """The server gives up soon on clients that do not introduce themselves."""
    reference: Differs | None = field(default=None, kw_only=True)


def subscribe(id: object = "1", query: object = "{ __typename }", **payload: object) -> Send:
    return Send({"id": id, "type": "subscribe", "payload": {"query": query, **payload}})


def result(data: Mapping[str, Any], id: str = "1") -> Expect:
    return Expect({"id": id, "type": "next", "payload": {"data": data}})


def completed(id: str = "1") -> Expect:
    return Expect({"id": id, "type": "complete"})


def failed(id: str = "1") -> Expect:
    return Expect({"id": id, "type": "error", "payload": [{"message": ...}]})


INIT = Send({"type": "connection_init"})
ACK = Expect({"type": "connection_ack"})
OPEN = (INIT, ACK)
PING, PONG = Send({"type": "ping"}), Expect({"type": "pong"})
FOLLOW = "subscription { readModelUpdates { __typename } }"
BEAT = {"readModelUpdates": {"__typename": "Heartbeat"}}
WAIT = 'subscription { productUpdated(id: "UHJvZHVjdDpub3RoaW5n") { cursor } }'
FOLLOW_PRODUCT = "subscription ($id: ID!) { productUpdated(id: $id) { cursor } }"
FAILED_RESULT = Expect({"id": "1", "type": "next", "payload": {"errors": [{"message": ...}]}})
REGISTER = """mutation ($name: String!) {
    registerCustomer(input: {name: $name}) { customer { name } errors { code } } }"""
QUERY = {"__typename": "Query"}
THROWS = "It parses outside of where it catches errors, and takes a syntax error for one of its own."

MALFORMED: Mapping[str, Any] = {
    "no JSON": "{",
    "an empty frame": "",
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "a string": '"ping"',
    "deep brackets": "[" * 100_000,
    "no type": {},
    "a type that is null": {"type": None},
    "a type that is a number": {"type": 1},
    "an unknown type": {"type": "hello"},
    "a type of the legacy protocol": {"type": "start", "id": "1", "payload": {"query": "{ __typename }"}},
    "no id": {"type": "subscribe", "payload": {"query": "{ __typename }"}},
    "an empty id": subscribe("").message,
    "an id that is null": subscribe(None).message,
    "an id that is a number": subscribe(1).message,
    "an id that is an object": subscribe({}).message,
    "an id that is a list": subscribe(["1"]).message,
    "complete without an id": {"type": "complete"},
    "complete with an empty id": {"type": "complete", "id": ""},
    "complete with an id that is a number": {"type": "complete", "id": 1},
    "no payload": {"type": "subscribe", "id": "1"},
    "a payload that is null": {"type": "subscribe", "id": "1", "payload": None},
    "a payload that is a string": {"type": "subscribe", "id": "1", "payload": "{ __typename }"},
    "a payload that is a list": {"type": "subscribe", "id": "1", "payload": []},
    "no query": {"type": "subscribe", "id": "1", "payload": {}},
    "a query that is null": subscribe(query=None).message,
    "a query that is a number": subscribe(query=1).message,
    "a query that is an object": subscribe(query={}).message,
    "variables that are a string": subscribe(variables="{}").message,
    "variables that are a list": subscribe(variables=[]).message,
    "variables that are a number": subscribe(variables=0).message,
    "an operation name that is a number": subscribe(operationName=1).message,
    "an operation name that is an object": subscribe(operationName={}).message,
    "extensions that are a string": subscribe(extensions="x").message,
    "extensions that are a list": subscribe(extensions=[]).message,
    "a ping's payload that is a string": {"type": "ping", "payload": "x"},
    "a ping's payload that is a list": {"type": "ping", "payload": []},
    "a pong's payload that is a number": {"type": "pong", "payload": 1},
    "next without an id": {"type": "next", "payload": {}},
}
"""After `connection_ack`, each closes the socket with 4400."""

MALFORMED_INIT: Mapping[str, Any] = {"a string": "x", "a list": [], "a number": 1, "true": True}

FROM_SERVERS: Mapping[str, Any] = {
    "next": {"type": "next", "id": "1", "payload": {"data": None}},
    "error": {"type": "error", "id": "1", "payload": [{"message": "No"}]},
    "connection_ack": {"type": "connection_ack"},
}
"""Well-formed, but no client sends them."""

CASES: Sequence[Case] = (
    *(Case(f"malformed: {name}", (*OPEN, Send(sent), Closed(4400))) for name, sent in MALFORMED.items()),
    *(
        Case(f"malformed: init with {name}", (Send({**INIT.message, "payload": payload}), Closed(4400)))
        for name, payload in MALFORMED_INIT.items()
    ),
    *(
        Case(
            f"malformed: {name} from a client",
            (*OPEN, Send(sent), Closed(4400)),
            reference=Differs("It takes this for a fault of its own.", (*OPEN, Send(sent), Closed(4500))),
        )
        for name, sent in FROM_SERVERS.items()
    ),
    Case(
        "malformed: a binary frame",
        (*OPEN, Send(b'{"type":"ping"}'), Closed(4400)),
        reference=Differs("It reads binary frames as text.", (*OPEN, Send(b'{"type":"ping"}'), PONG)),
    ),
    Case(
        "malformed: an empty query",
        (*OPEN, subscribe(query=" "), Closed(4400)),
        reference=Differs(THROWS, (*OPEN, subscribe(query=" "), Closed(4500))),
    ),
    Case(
        "malformed: what is no JSON although JavaScript has it",
        (*OPEN, Send('{"type": "ping", "payload": {"a": NaN}}'), Closed(4400)),
    ),
    Case("malformed before init", (Send("{"), Closed(4400))),
    Case("init is acknowledged", (*OPEN, Quiet())),
    Case("init with a payload", (Send({**INIT.message, "payload": {"a": 1}}), ACK, Quiet())),
    Case("init with a payload that is null", (Send({**INIT.message, "payload": None}), ACK, Quiet())),
    Case("init twice", (*OPEN, INIT, Closed(4429, "Too many initialisation requests"))),
    Case("no init", (Closed(4408, "Connection initialisation timeout"),), impatient=True),
    Case("pings are no init", (PING, PONG, Closed(4408)), impatient=True),
    Case("after init there is no hurry", (*OPEN, subscribe("1", FOLLOW), result(BEAT), Quiet())),
    Case("subscribe before init", (subscribe(), Closed(4401, "Unauthorized"))),
    Case("complete before init", (Send({"type": "complete", "id": "1"}), *OPEN, Quiet())),
    Case("ping before init", (PING, PONG, *OPEN, Quiet())),
    Case("ping", (*OPEN, PING, PONG, Quiet())),
    Case(
        "ping with a payload",
        (
            *OPEN,
            Send({"type": "ping", "payload": {"a": [1]}}),
            Expect({"type": "pong", "payload": {"a": [1]}}),
        ),
    ),
    Case("ping with a payload that is null", (*OPEN, Send({"type": "ping", "payload": None}), PONG)),
    Case("pong is not answered", (*OPEN, Send({"type": "pong", "payload": {"a": 1}}), Quiet())),
    Case("other members are ignored", (*OPEN, Send({"type": "ping", "id": 7, "more": []}), PONG, Quiet())),
    Case("a query", (*OPEN, subscribe(), result(QUERY), completed(), Quiet())),
    Case(
        "a mutation",
        (
            *OPEN,
            subscribe("m", REGISTER, variables={"name": "Ünïcode 🔌"}),
            result({"registerCustomer": {"customer": {"name": "Ünïcode 🔌"}, "errors": []}}, "m"),
            completed("m"),
            Quiet(),
        ),
    ),
    Case(
        "parts that are null",
        (
            *OPEN,
            subscribe(variables=None, operationName=None, extensions=None),
            result(QUERY),
            completed(),
        ),
    ),
    Case(
        "one of several operations",
        (
            *OPEN,
            subscribe(query="query A { __typename } query B { b: __typename }", operationName="B"),
            result({"b": "Query"}),
            completed(),
        ),
    ),
    Case(
        "an id is free once its operation is complete",
        (
            *OPEN,
            subscribe(),
            result(QUERY),
            completed(),
            subscribe(),
            result(QUERY),
            completed(),
            Quiet(),
        ),
    ),
    Case(
        "an id of any characters",
        (
            *OPEN,
            subscribe('"\\\u0000🔌'),
            result(QUERY, '"\\\u0000🔌'),
            completed('"\\\u0000🔌'),
        ),
    ),
    Case("a subscription", (*OPEN, subscribe("s", FOLLOW), result(BEAT, "s"), Quiet())),
    Case(
        "operations beside a subscription",
        (
            *OPEN,
            subscribe("s", FOLLOW),
            result(BEAT, "s"),
            subscribe("q"),
            result(QUERY, "q"),
            completed("q"),
            Quiet(),
        ),
    ),
    Case(
        "the client completes",
        (
            *OPEN,
            subscribe("s", FOLLOW),
            result(BEAT, "s"),
            Send({"type": "complete", "id": "s"}),
            Quiet(),
        ),
    ),
    Case(
        "an id is free once the client has completed its operation",
        (
            *OPEN,
            subscribe("s", FOLLOW),
            result(BEAT, "s"),
            Send({"type": "complete", "id": "s"}),
            subscribe("s", FOLLOW),
            result(BEAT, "s"),
            Quiet(),
        ),
    ),
    Case(
        "the client completes before anything was sent",
        (
            *OPEN,
            subscribe("s", WAIT),
            Send({"type": "complete", "id": "s"}),
            Quiet(),
        ),
    ),
    Case(
        "complete of what is complete, and of what never was",
        (
            *OPEN,
            subscribe(),
            result(QUERY),
            completed(),
            Send({"type": "complete", "id": "1"}),
            Send({"type": "complete", "id": "never"}),
            Quiet(),
        ),
    ),
    Case(
        "an id twice",
        (
            *OPEN,
            subscribe("s", FOLLOW),
            result(BEAT, "s"),
            subscribe("s", FOLLOW),
            Closed(4409, "Subscriber for s already exists"),
        ),
    ),
    Case(
        "an id twice, whatever the operation",
        (
            *OPEN,
            subscribe("s", WAIT),
            subscribe("s"),
            Closed(4409, "Subscriber for s already exists"),
        ),
    ),
    Case(
        "a syntax error",
        (*OPEN, subscribe(query="{"), failed(), Quiet()),
        reference=Differs(THROWS, (*OPEN, subscribe(query="{"), Closed(4500))),
    ),
    Case("an unknown field", (*OPEN, subscribe(query="{ nothing }"), failed(), Quiet())),
    Case(
        "an unknown field in a subscription",
        (
            *OPEN,
            subscribe(query="subscription { nothing }"),
            failed(),
            Quiet(),
        ),
    ),
    Case(
        "an unknown operation name",
        (
            *OPEN,
            subscribe(query="query A { __typename }", operationName="B"),
            failed(),
            Quiet(),
        ),
    ),
    Case(
        "several operations and no name",
        (
            *OPEN,
            subscribe(query="query A { __typename } query B { __typename }"),
            failed(),
            Quiet(),
        ),
    ),
    Case(
        "an id is free after an error",
        (
            *OPEN,
            subscribe(query="{ nothing }"),
            failed(),
            subscribe(),
            result(QUERY),
            completed(),
            Quiet(),
        ),
    ),
    Case(
        "a variable that is missing",
        (*OPEN, subscribe(query=REGISTER), FAILED_RESULT, completed(), Quiet()),
    ),
    Case(
        "a variable that is missing in a subscription",
        (*OPEN, subscribe(query=FOLLOW_PRODUCT), failed(), Quiet()),
        reference=Differs(
            "It sends what could not be executed like a result, which the protocol leaves open.",
            (*OPEN, subscribe(query=FOLLOW_PRODUCT), FAILED_RESULT, completed(), Quiet()),
        ),
    ),
    Case("no subprotocol", (Closed(4406, "Subprotocol not acceptable"),), ()),
    Case("the legacy protocol", (Closed(4406, "Subprotocol not acceptable"),), ("graphql-ws",)),
    Case("both protocols", (*OPEN, Quiet()), ("graphql-ws", "graphql-transport-ws")),
    Case("a message that is too long", (*OPEN, Send(" " * 1_000_001), Closed(1009))),
)
