"""The figures as a picture: an SVG, which needs no library to be drawn and any browser shows."""

from collections.abc import Iterator, Sequence
from html import escape

from tests.bench.queries import QUERIES
from tests.bench.reads import Plan, Rounds
from tests.bench.tables import rate_of

WIDTH, LEFT, BAR, GAP = 860, 190, 18, 5
"""Pixels: of the picture, of the names, of a bar's height, and between two bars."""

_BASELINE, _DIPTYCH = "#9aa5b1", "#2f6fde"
_HEADING = 34


def chart(plan: Plan, measured: Rounds, connections: int) -> str:
    """Requests a second at that number of connections: a bar for each candidate and query."""
    parts = list(_bars(plan, measured, connections))
    height = _HEADING + len(QUERIES) * (_HEADING + len(plan.candidates) * (BAR + GAP)) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            _text(
                GAP, 20, f"Requests a second, {connections} connections", "font-weight='600' font-size='14'"
            ),
            *parts,
            "</svg>",
            "",
        ]
    )


def _bars(plan: Plan, measured: Rounds, connections: int) -> Iterator[str]:
    top = _HEADING
    for query in QUERIES:
        yield _text(GAP, top + 20, f"{query.name}: {query.says}", "font-weight='600'")
        top += _HEADING
        rates = _rates(plan, measured, query.name, connections)
        room = WIDTH - LEFT - 70
        for candidate, rate in zip(plan.candidates, rates, strict=True):
            length = max(1.0, room * rate / max(rates))
            middle = top + BAR - GAP
            yield _text(LEFT - 8, middle, candidate.name, "text-anchor='end'")
            color = _BASELINE if candidate.module else _DIPTYCH
            yield f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{color}"/>'
            yield _text(round(LEFT + length + 6), middle, f"{rate:,.0f}")
            top += BAR + GAP


def _rates(plan: Plan, measured: Rounds, query: str, connections: int) -> Sequence[float]:
    return [rate_of(measured[candidate.name, query, connections]) for candidate in plan.candidates]


def _text(x: int, y: int, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="#1f2933" {style}>{escape(text)}</text>'
