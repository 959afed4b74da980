"""What templates of lists and pages use: `{% load lists %}`."""

import uuid
from decimal import Decimal

from django import template
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from gameproject.lib.admin import display
from gameproject.lib.admin.keyset import KeysetChangeList
from gameproject.lib.ids import time_of

register = template.Library()
for cell in (display.moment, display.one_line, display.points, display.number):
    register.filter(cell.__name__, cell)
register.simple_tag(display.badge)


@register.filter
def negative(points: Decimal) -> str:
    return display.points(-points)


@register.simple_tag
def list_url(cl: KeysetChangeList, keep: str | None = None, **changes: object) -> str:
    """Return the list's address with some parameters changed, without those that are None; or one kept alone."""
    kept = {name: value for name, value in cl.params.items() if keep is None or name == keep}
    return "?" + urlencode({name: value for name, value in {**kept, **changes}.items() if value is not None})


@register.simple_tag
def id_time(uuid7: uuid.UUID) -> SafeString | str:
    """Show the time within a time-ordered id."""
    return display.moment(time_of(uuid7))
