"""The figures as Markdown: medians over the rounds, and ratios as the medians of the rounds' ratios."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
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
        lines += ["", f"**{query.name}: {query.says}**", "", *table([query.name, *head], rows)]
    return [*lines, "", *(f"- `{candidate.name}`: {candidate.says}" for candidate in plan.candidates)]


def ratio_tables(plan: Plan, measured: Rounds) -> list[str]:
    """For each variant of Diptych, how many times as fast as the baselines and its other revision it is."""
    lines: list[str] = []
    for variant in plan.candidates:
        if not variant.is_diptych or variant.checkout:
            continue
        baselines = [
            each
            for each in plan.candidates
            if not each.is_diptych or (each.checkout and each.name.startswith(f"{variant.name}@"))
        ]
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
        lines += ["", f"**`{variant.name}`: {variant.says}**", "", *table(["", *names], rows)]
    note = (
        "Requests a second to those of the same round, at each number of connections; in brackets the same "
    )
    return [f"{note}of the server's CPU time (how many times less a request costs).", *lines] if lines else []


def writes_table(measured: Sequence[Writes]) -> list[str]:
    """Orders a second; with another revision, also how many times as many as that."""
    lines = table(
        ["`placeOrder`", "", "clients", "a second", "p50, ms", "p99, ms", "CPU, µs", "mongod's, µs"],
        [
            [
                writes.database,
                f"`{writes.candidate}`",
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
    by_case = {(each.candidate, each.database, each.clients): each.rounds for each in measured}
    for (name, database, clients), rounds in by_case.items():
        for (other, *case), before in by_case.items():
            if other.startswith(f"{name}@") and case == [database, clients]:
                pairs = list(zip(rounds, before, strict=True))
                ratio = median(mine.rate / theirs.rate for mine, theirs in pairs)
                cpu = median(theirs.cpu / mine.cpu for mine, theirs in pairs)
                mongod = median(theirs.mongod_cpu / mine.mongod_cpu for mine, theirs in pairs)
                lines.append(
                    f"\n{database}, {clients} clients, to `{other}`: {ratio:.2f} times as many orders, with "
                    f"{cpu:.2f} times less of the server's CPU and {mongod:.2f} of mongod's for each."
                )
    return lines


def freshness_table(measured: Sequence[Freshness]) -> list[str]:
    """How soon subscribers see a change."""
    head = [
        f"{PACE:.0f} commands a second, {SUBSCRIBERS} subscribers",
        "receipt to shown: p50, p99, ms",
        "sent to shown: p50, p99, ms",
        "commands kept",
        "server's CPU",
    ]
    return table(
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
    """How fast all documents are made anew; with another revision, also how many times as fast as that."""
    head = [
        "rebuild of all read models",
        "events",
        "seconds",
        "events a second",
        "server's CPU, s",
        "mongod's, s",
    ]
    lines = table(
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
    for mine, before in pairwise(measured):
        if before.name.startswith(f"{mine.name}@"):
            costs = (mine.cpu + mine.mongod_cpu, before.cpu + before.mongod_cpu)
            lines.append(
                f"\nTo `{before.name}`: {before.seconds / mine.seconds:.2f} times as fast, with "
                f"{costs[1] / costs[0]:.2f} times less CPU."
            )
    return lines


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


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table in Markdown, whose first column is text."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
