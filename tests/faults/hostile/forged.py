"""Ids, cursors and tokens that nobody was ever given."""

import base64
from random import Random

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.target import Target
from tests.faults.hostile.variables import bent

POSITIONS = (0, 1, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


def forged_token(chance: Random, target: Target) -> str:
    """A token for a position that nobody reached, or one that is changed a little."""
    if chance.random() < 0.5:
        return bent(chance, target.token)
    padded = target.token + "=" * (-len(target.token) % 8)
    body = bytearray(base64.b32hexdecode(padded))
    body[:8] = chance.choice(POSITIONS).to_bytes(8, "big")
    if chance.random() < 0.3:
        body += chance.randbytes(chance.choice((1, 50, 2_000)))
    return base64.b32hexencode(bytes(body)).rstrip(b"=").decode()


def forged_id(chance: Random, target: Target) -> str:
    """An id of another type, with a sign, a prefix, or digits of another script."""
    id = chance.choice(target.products + target.customers + target.orders)
    decoded = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_").decode("latin-1")
    kind, _, key = decoded.partition(":")
    wrong = (
        *(
            f"{kind}:+{key}",
            f"{kind}:{{{key}}}",
            f"{kind}:urn:uuid:{key}",
            f"{kind}: {key}",
            f"{kind}:{key[:-1]}٣",
        ),
        *(
            f"Nothing:{key}",
            f"{kind}:",
            ":",
            key,
            f"{kind}:{key}:{key}",
            f"{kind}:{key.upper()}",
            f"{kind.lower()}:{key}",
        ),
    )
    return base64.b64encode(chance.choice(wrong).encode()).decode()


def forged_cursor(chance: Random, target: Target) -> str:
    """A cursor of another list, or one whose values are of another type."""
    cursor = chance.choice(target.cursors)
    if chance.random() < 0.5:
        return bent(chance, cursor)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for _ in range(chance.randint(1, 4)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return base64.urlsafe_b64encode(bytes(raw)).decode()


@attack("forged tokens", weight=3)
async def tokens(target: Target, chance: Random) -> None:
    token = forged_token(chance, target)
    query = "query ($t: [ConsistencyToken!]) { products(first: 1, atLeast: $t) { totalCount } }"
    if chance.random() < 0.5:
        await target.post("a forged token as an argument", {"query": query, "variables": {"t": [token]}})
        return
    header = "".join(each for each in token if 32 < ord(each) < 127)
    body = {"query": "{ products(first: 1) { totalCount } }"}
    await target.post("a forged token as a header", body, {"Consistency-Token": header})


@attack("forged ids", weight=3)
async def ids(target: Target, chance: Random) -> None:
    field = chance.choice(("node", "product", "customer", "order"))
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    await target.post(
        f"a forged id of {field}", {"query": query, "variables": {"id": forged_id(chance, target)}}
    )


@attack("forged cursors", weight=3)
async def cursors(target: Target, chance: Random) -> None:
    field = chance.choice(("products", "orders", "customers", "activity"))
    argument = chance.choice(("first: 3, after", "last: 3, before"))
    query = f"query ($c: String) {{ {field}({argument}: $c) {{ pageInfo {{ hasNextPage }} }} }}"
    cursor = forged_cursor(chance, target)
    await target.post(f"a forged cursor of {field}", {"query": query, "variables": {"c": cursor}})
