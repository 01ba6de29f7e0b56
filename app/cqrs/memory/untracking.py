"""Objects that garbage collections leave out, because they are in no reference cycle."""

from gc import is_tracked

try:
    from ctypes import py_object, pythonapi

    _untrack = pythonapi.PyObject_GC_UnTrack
    _untrack.argtypes, _untrack.restype = (py_object,), None
except (ImportError, AttributeError):  # Another interpreter than CPython collects garbage in its own way.
    _untrack = None  # type: ignore[assignment]


def untrack(thing: object) -> None:
    """Have all garbage collections leave out an object.

    It must never be changed, be in no reference cycle, and be a tuple or an instance of a class that is
    defined in Python. It is freed when the last reference to it goes, as ever, and so is everything to which
    it refers. CPython itself leaves out tuples of atomic values. The function is in its stable C interface.

    A full collection, during which no request is answered, takes half a microsecond for each object.
    """
    if _untrack and is_tracked(thing):  # The function must not be called for an object that is never tracked.
        _untrack(thing)
