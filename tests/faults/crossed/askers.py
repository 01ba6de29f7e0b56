"""Customers who ask at once over connections that stay open, and what none of them may be answered."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.faults.crossed.questions import Known, Question
from tests.viewing.roles import ADA, BOB, CUSTOMERS, Books

QUANTITIES = {ADA: 100, BOB: 1}
"""The units on every line of each: a sum with a line of the other is never right."""

PATIENCE = 120.0


class Answers:
    """All answers so far, counted, and the crossed ones."""

    def __init__(self, books: Books) -> None:
        self.counts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.crossed: list[str] = []
        self.own: Counter[str] = Counter()
        """Answers with something of their own, by customer."""
        self._marks = {
            name: [own.customer.encode(), own.keys[0].encode(), *(word.encode() for word in own.words)]
            for name, own in books.of.items()
        }

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def judge(self, role: str, kind: str, body: bytes) -> None:
        """Count an answer, and note it if it shows something of another customer."""
        self.counts[kind] += 1
        for name, marks in self._marks.items():
            if any(mark in body for mark in marks):
                self.own[name] += name == role
                if name != role:
                    self.crossed.append(f"{role} was shown {name}'s by {kind}: {body[:2000]!r}")
        if b'"errors"' in body:
            self.codes.update(error["extensions"]["code"] for error in json.loads(body)["errors"])
        elif kind == "orders":
            self._judge_sums(role, json.loads(body)["data"]["orders"], body)

    def _judge_sums(self, role: str, page: dict[str, dict[str, str]], body: bytes) -> None:
        totals = page["totals"]
        if int(totals["units"]) != int(totals["orders"]) * QUANTITIES.get(role, 0):
            self.crossed.append(f"{role} was given a sum with another's order: {body[:2000]!r}")


class Asker:
    """One connection of one role, one question at a time."""

    def __init__(
        self, role: str, books: Books, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.role = role
        self._reader, self._writer = reader, writer
        bearer = f"Authorization: {books.tokens[role]}\r\n" if books.tokens[role] else ""
        head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{bearer}"
        self._head = head.encode()

    async def ask(self, question: Question) -> tuple[bytes, str]:
        """Return the body and the consistency token; raise `ValueError` for any other status than 200."""
        token = f"Consistency-Token: {question.token}\r\n" if question.token else ""
        length = f"{token}Content-Length: {len(question.body)}\r\n\r\n".encode()
        self._writer.write(self._head + length + question.body)
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await self._reader.readexactly(int(headers["content-length"]))
        if " 200 " not in head.partition("\r\n")[0]:
            raise ValueError(f"{head} {body.decode()}")
        named = [line for line in head.split("\r\n") if line.lower().startswith("consistency-token:")]
        return body, named[0].partition(": ")[2] if named else ""


@asynccontextmanager
async def asker(role: str, books: Books) -> AsyncIterator[Asker]:
    """Open a connection of a role."""
    address = urlsplit(books.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Asker(role, books, reader, writer)
    finally:
        writer.close()


async def keep_asking(role: str, books: Books, known: Known, answers: Answers, until: int) -> None:
    """Ask without a pause until there are so many answers; let all know cursors and tokens that come back."""
    async with asker(role, books) as one:
        while answers.total < until and not answers.crossed:
            question = known.question()
            body, token = await one.ask(question)
            answers.judge(role, question.kind, body)
            if role in CUSTOMERS and answers.counts[question.kind] % 50 == 0:
                if token:
                    known.learn(known.tokens[role], token)
                for cursor in re.findall(rb'"cursor":"([^"]+)"', body if question.kind == "orders" else b""):
                    known.learn(known.cursors[role], cursor.decode())
