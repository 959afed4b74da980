"""A request that the fast path could not answer, on its way to Django's handling, which answers it (gameproject/fast_path.py)."""

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gameproject.lib import request_context

# In the WSGI environment, where no header of a client can be: those begin with HTTP_.
FAILED: Final = "scoring.failed"


class Failed(NamedTuple):
    """Why, since when (`time.perf_counter()`), and what was known of it by then."""

    error: Exception
    started: float
    known: dict[str, str]


def started(environ: Mapping[str, Any]) -> float:
    """Return when a request began: with the fast path, or now."""
    return environ[FAILED].started if FAILED in environ else time.perf_counter()


def raise_again(environ: Mapping[str, Any]) -> None:
    """Raise what the fast path met, in the same context, if it met anything."""
    found: Failed | None = environ.get(FAILED)
    if found is None:
        return
    request_context.bind(**found.known)
    try:
        raise found.error
    finally:
        del found  # or the error would keep itself in memory (errors.without_traceback)
