"""`make smoke`: the whole service with a real Prometheus and Alertmanager."""
