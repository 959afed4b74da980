from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StrategiesConfig(AppConfig):
    name = "strategies"

    def ready(self) -> None:
        from strategies.builtins import sync_builtin_strategies  # noqa: PLC0415  # models are not ready before
        from strategies.groups import sync_groups  # noqa: PLC0415  # nor its imports

        post_migrate.connect(sync_builtin_strategies, sender=self)
        post_migrate.connect(sync_groups, sender=self)
