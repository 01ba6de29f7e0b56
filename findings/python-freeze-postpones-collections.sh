#!/usr/bin/env bash
# After gc.freeze(), the frozen objects still decide how rarely the oldest generation is collected.
#
# Versions:  CPython 3.11 to 3.13 (run with 3.11.7 and 3.13.0)
# Guess:     gc.collect() and gc.freeze() after the start-up of a server take what exists out of the collector's sight.
#            From then on it works as in a new process: the thresholds alone say when the oldest generation is collected.
# Behaviour: That generation is collected only if what has newly reached it is more than a quarter of what outlived its
#            last collection. gc.freeze() does not touch that number, so everything that is frozen counts. A second
#            gc.collect(), which has nothing to look at, sets it to zero.
# Matters:   The larger the program, the longer its garbage of old objects stays, and the longer the pause that frees it.
#            The usual recipe, collect and freeze, is a line short.
# Seen (100,000 objects kept, after 1,000,000 were frozen; collections of the oldest generation, cyclic garbage left):
#   collect, freeze              0 collections, garbage left
#   collect, freeze, collect     2 collections, garbage gone
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"

"$folder/venv/bin/python" - <<'PYTHON'
import gc
import sys
import weakref

print("CPython", sys.version.split()[0])


class Circle:
    """Garbage that only a collection frees."""

    def __init__(self):
        self.itself = self


def after(*steps):
    """Return how often the oldest generation is collected after these steps, and whether old garbage is left."""
    gc.unfreeze()
    started = [[number] for number in range(1_000_000)]
    for step in steps:
        step()
    gc.set_threshold(1_000, 10, 3)
    circle = Circle()
    seen, before = weakref.ref(circle), gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(30_000)]  # by now the circle is in the middle generation
    del circle
    kept += [[number] for number in range(70_000)]
    collections = gc.get_stats()[2]["collections"] - before
    assert len(started) > len(kept)
    return f"{collections} collections, garbage {'left' if seen() else 'gone'}"


usual = after(gc.collect, gc.freeze)
print("collect, freeze             ", usual)
repeated = after(gc.collect, gc.freeze, gc.collect)
print("collect, freeze, collect    ", repeated)
assert usual == "0 collections, garbage left", usual
assert repeated.endswith("garbage gone"), repeated
PYTHON
