"""The releases of libraries that change what Diptych uses of them privately."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import pytest


@contextmanager
def still_there(package: str, home: str) -> Iterator[None]:
    """Fail with a sentence that names the release, where a private name of the package is gone or changed."""
    try:
        yield
        return
    except (AttributeError, AssertionError, ImportError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
    pytest.fail(
        f"{package} {version(package)} has changed what {home} uses of it: {reason}. Look for a public way "
        "first; else mend that file, which is the only one that uses it.",
        pytrace=False,
    )
