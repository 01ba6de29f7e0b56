"""What the hostile campaign takes for a fault of the service, and that its seed repeats it."""

from pathlib import Path
from random import Random

import aiohttp
import orjson
import pytest

from tests.faults.campaign import Run
from tests.faults.hostile.attacks import all_attacks
from tests.faults.hostile.forged import forged_cursor, forged_id, forged_token
from tests.faults.hostile.honest import Sample, p99
from tests.faults.hostile.target import MOST_FINDINGS, Target
from tests.faults.hostile.variables import anything
from tests.faults.service import Service


@pytest.fixture
async def target(tmp_path: Path) -> Target:
    run = Run(fault="hostile", store="sqlite", seed=1, rounds=1, short=True, folder=tmp_path)
    async with aiohttp.ClientSession() as http:
        return Target(
            run,
            Service(tmp_path, {}),
            http,
            products=["UHJvZHVjdDox"],
            customers=["Q3VzdG9tZXI6MQ"],
            orders=["T3JkZXI6MQ"],
            categories=["Tea"],
            cursors=["WyJhIiwxXQ"],
            tokens=["0" * 40],
        )


def error(code: str) -> bytes:
    return orjson.dumps({"errors": [{"message": "no", "extensions": {"code": code}}]})


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, error("INTERNAL"), "status 500"),
        (200, error("INTERNAL"), "INTERNAL: no"),
        (200, b'{"errors": [{"message": "no"}]}', "none: no"),
        (200, error("WRITE_STORE_UNAVAILABLE"), "WRITE_STORE_UNAVAILABLE: no"),
        (200, b"<html>", "no JSON"),
        (400, b"{}", "no error that says why"),
    ],
)
async def test_an_answer_that_is_a_fault_of_the_service_is_found(
    target: Target, status: int, body: bytes, complaint: str
) -> None:
    target.check("an attack", status, body)
    assert any(complaint in finding.text for finding in target.run.findings)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"data": {"a": 1}}'), (400, error("BAD_REQUEST")), (200, error("BAD_TOKEN"))],
)
async def test_a_refusal_that_says_why_is_no_fault(target: Target, status: int, body: bytes) -> None:
    target.check("an attack", status, body)
    assert target.run.findings == []


async def test_faults_in_the_log_are_found(target: Target) -> None:
    target.service.log.write_text(
        "WARNING a: fine\nERROR b: A request failed\n"
        "Traceback (most recent call last):\n  x\nValueError: no\n"
    )
    target.finish()
    found = [finding.text for finding in target.run.findings]
    assert found == ["log: a traceback: ValueError: no", "log: ERROR b: A request failed"]


async def test_one_cause_with_many_faces_does_not_flood_the_findings(target: Target) -> None:
    for number in range(2 * MOST_FINDINGS):
        target.complain("an attack", f"{number}")
    assert len(target.run.findings) == MOST_FINDINGS


async def test_the_seed_repeats_what_is_sent(target: Target) -> None:
    def sent() -> list[object]:
        chance = Random(7)
        made = (forged_token, forged_id, forged_cursor, anything)
        return [make(chance, target) for make in made for _ in range(50)]

    assert sent() == sent()
    assert len({repr(each) for each in sent()}) > 100


def test_there_is_an_attack_of_every_kind() -> None:
    names = {attack.name for attack in all_attacks()}
    assert {"raw requests", "frames", "event streams", "variables of any shape"} < names
    assert {"forged ids", "forged cursors", "forged tokens", "60 aliases of pages of pages"} < names


def test_p99_is_what_one_of_a_hundred_exceeds() -> None:
    samples = [Sample("read", 0, number / 100, "") for number in range(1, 201)] + [Sample("write", 0, 9, "")]
    assert p99(samples, "read") == pytest.approx(1.99)
    assert p99(samples, "none") == 0
