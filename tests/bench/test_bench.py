"""The benchmark on a small shop: all servers answer alike, and tables and chart come out."""

import math
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import pytest_asyncio
import sqlalchemy as sa

from tests.bench import growth, shop, traces, writes
from tests.bench.__main__ import FRESHNESS, REBUILD, REFERENCE, WRITES, main, measure, opened
from tests.bench.against import checked_out
from tests.bench.candidates import AS_SERVED, BASELINES, CANDIDATES, CONSTANT, PLAIN, Candidate, against
from tests.bench.chart import chart
from tests.bench.commands import Known
from tests.bench.growth import growth_table, measure_growth
from tests.bench.loading import percentile
from tests.bench.machine import cores
from tests.bench.queries import QUERIES, variables_for
from tests.bench.reads import Answers, AnswersDiffer, Bench, Plan, check
from tests.bench.shop import PROJECT

pytestmark = pytest.mark.campaign

SMALL = shop.Size(products=60, customers=15, orders=400)

LONG = pytest.mark.timeout(300)
"""Many servers are started, one after another."""


@pytest_asyncio.fixture(scope="module", autouse=True)
async def small_shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop, "KEPT", tmp_path_factory.mktemp("kept"))
        yield await shop.made(SMALL)


async def bench_of(folder: Path, candidates: Sequence[Candidate]) -> Answers:
    async with opened(folder, cores()) as stores:
        engine = sa.create_engine(f"sqlite:///{stores.write_store}")
        asked = variables_for(engine, 1)
        bench = Bench(
            plan=Plan(candidates=candidates),
            stores=stores,
            cores=cores(),
            known=Known.of(engine),
            asked=asked,
        )
        engine.dispose()
        return await check(bench, REFERENCE)


@LONG
async def test_all_servers_answer_alike(small_shop: Path) -> None:
    answers = await bench_of(small_shop, CANDIDATES)
    assert {name for name, _ in answers.data} == {query.name for query in QUERIES}
    assert len(answers.data[("Q2", 0)]["products"]["nodes"]) == 8
    assert len(answers.data[("Q3", 0)]["customer"]["orders"]["nodes"]) == 20


async def test_a_server_that_answers_otherwise_is_found(small_shop: Path) -> None:
    answers = Answers()
    answers.take(REFERENCE, QUERIES[0], 0, {"order": {"id": "1"}})
    with pytest.raises(AnswersDiffer, match=r"plain-motor answers Q1 \(number 0\)"):
        answers.take(PLAIN, QUERIES[0], 0, {"order": {"id": "2"}})
    with pytest.raises(AnswersDiffer, match="plain-motor answers Q1"):
        answers.take(PLAIN, QUERIES[0], 1, {"order": None})


async def test_a_shop_is_made_once(small_shop: Path) -> None:
    made = (small_shop / "write.db").stat().st_mtime_ns
    assert await shop.made(SMALL) == small_shop
    assert (small_shop / "write.db").stat().st_mtime_ns == made


@LONG
async def test_tables_and_chart_come_out() -> None:
    written = replace(REFERENCE, name="written", commands=20)
    plan = Plan(candidates=(CONSTANT, PLAIN, REFERENCE, written), connections=(2,), rounds=1, seconds=1.5)
    report, rounds = await measure(plan, (FRESHNESS, REBUILD), SMALL)
    said = "\n".join(report)
    for what in ("| `constant` |", "| to `plain-motor` |", "receipt to shown", "rebuild of all read models"):
        assert what in said
    assert "nan" not in said
    assert all(figures.rate > 0 for measured in rounds.values() for figures in measured)
    drawn = ElementTree.fromstring(chart(plan, rounds, 2))
    assert len(drawn.findall("{*}rect")) == 1 + len(plan.candidates) * len(QUERIES)


@LONG
def test_another_revision_is_checked_out_for_as_long_as_it_is_measured() -> None:
    with checked_out("HEAD") as checkout:
        assert (checkout / "app" / "main.py").exists()
        assert (checkout / ".venv" / "bin" / "python").exists()
    assert not checkout.exists()


def test_a_revision_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/bench", "--against", "no-such-revision"])
    assert main() == 1
    assert "no-such-revision has failed:" in capsys.readouterr().err


@LONG
async def test_ratios_to_another_revision_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "PRODUCTS", 20)
    monkeypatch.setattr(writes, "CUSTOMERS", 10)
    monkeypatch.setattr(writes, "WARM_UP", 0.2)
    other = against(PROJECT, "before")
    assert [each.name for each in other][:1] == ["diptych@before"]
    plan = Plan(candidates=(REFERENCE, other[0]), connections=(2,), rounds=1, seconds=1.0)
    served = (AS_SERVED, next(each for each in other if each.name == f"{AS_SERVED.name}@before"))
    report, _ = await measure(plan, (WRITES, REBUILD), SMALL, served=served)
    said = "\n".join(report)
    for what in ("| to `diptych@before` |", "16 clients, to `diptych-cache@before`:", "times as fast, with"):
        assert what in said


@LONG
async def test_growth_is_measured_for_each_size() -> None:
    smaller = replace(SMALL, orders=300)
    grown = await measure_growth([smaller, SMALL], 0.6, cores())
    assert [each.orders for each in grown] == [300, 400]
    assert all(median > 0 for each in grown for median in (*each.medians, each.start, each.memory))
    assert len({len(line.split("|")) for line in growth_table(grown)}) == 1


def test_growth_refuses_a_shop_in_which_nobody_has_twenty_orders(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["growth", "--orders", "400"])
    with pytest.raises(SystemExit):
        growth.main()
    assert "must be 20000 or more, not 400" in capsys.readouterr().err


@LONG
async def test_traces_are_measured_beside_a_service_without_them() -> None:
    [head, _, *rows] = await traces.measure(SMALL, [2], 1, 1, 0.4, cores())
    assert len(rows) == len(QUERIES) * len(traces.WAYS)
    assert "nan" not in "".join(rows)
    assert "by CPU" in head


def test_lists_what_there_is_to_measure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/bench", "--list"])
    assert main() == 0
    said = capsys.readouterr().out
    assert [each.name for each in (*BASELINES, REFERENCE) if each.name not in said] == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--only", "everything"), "invalid choice: 'everything'"),
        (("--rounds", "0"), "must be a whole number, 1 or more"),
        (("--connections", "many"), "must be a whole number, 1 or more"),
        (("--seconds", "0"), "must be between 0.2 and 30"),
    ],
)
def test_refuses_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert math.isnan(percentile([], 50))
