from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StrategiesConfig(AppConfig):
    name = "strategies"

    def ready(self) -> None:
        from strategies.builtins import sync_builtin_strategies  # noqa: PLC0415  # models are not ready before

        post_migrate.connect(sync_builtin_strategies, sender=self)
