"""The service, wrapped so that its wall clock is wrong: `python -m tests.faults.jumping serve …`.

By how many seconds is in a file, so that the clock can jump at any moment. Timers are not concerned:
they go by another clock, which never jumps.
"""

import os
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from uuid import UUID

import uuid_utils

import app.main  # noqa: F401 - all that is to be wrapped
from app.__main__ import main

CLOCK = "FAULTS_CLOCK"
_PROGRAM = ("app.", "schema.")

_real_time = time.time


class Clock:
    """A clock that is wrong by what its file says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def jump(self, seconds: float) -> None:
        """From now on it is wrong by so many seconds."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._file)

    @property
    def wrong_by(self) -> float:
        """In seconds."""
        return float(self._file.read_text())

    def time(self) -> float:
        """What `time.time` would say."""
        return _real_time() + self.wrong_by

    def uuid7(self) -> UUID:
        """An id of this clock's now."""
        return UUID(int=uuid_utils.uuid7(nanoseconds=round(self.time() * 1e9)).int)

    def datetimes(self) -> type[datetime]:
        """What stands for `datetime` where its `now` is asked."""

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # plain ones
                return datetime.now(tz) + timedelta(seconds=self.wrong_by)

        return Datetime


def wrap(clock: Clock) -> list[str]:
    """Gives the clock to every module of the program that asks for the time; returns what was wrapped."""
    time.time = clock.time
    wrapped = []
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_PROGRAM) and module.__file__:
            source = Path(module.__file__).read_text()
            for says, what, instead in (
                ("datetime.now(", "datetime", clock.datetimes()),
                ("uuid7(", "uuid7", clock.uuid7),
            ):
                if says in source:
                    setattr(module, what, instead)
                    wrapped.append(f"{name}.{what}")
    return wrapped


if __name__ == "__main__":
    wrap(Clock(Path(os.environ[CLOCK])))
    main()
