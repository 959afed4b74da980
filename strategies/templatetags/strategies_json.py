"""Programs in pages: values as JSON writes them (true, null, "text"), states as a sign and a word."""

from collections.abc import Mapping

from django import template

from gameproject.lib.canonical import encode_json

register = template.Library()
SIGNS = {"taken": "✓", "evaluated": "·", "skipped": "✗", "not_reached": "–", "failed": "!"}
WORDS = {"skipped": "not taken", "not_reached": "not reached", "failed": "failed"}


@register.filter
def as_json(value: object) -> str:
    return encode_json(value)


@register.filter
def sign(step: Mapping[str, object]) -> str:
    return SIGNS.get(str(step.get("state")), "")


@register.filter
def state_word(step: Mapping[str, object]) -> str:
    if step.get("state") == "skipped" and step.get("type") == "rule":
        return "did not hold"
    return WORDS.get(str(step.get("state")), "")
