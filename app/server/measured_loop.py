"""An event loop that measures how long each callback, and each step of a task, holds it.

Each measurement takes about half a microsecond, so this loop is used only if `LOOP_LIMIT_MS` is set.
"""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from time import perf_counter, thread_time
from types import FrameType
from typing import Any

import uvicorn

from app.web.held_loop import HeldLoop

try:
    from uvloop import Loop as _Loop
except ImportError:  # uvloop does not exist for this platform.
    from asyncio import SelectorEventLoop as _Loop  # type: ignore[assignment]

FRESH = 0.001
"""Seconds for which a reading of the thread's CPU clock is reused, because a reading takes a microsecond."""

LOOKS = 4
"""Number of times that the watching thread looks at a callback before it reaches the limit."""

OURS = ("app", "schema", "tests")
"""Folders whose frames are reported; the library's frame that such a frame called is reported after it."""

_ROOT = Path(__file__).parents[2]


class MeasuredLoop(_Loop):
    """The event loop that serves without this setting, with a measurement around everything that it runs."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.held = HeldLoop(limit)
        self._worth_a_look = min(limit / 2, 0.005)
        self._serves = False
        self._read_at, self._processor = 0.0, 0.0
        self._running: Callable[..., object] | None = None
        self._began = 0.0
        self._seen_at = ""
        self._collecting_since, self._thread = 0.0, 0
        self._ended = threading.Event()

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        """Run the callback in the loop's next iteration, and measure it."""
        return super().call_soon(self.measure, callback, *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Run the callback of another thread in the loop's next iteration, and measure it."""
        return super().call_soon_threadsafe(self.measure, callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Run the callback after so many seconds, and measure it."""
        return super().call_later(delay, self.measure, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Run the callback at the loop's time `when`, and measure it."""
        return super().call_at(when, self.measure, callback, *args, context=context)

    def measure(self, callback: Callable[..., object], *args: Any) -> object:
        """Call `callback`, record how long it held the loop, and return its result."""
        if not self._serves or self._running is not None:  # A measured callback calls this one.
            return callback(*args)
        began = perf_counter()
        if began - self._read_at > FRESH:
            self._read_at, self._processor = began, thread_time()
        self._began, self._running = began, callback
        try:
            return callback(*args)
        finally:
            self._running = None
            took = perf_counter() - began
            if took > self._worth_a_look:
                self._record(took, callback)

    def start_recording(self) -> None:
        """Begin to record. While the service starts, nobody waits for an answer."""
        self._serves = True
        self._thread = threading.get_ident()
        gc.callbacks.append(self._note_collection)
        watch = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        watch.start()

    def close(self) -> None:
        """Close the loop, and end the watching thread."""
        self._ended.set()
        if self._note_collection in gc.callbacks:
            gc.callbacks.remove(self._note_collection)
        super().close()

    def _record(self, took: float, callback: Callable[..., object]) -> None:
        """Record a callback that took so many seconds, less the time in which other threads had the CPU."""
        processor = thread_time()
        self.held.record(
            min(took, processor - self._processor), _name_of(callback), self._seen_at or "unknown"
        )
        self._seen_at = ""
        self._read_at, self._processor = perf_counter(), processor

    def _note_collection(self, phase: str, collection: dict[str, int]) -> None:
        """Measure a garbage collection, in any thread: all other threads wait until it is done.

        The watching thread can't see it, because it waits, too.
        """
        if phase == "start":
            self._collecting_since = thread_time()
            return
        took = thread_time() - self._collecting_since
        if took < self._worth_a_look:
            return
        at = f"the garbage collector, generation {collection['generation']}"
        if self._running is None or threading.get_ident() != self._thread:
            self.held.record(took, "garbage collection", at)
        elif took > self.held.limit / 2 or not self._seen_at:
            self._seen_at = at

    def _watch(self) -> None:
        """Note where the loop's thread is, once for each callback that has reached half of the limit."""
        seen = 0.0
        while not self._ended.wait(self.held.limit / LOOKS):
            began = self._began
            if self._running is None or began == seen or perf_counter() - began < self.held.limit / 2:
                continue
            # The interpreter has no other way for one thread to see where another is.
            frame = sys._current_frames().get(self._thread)
            if frame is not None and self._began == began:
                seen, self._seen_at = began, _place_of(frame)
            # The frame refers to everything that the callback has. If it were kept until the next long one,
            # all of that would reach the oldest generation, and the next full collection would take long.
            del frame


def _name_of(callback: Callable[..., object]) -> str:
    """Return the name of a callback; for a step of a task, the name of the task's coroutine."""
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return str(getattr(task.get_coro(), "__qualname__", task.get_name()))
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def _place_of(innermost: FrameType) -> str:
    """Return the innermost frame of our own code, and the library's frame that it called, if any."""
    frame: FrameType | None = innermost
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in OURS:
            ours = f"{path.relative_to(_ROOT)}:{frame.f_lineno} {frame.f_code.co_qualname}"
            return ours if frame is innermost else f"{ours} > {_library(innermost)}"
        frame = frame.f_back
    return _library(innermost)


def _library(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno} {frame.f_code.co_name}"


def measure_protocols(config: uvicorn.Config, loop: MeasuredLoop) -> None:
    """Measure how connections handle received bytes, too; transports call them without the loop."""
    config.load()
    config.http_protocol_class = _measured(config.http_protocol_class, loop)
    if config.ws_protocol_class:
        config.ws_protocol_class = _measured(config.ws_protocol_class, loop)


def _measured(protocol: type[asyncio.Protocol], loop: MeasuredLoop) -> type[asyncio.Protocol]:
    def data_received(self: asyncio.Protocol, data: bytes) -> None:
        loop.measure(protocol.data_received, self, data)

    return type(protocol.__name__, (protocol,), {"data_received": data_received})
