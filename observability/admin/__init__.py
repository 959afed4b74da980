"""What happened, in the admin: read only."""

from observability.admin import api_requests, audit, executions, requests, staff, uptime

__all__ = ["api_requests", "audit", "executions", "requests", "staff", "uptime"]
