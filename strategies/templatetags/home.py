"""What the home page shows of the scores: `{% load home %}`."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django import template
from django.db.models import Count, Q, Sum

from gameproject.lib import clock
from gameproject.lib.windows import rows_between
from strategies.admin.figures import with_names
from strategies.models import Game, Realm, Score
from strategies.models.scores import Outcome

register = template.Library()
MAX_SUMMED: Final = 10_000
RECENT: Final = 8


@register.simple_tag
def last_day() -> dict[str, Any]:
    """Sum up the newest 10,000 scores of the last 24 hours: a busy day has millions, and the page must not wait."""
    since = clock.now() - timedelta(hours=24)
    newest = (
        rows_between(Score.objects.all(), since, None)
        .order_by("-pk")
        .values("pk", "points", "outcome", "player")
    )
    figures = newest[:MAX_SUMMED].aggregate(
        n_scores=Count("pk"),
        n_awards=Count("pk", filter=Q(outcome=Outcome.AWARD)),
        n_players=Count("player", distinct=True),
        points_total=Sum("points", default=Decimal(0)),
    )
    return {**figures, "is_cut": figures["n_scores"] == MAX_SUMMED}


@register.simple_tag
def recent_scores() -> list[Score]:
    return list(with_names(Score.objects.order_by("-pk"))[:RECENT])


@register.simple_tag
def what_is_missing() -> dict[str, bool]:
    """Say what of an empty installation is still to be made."""
    return {"realm": not Realm.objects.exists(), "game": not Game.objects.exists()}
