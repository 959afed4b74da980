from django.apps import AppConfig
from django.db.models.signals import post_migrate


class KpiConfig(AppConfig):
    verbose_name = "KPI"
    name = "kpi"

    def ready(self) -> None:
        """Let staff see the app's rows, and scrapes how old its figures are."""
        from kpi import metrics  # noqa: PLC0415  # needs the models
        from observability import collectors  # noqa: PLC0415  # the same
        from strategies.groups import sync_groups  # noqa: PLC0415  # the same

        collectors.tell_also(metrics.last_rollup)
        collectors.tell_also(metrics.watermark_lag)
        post_migrate.connect(sync_groups, sender=self)
