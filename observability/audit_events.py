"""What the audit trail may say happened: a closed set, each event with a sentence. docs/audit.md lists them all."""

from collections.abc import Mapping
from typing import Final

from strategies import changes

EVENTS: Final[Mapping[str, str]] = {
    **changes.EVENTS,
    "access.denied": "A key or a person was refused something, or asked for another realm's: a count for a minute.",
    "audit.exported": "Entries of this trail were exported.",
    "executions.exported": "Traces of runs were exported.",
    "execution.replayed": "A stored run was run again.",
    "group.changed": "A group of staff was created, changed or deleted.",
    "kpis.exported": "Daily figures were exported.",
    "login.failed": "Somebody could not log in: a count for a minute and an address.",
    "login.succeeded": "Somebody logged in to the admin.",
    "logout": "Somebody logged out of the admin.",
    "settings.changed": "A process started with other settings than the one before.",
    "traces.deleted": "Traces that had been put aside were deleted.",
    "traces.put_back": "Traces that had been put aside were put back into the queue.",
    "user.changed": "A staff user was created, changed or deleted.",
}
