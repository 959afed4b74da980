"""The project: settings, URLs, WSGI and Celery; the product is in strategies, observability and kpi."""

from gameproject.celery import app as celery_app

__all__ = ["celery_app"]
