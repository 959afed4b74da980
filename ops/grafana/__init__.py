"""Dashboards as code: `python -m ops.grafana.build` writes the JSON files beside it anew."""
