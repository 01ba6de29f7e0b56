"""No list is kept wrong, whatever interleaves, and what would break that is noticed."""

from collections.abc import Collection, Sequence

import pytest

from app.cqrs.lists import windows
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.states import LiveList
from app.cqrs.lists.windows import SPARE
from app.cqrs.reading.recent_changes import ChangeWithIds
from tests.cqrs.lists.hammer import hammer

SEEDS = range(40)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


@pytest.mark.parametrize("spare", [SPARE, 1, 0])
def test_no_list_is_kept_wrong(monkeypatch: pytest.MonkeyPatch, spare: int) -> None:
    monkeypatch.setattr(windows, "SPARE", spare)
    met = hammer(SEEDS)
    assert met["whole"]
    assert met["changes"]
    assert met["refused"]


class ReadsBeforeTheCommitOnly(ConcernedLists):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        super().changing(read_model, changes)
        super().changed(read_model)


class ForgetsRemovals(ConcernedLists):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        super().changing(read_model, [each for each in changes if not each[0].delete])


class TrustsWhatAnotherMayHaveChanged(ConcernedLists):
    def settled(self, read_model: str, *, gapless: bool, log_set_back: bool) -> None:
        self.refused(read_model)


class MixesStates(ConcernedLists):
    def is_torn(self, live: LiveList, ids: Collection[str]) -> bool:
        return False

    def begin(self, live: LiveList) -> set[str] | None:
        under_way, self._under_way = self._under_way, {}
        try:
            return super().begin(live)
        finally:
            self._under_way = under_way


@pytest.mark.parametrize(
    "broken",
    [
        MixesStates,
        ReadsBeforeTheCommitOnly,
        ForgetsRemovals,
        TrustsWhatAnotherMayHaveChanged,
    ],
)
def test_notices_lists_that(broken: type[ConcernedLists]) -> None:
    with pytest.raises(AssertionError, match="broken: "):
        hammer(range(500), broken)
