"""The built-in strategies: shipped with the code, seen by every realm, written by none."""

from django.db import transaction

from gameproject.lib import clock
from strategies import dsl, publishing
from strategies.models import Alias, Strategy, StrategyVersion
from strategies.models.strategies import PRODUCTION


@transaction.atomic
def sync_builtin_strategies(**_: object) -> None:
    """Bring the stored built-in strategies up to the shipped ones. Runs after every `migrate`.

    A changed program becomes a new version; scores keep the one that they were made by.
    """
    for shipped in dsl.builtin_programs().values():
        strategy, _created = Strategy.objects.get_or_create(
            realm=None,
            slug=shipped.slug,
            defaults={"name": shipped.name, "description": shipped.description, "type": shipped.kind.value},
        )
        validation = publishing.validated(realm=None, kind=shipped.kind, parent=None, program=shipped.source)
        latest = strategy.versions.order_by("-number").first()
        if latest is not None and latest.digest == validation.digest:
            continue
        version = StrategyVersion.objects.create(
            strategy=strategy,
            number=latest.number + 1 if latest else 1,
            program=shipped.source,
            digest=validation.digest or "",
            cost=publishing.cost_json(validation.cost),
            problems=publishing.problems_json(validation),
            published_at=clock.now(),
        )
        Alias.objects.update_or_create(strategy=strategy, name=PRODUCTION, defaults={"version": version})
