"""What the page of one audit entry shows beside its columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.urls import NoReverseMatch, reverse

from gameproject.lib import canonical
from gameproject.lib.errors import JsonDict
from observability.audit_chain import fault_of, neighbours
from observability.models import Logs

MAX_SHOWN = 20_000
# The model of a subject such as `strategy:<uuid>`, where it is not one of strategies'.
APPS = {"user": "auth", "group": "auth"}


@dataclass(frozen=True, slots=True)
class Line:
    """A name and its value; None: there was none on this side."""

    name: str
    before: str | None
    after: str | None

    @property
    def is_same(self) -> bool:
        return self.before == self.after


class AuditPage:
    def __init__(self, row: Logs) -> None:
        self.row = row
        self.fault = fault_of(row)
        self.before, self.after = neighbours(row)

    @cached_property
    def lines(self) -> list[Line]:
        """Set what was beside what is, name by name."""
        before, after = self._side("before"), self._side("after")
        return [Line(name, _text(before, name), _text(after, name)) for name in {**before, **after}]

    @cached_property
    def others(self) -> list[tuple[str, str | None]]:
        details = self.row.details
        return [(name, _text(details, name)) for name in details if name not in ("before", "after")]

    def who(self) -> Iterator[tuple[str, str]]:
        row = self.row
        named = {
            "Staff user": row.staff_user,
            "User": row.oauth_user_id,
            "API key": row.api_key,
            "Command": row.command and f"manage.py {row.command}",
            "Task": row.task,
        }
        yield from ((name, value) for name, value in named.items() if value)

    @property
    def subject_url(self) -> str | None:
        kind, _, pk = self.row.subject.partition(":")
        try:
            return reverse(f"admin:{APPS.get(kind, 'strategies')}_{kind}_change", args=(pk,))
        except NoReverseMatch:
            return None

    @property
    def hashes(self) -> dict[str, str]:
        return {"Before it": bytes(self.row.previous_hash).hex(), "Its own": bytes(self.row.hash).hex()}

    def _side(self, name: str) -> JsonDict:
        side = self.row.details.get(name)
        return side if isinstance(side, dict) else {}


def _text(values: JsonDict, name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    text = value if isinstance(value, str) else canonical.encode_json(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
