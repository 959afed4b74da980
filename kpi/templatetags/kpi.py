"""What the home page and the KPI pages ask for: `{% load kpi %}`."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin.display import NOTHING
from kpi.home.page import Home
from kpi.strategy_answers import Interval

register = template.Library()


@register.simple_tag
def operators_home() -> Home:
    return Home()


@register.simple_tag
def interval(
    figure: Interval | None, factor: float = 1.0, unit: str = "", sign: str = ""
) -> SafeString | str:
    """Show a figure with its 95 % interval below it; `sign` is `+` for differences."""
    if figure is None:
        return NOTHING
    value = f"{figure.value * factor:{sign},.4g}{unit}"
    if figure.low is None or figure.high is None:
        return format_html('{}<br><span class="interval">too few for an interval</span>', value)
    between = f"{figure.low * factor:{sign},.4g} to {figure.high * factor:{sign},.4g}"
    return format_html('{}<br><span class="interval">{}</span>', value, between)
