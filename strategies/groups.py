"""The three groups of staff, and what each may do. `migrate` makes them and adds what they lack."""

from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

# Beside these, everybody may view all of the app.
MAY: Final = {
    "auditor": (),
    "author": (
        *("add_strategy", "change_strategy", "add_strategyversion", "change_strategyversion"),
        *("add_game", "change_game", "add_task", "change_task", "operate_strategy"),
    ),
    "operator": (
        *("add_apikey", "change_apikey", "change_game", "change_task"),
        *("operate_strategy", "reverse_score", "manage_dead_letters"),
    ),
}


def sync_groups(sender: AppConfig, using: str, apps: Apps = installed, **_: Any) -> None:
    """Make the groups and give them what they lack; what an administrator gave them besides, they keep.

    After every `migrate`, not in a migration: Django makes the permissions only then.
    """
    create_permissions(sender, using=using, apps=apps, verbosity=0)
    try:
        groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # `migrate strategies` alone: the tables of `auth` are not there yet
        return
    of_app = permissions.objects.using(using).filter(content_type__app_label=sender.label)
    for name, codenames in MAY.items():
        group, _is_new = groups.objects.using(using).get_or_create(name=name)
        group.permissions.add(
            *of_app.filter(codename__startswith="view_"), *of_app.filter(codename__in=codenames)
        )
