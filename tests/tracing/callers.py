"""Callers who are traced themselves, and say so in the header `traceparent`."""

import secrets
from dataclasses import dataclass
from typing import Any

from tests.schema.client import Client

PAY = """mutation Pay($input: PayOrderInput!) { payOrder(input: $input) {
    receipt { commandId events { position type } } errors { code } } }"""


@dataclass(frozen=True)
class Caller:
    """A caller's own span."""

    trace: str
    span: str

    @classmethod
    def new(cls) -> "Caller":
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    def header(self, flags: str = "01") -> dict[str, str]:
        return {"traceparent": f"00-{self.trace}-{self.span}-{flags}"}


async def send(client: Client, query: str, headers: dict[str, str], **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    response = await client.http.post(f"{client.url}/graphql", json=body, headers=headers)
    answer = response.json()
    assert "errors" not in answer, answer
    return answer["data"]


async def pay(client: Client, order: str, headers: dict[str, str]) -> Any:
    paid = (await send(client, PAY, headers, input={"orderId": order}))["payOrder"]
    assert paid["errors"] == []
    return paid["receipt"]
