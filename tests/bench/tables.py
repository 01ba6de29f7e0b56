"""The figures as Markdown: medians over the rounds, and ratios as the medians of the rounds' ratios."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from tests.bench.candidates import Candidate
from tests.bench.freshness import PACE, SUBSCRIBERS, Freshness, Rebuild
from tests.bench.loading import Figures
from tests.bench.queries import QUERIES
from tests.bench.reads import Plan, Rounds
from tests.bench.writes import Writes

Figure = Callable[[Figures], float]


def reads_tables(plan: Plan, measured: Rounds) -> list[str]:
    """For each query, what every candidate did at each number of connections."""
    lines = [f"All cells: {' / '.join(f'{number}' for number in plan.connections)} connections."]
    for query in QUERIES:
        rows = []
        for candidate in plan.candidates:
            cells = [measured[candidate.name, query.name, number] for number in plan.connections]
            rows.append(
                [
                    f"`{candidate.name}`",
                    _joined(cells, lambda figures: figures.rate, "{:,.0f}"),
                    _joined(cells, lambda figures: figures.p50, "{:.2f}"),
                    _joined(cells, lambda figures: figures.p99, "{:.1f}"),
                    _joined(cells, lambda figures: figures.cpu, "{:,.0f}"),
                    _joined(cells, lambda figures: figures.mongod_cpu, "{:,.0f}"),
                    _joined(cells[-1:], lambda figures: figures.memory / 1e6, "{:.0f}"),
                ]
            )
        head = ["requests a second", "p50, ms", "p99, ms", "CPU, µs", "mongod's, µs", "memory, MB"]
        lines += ["", f"**{query.name}: {query.says}**", "", *_table([query.name, *head], rows)]
    return [*lines, "", *(f"- `{candidate.name}`: {candidate.says}" for candidate in plan.candidates)]


def ratio_tables(plan: Plan, measured: Rounds) -> list[str]:
    """For each variant of Diptych, how many times as fast as each baseline it is."""
    lines: list[str] = []
    baselines = [candidate for candidate in plan.candidates if candidate.module]
    for variant in (candidate for candidate in plan.candidates if not candidate.module):
        rows = [
            [
                f"to `{baseline.name}`",
                *(_ratios(plan, measured, query.name, variant, baseline) for query in QUERIES),
            ]
            for baseline in baselines
        ]
        if variant.commands:
            kept = (
                _joined(
                    [measured[variant.name, query.name, number] for number in plan.connections],
                    lambda figures: figures.kept or 0.0,
                    "{:.2f}",
                )
                for query in QUERIES
            )
            rows.append(["commands beside, answered in time", *kept])
        names = [query.name for query in QUERIES]
        lines += ["", f"**`{variant.name}`: {variant.says}**", "", *_table(["", *names], rows)]
    note = (
        "Requests a second to those of the same round, at each number of connections; in brackets the same "
    )
    return [f"{note}of the server's CPU time (how many times less a request costs).", *lines] if lines else []


def writes_table(measured: Sequence[Writes]) -> list[str]:
    """Orders a second."""
    return _table(
        ["`placeOrder`", "clients", "a second", "p50, ms", "p99, ms", "CPU, µs", "mongod's, µs"],
        [
            [
                writes.database,
                str(writes.clients),
                _joined([writes.rounds], lambda figures: figures.rate, "{:,.0f}"),
                _joined([writes.rounds], lambda figures: figures.p50, "{:.2f}"),
                _joined([writes.rounds], lambda figures: figures.p99, "{:.1f}"),
                _joined([writes.rounds], lambda figures: figures.cpu, "{:,.0f}"),
                _joined([writes.rounds], lambda figures: figures.mongod_cpu, "{:,.0f}"),
            ]
            for writes in measured
        ],
    )


def freshness_table(measured: Sequence[Freshness]) -> list[str]:
    """How soon subscribers see a change."""
    head = [
        f"{PACE:.0f} commands a second, {SUBSCRIBERS} subscribers",
        "receipt to shown: p50, p99, ms",
        "sent to shown: p50, p99, ms",
        "commands kept",
        "server's CPU",
    ]
    return _table(
        head,
        [
            [
                f"`{one.name}`, round {number}",
                "{:.1f}, {:.1f}".format(*one.from_receipt),
                "{:.1f}, {:.1f}".format(*one.from_sending),
                f"{one.kept:.3f}",
                f"{one.cpu:.0%}",
            ]
            for number, one in enumerate(measured, start=1)
        ],
    )


def rebuild_table(measured: Sequence[Rebuild]) -> list[str]:
    """How fast all documents are made anew."""
    head = [
        "rebuild of all read models",
        "events",
        "seconds",
        "events a second",
        "server's CPU, s",
        "mongod's, s",
    ]
    return _table(
        head,
        [
            [
                f"`{one.name}`, round {number}",
                f"{one.events:,}",
                f"{one.seconds:.1f}",
                f"{one.events / one.seconds:,.0f}",
                f"{one.cpu:.1f}",
                f"{one.mongod_cpu:.1f}",
            ]
            for number, one in enumerate(measured, start=1)
        ],
    )


def busiest_generator(measured: Rounds) -> str:
    """Whether it was the load generator that was measured."""
    busy = max((figures for rounds in measured.values() for figures in rounds), key=lambda each: each.rate)
    return (
        f"The load generator used {busy.generator:.0%} of its core for {busy.rate:,.0f} requests a second: "
        f"it could ask for {busy.rate / max(busy.generator, 0.01):,.0f}."
    )


def rate_of(rounds: Sequence[Figures]) -> float:
    """Requests a second."""
    return median(figures.rate for figures in rounds)


def _ratios(plan: Plan, measured: Rounds, query: str, variant: Candidate, baseline: Candidate) -> str:
    def each(ratio: Callable[[Figures, Figures], float]) -> str:
        pairs = (
            zip(measured[variant.name, query, number], measured[baseline.name, query, number], strict=True)
            for number in plan.connections
        )
        return " / ".join(f"{median(ratio(*pair) for pair in rounds):.2f}" for rounds in pairs)

    rates = each(lambda mine, other: mine.rate / other.rate)
    costs = each(lambda mine, other: other.cpu / mine.cpu if mine.cpu else float("nan"))
    return f"{rates} ({costs})"


def _joined(cells: Iterable[Sequence[Figures]], figure: Figure, form: str) -> str:
    return " / ".join(form.format(median(map(figure, rounds))) for rounds in cells)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
