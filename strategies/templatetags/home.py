"""What the home page shows of the scores: `{% load home %}`."""

from typing import Final

from django import template

from strategies.admin.figures import with_names
from strategies.models import Game, Realm, Score

register = template.Library()
RECENT: Final = 8


@register.simple_tag
def recent_scores() -> list[Score]:
    return list(with_names(Score.objects.order_by("-pk"))[:RECENT])


@register.simple_tag
def what_is_missing() -> dict[str, bool]:
    """Say what of an empty installation is still to be made."""
    return {"realm": not Realm.objects.exists(), "game": not Game.objects.exists()}
