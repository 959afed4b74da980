"""Realms: made and changed, by people only."""

from django.db import transaction

from gameproject.lib.errors import JsonDict
from strategies.changes import announce_about, differing
from strategies.models import Realm


@transaction.atomic
def create_realm(realm: Realm) -> Realm:
    """Store a realm that is not there yet."""
    realm.save(force_insert=True)
    announce_about(
        "realm.created", f"Made the realm {realm.slug}.", realm, after=_described(realm), module=__name__
    )
    return realm


@transaction.atomic
def change_realm(realm: Realm) -> Realm:
    """Store a realm that was changed."""
    known = Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    realm.save()
    before, after = differing(_described(known), _described(realm))
    if after:
        announce_about(
            "realm.changed", f"Changed the realm {realm.slug}.", realm, before, after, module=__name__
        )
    return realm


def _described(realm: Realm) -> JsonDict:
    return {
        "slug": realm.slug,
        "name": realm.name,
        "time_zone": realm.time_zone,
        "masked_data_keys": realm.masked_data_keys,
    }
