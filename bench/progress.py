"""What a long measurement says while it runs."""

import sys
import time
from types import TracebackType
from typing import Final, Self

LINE_SECONDS: Final = 10.0  # between lines where there is no terminal that a bar could be drawn on
WIDTH: Final = 24


class Progress:
    """A bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.began_at = self.said_at = time.monotonic()

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        seconds = time.monotonic() - self.began_at
        verdict = "stopped" if kind else "done"
        print(f"{_start()}  {self.label}: {verdict} after {seconds:.0f} s", flush=True)

    def step(self, n: int = 1) -> None:
        self.done += n
        self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if sys.stdout.isatty():
            filled = WIDTH * self.done // max(1, self.total)
            bar = "█" * filled + "·" * (WIDTH - filled)
            print(f"{_start()}  {self.label}: {bar} {self.done:,} of {self.total:,}", end="", flush=True)
        elif now - self.said_at >= LINE_SECONDS:
            self.said_at = now
            print(f"  {self.label}: {self.done:,} of {self.total:,}", flush=True)


def _start() -> str:
    return "\r\x1b[K" if sys.stdout.isatty() else ""
