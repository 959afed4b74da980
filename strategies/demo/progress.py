"""A bar on a terminal, and silence anywhere else."""

from typing import TextIO

WIDTH = 30


class Bar:
    """Drawn anew with each `show`; `clear` leaves the line as it was."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._stream = stream
        self._n_drawn = 0

    def show(self, share: float | None, text: str) -> None:
        """Draw a share from 0 to 1, or none where the end is not known, and a few words."""
        if not self._stream.isatty():
            return
        done = round((share or 0) * WIDTH)
        bar = "" if share is None else f" [{'#' * done}{' ' * (WIDTH - done)}] {share:4.0%}"
        line = f"{self._title}{bar}  {text}"
        self._write(line + " " * (self._n_drawn - len(line)))
        self._n_drawn = len(line)

    def clear(self) -> None:
        if self._n_drawn:
            self._write(" " * self._n_drawn + "\r")
            self._n_drawn = 0

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text)
        self._stream.flush()
