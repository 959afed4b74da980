from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ObservabilityConfig(AppConfig):
    name = "observability"

    def ready(self) -> None:
        """Listen to the beginning and the end of requests and tasks from the first one on."""
        from observability import (  # noqa: PLC0415  # needs the models
            broker_settings,
            heartbeat,
            logs,
            processes,
            staff_audit,
            task_context,
            task_metrics,
        )
        from strategies.groups import sync_groups  # noqa: PLC0415  # the same

        logs.lead_others_into_the_chain()
        task_context.listen()
        heartbeat.listen()
        broker_settings.listen()
        task_metrics.listen()
        processes.listen()
        staff_audit.listen()
        post_migrate.connect(sync_groups, sender=self)
