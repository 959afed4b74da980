"""A request of the demo's traffic, and the answers that are right for it. Pure."""

import json
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

from strategies.demo.happenings import Happening, JsonDict

SCORE_ID: Final = "{scoreId}"
SCORED: Final = frozenset({"201"})
SCORED_OR_REPLAYED: Final = frozenset({"201", "200 replayed"})
READ: Final = frozenset({"200"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, the answers that are right for it (`STATUS` or `STATUS CODE`), and how many events it carries.

    `is_abandoned`: the client gives up before it has read the answer. SCORE_ID in the path stands for a score
    of an earlier answer.
    """

    kind: str
    path: str
    expected: frozenset[str]
    body: bytes = b""
    method: str = "POST"
    key: str | None = None
    n_events: int = 1
    is_abandoned: bool = False

    def again(self, kind: str, expected: frozenset[str]) -> Self:
        """Return the same request with the same key, sent once more by a client that reads the answer."""
        return replace(self, kind=kind, expected=expected, is_abandoned=False)


def score_path(game: str, task: str) -> str:
    return f"/games/{quote(game)}/tasks/{quote(task)}/points"


def event_body(happening: Happening) -> JsonDict:
    return {
        "externalUserId": happening.person.name,
        "data": happening.data,
        "sessionKey": happening.session_key,
    }


def json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
