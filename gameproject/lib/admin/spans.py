"""A span of time, as a list is asked for it: the last so many hours, all, or from one time to another."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django import forms

from gameproject.lib import clock

SPANS: Final = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("All", None),
}


def _time_field(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
    return forms.DateTimeField(label=label, required=False, widget=widget, input_formats=formats)


class SpanForm(forms.Form):
    """`since` and `until`, where given, win over `span`; nothing given is `default_span`."""

    default_span: ClassVar[str] = "24h"
    span = forms.ChoiceField(
        choices=[(key, words) for key, (words, _) in SPANS.items()],
        required=False,
        widget=forms.HiddenInput,
    )
    since = _time_field("From (UTC)")
    until = _time_field("To (UTC)")

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return since and until of a valid form."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        if since or until:
            return since, until
        _words, length = SPANS[self.cleaned_data["span"] or self.default_span]
        return (None if length is None else clock.now() - length), None

    def current_span(self) -> str | None:
        """Name the span that is shown; None: from one time to another."""
        if self.data.get("since") or self.data.get("until"):
            return None
        given = self.data.get("span")
        return given if given in SPANS else self.default_span
