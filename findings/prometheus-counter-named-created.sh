#!/usr/bin/env bash
# With prometheus_client, a process that counts "orders" cannot count "orders_created".
#
# Versions:  prometheus-client 0.26.0
# Guess:     Two counters with different names don't meet. In the text they are orders_total and orders_created_total.
# Behaviour: Each counter, histogram and summary also owns NAME_created, the time at which it was made. So the second of
#            the two counters raises "Duplicated timeseries", whichever comes first, and so does any gauge of that name.
#            disable_created_metrics() takes these times out of the text, and the names stay taken. A histogram owns
#            NAME_count, NAME_sum and NAME_bucket in the same way.
# Matters:   "created" is what events are called: orders beside orders_created, invoices beside invoices_created. Each
#            works alone, and in its own tests; the process that imports both doesn't start. Name one
#            of them otherwise, or count all in one counter with a label for the kind of event.
# Seen:
#   orders, then orders_created                      Duplicated timeseries in CollectorRegistry: {'orders_created'}
#   orders_created, then orders                      Duplicated timeseries in CollectorRegistry: {'orders_created'}
#   orders, then a gauge orders_created              Duplicated timeseries in CollectorRegistry: {'orders_created'}
#   a histogram order, then a counter order_created  Duplicated timeseries in CollectorRegistry: {'order_created'}
#   a histogram order, then a gauge order_count      Duplicated timeseries in CollectorRegistry: {'order_count'}
#   orders, then orders_placed                       both
#   without created metrics: orders, then orders_created
#                                                    Duplicated timeseries in CollectorRegistry: {'orders_created'}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0

"$folder/venv/bin/python" - <<'PYTHON'
from prometheus_client import (
    CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
)


def attempt(*metrics):
    """Register these metrics in one registry, and return what it says."""
    registry = CollectorRegistry()
    try:
        for kind, name in metrics:
            kind(name, "for the finding", registry=registry)
    except ValueError as error:
        return str(error)
    return "both"


PAIR = (Counter, "orders"), (Counter, "orders_created")
seen = {
    "orders, then orders_created": attempt(*PAIR),
    "orders_created, then orders": attempt(*PAIR[::-1]),
    "orders, then a gauge orders_created": attempt(PAIR[0], (Gauge, "orders_created")),
    "a histogram order, then a counter order_created": attempt((Histogram, "order"), (Counter, "order_created")),
    "a histogram order, then a gauge order_count": attempt((Histogram, "order"), (Gauge, "order_count")),
    "orders, then orders_placed": attempt(PAIR[0], (Counter, "orders_placed")),
}
for what, answer in seen.items():
    print(f"{what:48} {answer}")
disable_created_metrics()
registry = CollectorRegistry()
Counter("orders", "for the finding", registry=registry)
assert "created" not in generate_latest(registry).decode()
after = attempt(*PAIR)
print(f"without created metrics: orders, then orders_created\n{'':48} {after}")
taken = "Duplicated timeseries in CollectorRegistry: {'orders_created'}"
assert list(seen.values()) == [
    taken, taken, taken, taken.replace("orders", "order"), taken.replace("orders_created", "order_count"), "both"
], seen
assert after == taken, after
PYTHON
