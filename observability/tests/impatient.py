"""The service's Celery application, for workers whose messages come back after two seconds, not after a minute."""

from gameproject.celery import app

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 2,
    "unacked_restore_interval": 1,
}
