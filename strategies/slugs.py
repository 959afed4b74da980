"""The names of strategies in paths: made of what people call them, and free."""

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from gameproject.lib.errors import Conflict, Unavailable
from strategies import selectors
from strategies.models import Realm, Strategy

MAX_LENGTH: Final = 80
TRIES: Final = 20
# A strategy of this slug could not be reached: the API has something else at its path.
RESERVED: Final = frozenset({"compare", "custom", "fields", "import", "simulate", "templates", "validate"})


def wanted(text: str) -> str:
    """Make a slug of a name; it may be taken."""
    return slugify(text)[:MAX_LENGTH] or "strategy"


def insert(strategy: Strategy, realm: Realm, base: str) -> Strategy:
    """Insert under a free slug; where another author takes the same one at the same moment, under the next."""
    for _ in range(TRIES):
        strategy.slug = _free(realm, base)
        try:
            with transaction.atomic():
                strategy.save(force_insert=True)
        except IntegrityError:
            if Strategy.objects.filter(pk=strategy.pk).exists():
                raise Conflict(
                    "The strategy was created already.",
                    code="STRATEGY_CREATED",
                    params={"strategy": strategy.slug},
                ) from None
            continue
        return strategy
    raise Unavailable("Many strategies of this name are being created. Send the request again.")


def _free(realm: Realm, base: str) -> str:
    """Find a slug that no strategy seen by the realm has: one named as a built-in would hide it."""
    seen = selectors.strategies_seen_by(realm.pk).filter(slug__startswith=base)
    taken = RESERVED.union(seen.values_list("slug", flat=True))
    slug, n = base, 1
    while slug in taken:
        n += 1
        slug = f"{base}-{n}"
    return slug
