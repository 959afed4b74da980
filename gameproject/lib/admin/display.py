"""How a value looks in a cell of a list or a table."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "–"
Kind = Literal["calm", "good", "warn", "bad"]


def moment(at: datetime | None) -> SafeString | str:
    """Show a time to the second, in UTC; the fraction is in its title."""
    if at is None:
        return NOTHING
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        at.strftime("%Y-%m-%d %H:%M:%S"),
    )


def one_line(text: object, url: str | None = None) -> SafeString | str:
    """Show a name of any length and script in one line; the whole of it is in its title."""
    if text is None or text == "":
        return NOTHING
    name = format_html('<bdi class="one-line" title="{}">{}</bdi>', text, text)
    return name if url is None else format_html('<a href="{}">{}</a>', url, name)


def points(value: Decimal | None) -> str:
    """Write points without the zeros that the column stores: 40, -2.5, 1,250."""
    return NOTHING if value is None else f"{value.normalize() + 0:,f}"  # + 0: of a negative nothing, the sign


def number(value: float) -> str:
    return f"{value:,}"


def badge(text: str, kind: Kind = "calm") -> SafeString:
    return format_html('<span class="badge is-{}">{}</span>', kind, text)
