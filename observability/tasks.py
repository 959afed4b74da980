"""What Celery runs for observability."""

import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task
def heartbeat() -> None:
    """Show in the logs that beat, broker and worker work together."""
    logger.debug("heartbeat")
