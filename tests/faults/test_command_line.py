"""What `scripts/faults` says to its arguments."""

import sys

import pytest

from tests.faults.__main__ import main
from tests.faults.registry import all_faults


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["scripts/faults", *arguments])
    return main()


@pytest.mark.parametrize("arguments", [(), ("--list",), ("kill", "--list")])
def test_lists_the_faults(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert called(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    assert [name for name in all_faults() if name not in said] == []
    assert "1000 rounds  sqlite, postgres" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("flood",), "there is no fault called flood; there are access, buyers, "),
        (("kill", "--rounds", "0"), "--rounds must be 1 or more"),
        (("kill", "--store", "paper"), "invalid choice: 'paper'"),
        (("kill", "--seed", "x"), "invalid int value: 'x'"),
    ],
)
def test_refuses_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        called(monkeypatch, *arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
