"""What was up, minute by minute: the list behind the lights of the home page."""

from django.contrib import admin
from django.utils.safestring import SafeString

from gameproject.lib.admin import ReadOnlyAdmin, badge, moment
from observability.models import UptimeLogs
from observability.models.uptime import UptimeStatus


@admin.register(UptimeLogs)
class UptimeLogsAdmin(ReadOnlyAdmin[UptimeLogs]):
    """Ninety days of minutes. A minute without a row is downtime too."""

    list_display = ("at", "dependency", "state", "milliseconds", "reason")
    list_filter = ("status",)
    list_display_links = None
    ordering = ("-minute", "dependency")
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: object = None) -> bool:
        return lookup in ("dependency__exact", "status__exact")

    @admin.display(description="Minute (UTC)", ordering="minute")
    def at(self, row: UptimeLogs) -> SafeString | str:
        return moment(row.minute)

    @admin.display(description="Status", ordering="status")
    def state(self, row: UptimeLogs) -> SafeString:
        return badge(row.status, "good" if row.status == UptimeStatus.UP else "bad")
