"""Make an API key. Its secret is shown once, here, and stored only hashed."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gameproject.lib import clock
from strategies.keys import create_api_key
from strategies.models import Realm
from strategies.models.tenancy import Scope
from strategies.realms import create_realm


class Command(BaseCommand):
    help = "Make an API key for a realm and show it, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("realm", help="slug of the realm")
        parser.add_argument("--name", default="default", help="what the key is for")
        parser.add_argument(
            "--scopes", nargs="+", choices=Scope.values, default=[Scope.SCORE.value, Scope.READ.value]
        )
        parser.add_argument("--days", type=int, help="days until it expires; never, if not given")
        parser.add_argument(
            "--create-realm", action="store_true", help="create the realm if it is not there yet"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        realm = _realm(options["realm"], create=options["create_realm"])
        days = options["days"]
        if days is not None and not 0 < days <= 36500:
            raise CommandError("--days must be from 1 to 36500.")
        row, key = create_api_key(
            realm=realm,
            name=options["name"],
            scopes=options["scopes"],
            expires_at=None if days is None else clock.now() + timedelta(days=days),
        )
        self.stderr.write(f"Key {row.prefix} for realm {realm}, scopes {', '.join(row.scopes)}. Keep it now:")
        self.stdout.write(key)


def _realm(slug: str, *, create: bool) -> Realm:
    try:
        return Realm.objects.get(slug=slug)
    except Realm.DoesNotExist:
        if create:
            return create_realm(Realm(slug=slug, name=slug))
        known = ", ".join(Realm.objects.values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(
            f"There is no realm {slug!r} (there are: {known}). --create-realm makes it."
        ) from None
