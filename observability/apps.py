from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "observability"

    def ready(self) -> None:
        """Listen to the beginning and the end of requests from the first one on."""
        from observability import observer  # noqa: PLC0415  # needs the models

        observer.listen()
