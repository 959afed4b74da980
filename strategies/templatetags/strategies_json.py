"""Values in pages as JSON writes them: true, null, "text"."""

from django import template

from gameproject.lib.canonical import encode_json

register = template.Library()


@register.filter
def as_json(value: object) -> str:
    return encode_json(value)
