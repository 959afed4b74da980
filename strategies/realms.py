"""Realms: made and changed, by people only."""

from collections.abc import Mapping

from django.db import transaction

from gameproject.lib.errors import JsonDict
from strategies.changes import Change, announce, differing, subject_of
from strategies.models import Realm


@transaction.atomic
def create_realm(realm: Realm) -> Realm:
    """Store a realm that is not there yet."""
    realm.save(force_insert=True)
    _announce("realm.created", f"Made the realm {realm.slug}.", realm, after=_described(realm))
    return realm


@transaction.atomic
def change_realm(realm: Realm) -> Realm:
    """Store a realm that was changed."""
    known = Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    realm.save()
    before, after = differing(_described(known), _described(realm))
    if after:
        _announce("realm.changed", f"Changed the realm {realm.slug}.", realm, before, after)
    return realm


def _described(realm: Realm) -> JsonDict:
    return {
        "slug": realm.slug,
        "name": realm.name,
        "time_zone": realm.time_zone,
        "masked_data_keys": realm.masked_data_keys,
    }


def _announce(
    event: str,
    message: str,
    realm: Realm,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    change = Change(
        event=event,
        message=message,
        realm_id=realm.pk,
        module=__name__,
        subject=subject_of(realm),
        before=before,
        after=after,
    )
    announce(change)
