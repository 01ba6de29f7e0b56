"""The garbage collector of the process that serves: no request waits long for it."""

import gc
import sys

COLLECTED = (2_000, 4, 1)
"""The collector's three thresholds.

The youngest generation is collected after so many new objects, the middle one after so many such collections
(it then has about 10,000 objects), and the oldest after so many collections of the middle one. More seldom
it would have more garbage, all of which is freed at once.
"""

LONG_LIVED = 10_000
"""Objects of the oldest generation from which those that outlive a collection are left out of later ones.

To look at so many takes some 5 ms, and objects of requests under way are among them: if one of these comes to
be garbage that refers to itself, it stays. So nothing leaves any that can be avoided
(`tests/graphql/test_no_garbage.py`).
"""

MUCH = 3_000_000
"""Objects more than at the last time, some 250 MB, after which a collection looks at everything once.

It takes up to half a second for each million, so it is for garbage only: full caches have at most 96 MB.
"""


class LeavingOut:
    """The callback that has collections leave out what has outlived one of the oldest generation.

    It does so once that is much. Most of it is kept for long, such as answers and compiled operations, and
    each such collection would look at all of it again. Objects that are left out are freed as ever when
    nothing refers to them. Only garbage that refers to itself would stay: it is found once there is `MUCH`
    more than before, which should never happen.
    """

    def __init__(self) -> None:
        self.at_last = sys.getallocatedblocks()
        """The number of objects when everything was looked at for the last time."""

    def __call__(self, phase: str, collection: dict[str, int]) -> None:
        """Leave out what has outlived a collection that has just ended, as `gc.callbacks` calls it."""
        if phase != "stop" or collection["generation"] < 2 or len(gc.get_objects(2)) < LONG_LIVED:
            return
        gc.freeze()
        count = sys.getallocatedblocks()  # To count the objects that are left out would take up to 50 ms.
        if count > self.at_last + MUCH:
            gc.unfreeze()  # The next collection of the oldest generation looks at everything.
            self.at_last = count


def collect_garbage_in_small_parts() -> None:
    """Exclude everything that exists from garbage collections, and keep each of them short.

    During a collection no request is answered: it would take up to 50 ms for everything that exists at the
    start, up to 70 ms for 100,000 objects of the middle generation, and up to 95 ms for the oldest one of a
    service that was asked many different things.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # The oldest generation is collected once it has grown by a quarter of what this leaves.
    gc.set_threshold(*COLLECTED)
    gc.callbacks.append(LeavingOut())
