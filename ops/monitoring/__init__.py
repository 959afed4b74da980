"""Monitoring as code: what rules and dashboards ask for, and whether it is there."""
