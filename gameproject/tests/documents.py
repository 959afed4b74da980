"""The examples of the documents, taken out of them to be run and compared."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: the words after the fence, the text, and the line where it begins."""

    info: list[str]
    text: str
    line: int

    @property
    def language(self) -> str:
        return self.info[0] if self.info else ""


def blocks(path: str) -> list[Block]:
    text = (ROOT / path).read_text()
    return [
        Block(found["info"].split(), found["text"], text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


@dataclass(frozen=True)
class Exchange:
    """A request of a document, and the answer that it shows."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer: Any
    line: int


def exchanges(path: str) -> Iterator[Exchange]:
    """Pair every `http` block with the `json STATUS` block after it."""
    found = [block for block in blocks(path) if block.language in {"http", "json"}]
    for request, answer in pairwise(found):
        if request.language == "http":
            assert answer.language == "json", f"{path}:{request.line}: an answer is missing"
            head, _, body = request.text.partition("\n\n")
            first, *headers = head.strip().splitlines()
            method, target = first.split(" ", 1)
            yield Exchange(
                method=method,
                path=target,
                headers=dict(line.split(": ", 1) for line in headers),
                body=body.strip(),
                status=int(answer.info[1]),
                answer=parse(answer.text),
                line=request.line,
            )


def parse(text: str) -> Any:
    """Read JSON in which `…` stands for a value, or for whatever else an object or a list holds."""
    out: list[str] = []
    inside: list[str] = []
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|…|[{}\[\]]|[^"…{}\[\]]+', text):
        if token in "{[":
            inside.append(token)
        elif token in "}]":
            inside.pop()
        if token == ANYTHING:
            has_no_key = inside[-1] == "{" and out[-1].rstrip()[-1] in "{,"
            out.append('"…": "…"' if has_no_key else '"…"')
        else:
            out.append(token)
    return json.loads("".join(out))


def differences(shown: Any, real: Any, at: str = "") -> list[str]:
    """Say where an answer is not what a document shows."""
    if shown == ANYTHING:
        return []
    if isinstance(shown, dict) and isinstance(real, dict):
        keys = set(shown) - {ANYTHING}
        missing = [f"{at}/{key} is not there" for key in sorted(keys - set(real))]
        more = [] if ANYTHING in shown else [f"{at}/{key} is not shown" for key in sorted(set(real) - keys)]
        inner = [differences(shown[key], real[key], f"{at}/{key}") for key in sorted(keys & set(real))]
        return [*missing, *more, *(each for found in inner for each in found)]
    if isinstance(shown, list) and isinstance(real, list):
        is_open = shown[-1:] == [ANYTHING]
        items = shown[:-1] if is_open else shown
        if len(items) > len(real) or (len(items) < len(real) and not is_open):
            return [f"{at}: {len(items)} items are shown, {len(real)} are there"]
        inner = [differences(item, real[index], f"{at}/{index}") for index, item in enumerate(items)]
        return [each for found in inner for each in found]
    same = type(shown) is type(real) and shown == real
    return [] if same or _fits_text(shown, real) else [f"{at}: {shown!r} is shown, {real!r} is there"]


def _fits_text(shown: Any, real: Any) -> bool:
    """Compare texts that hold an ellipsis."""
    if not (isinstance(shown, str) and isinstance(real, str) and ANYTHING in shown):
        return False
    return re.fullmatch(".*".join(map(re.escape, shown.split(ANYTHING))), real, re.DOTALL) is not None
