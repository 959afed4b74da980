"""What Celery runs for KPIs."""

import logging

from celery import shared_task

from gameproject.lib import clock
from kpi import hourly, rolling_up

logger = logging.getLogger(__name__)


# Acknowledged at once: beat soon sends another, and one that comes back while it still runs would only wait for it.
@shared_task(acks_late=False)
def roll_up_due() -> None:
    """Roll up what is due: hours that are over, the running day, one that is over, and those for which data came late."""
    hourly.count_due(clock.now())
    n_parts = rolling_up.roll_up_due(clock.now())
    if n_parts:
        logger.info("rolled up %d days", n_parts)
