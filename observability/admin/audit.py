"""The audit trail: who did what, when; found, read, and checked on the spot."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin import KeysetFilters, ReadOnlyAdmin, badge, moment, one_line
from gameproject.lib.admin.exports import ExportingAdmin
from observability import audit
from observability.admin.audit_page import AuditPage
from observability.audit_events import EVENTS
from observability.models import AuditChain, Logs
from observability.models.audit import Level
from strategies.admin.score_filters import is_uuid
from strategies.models import Realm

M = TypeVar("M", bound=Model)
LEVEL_KINDS = {Level.INFO: "calm", Level.WARNING: "warn", Level.ERROR: "bad"}
GLOBAL = "none"


class AuditFilters(KeysetFilters):
    default_span = "7d"
    event = forms.ChoiceField(
        choices=[("", "any"), *((name, name) for name in sorted(EVENTS))], required=False
    )
    realm = forms.CharField(required=False, max_length=100, help_text="A slug; none: the global chain.")
    level = forms.ChoiceField(choices=[("", "any"), *Level.choices], required=False)
    staff_user = forms.CharField(label="Staff user", required=False, max_length=150)
    api_key = forms.CharField(label="Key (prefix)", required=False, max_length=16)
    subject = forms.CharField(label="Done to", required=False, max_length=100)
    field_order = ("event", "realm", "level", "staff_user", "api_key", "subject")

    def clean_realm(self) -> UUID | str:
        slug: str = self.cleaned_data["realm"]
        if slug in ("", GLOBAL):
            return slug
        realm = Realm.objects.filter(slug=slug).first()
        if realm is None:
            raise forms.ValidationError("There is no such realm.")
        return realm.pk

    def by_index(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.cleaned_data
        for name in ("event", "staff_user", "api_key", "subject"):
            if chosen[name]:
                rows = rows.filter(**{name: chosen[name]})
        if chosen["realm"]:
            rows = rows.filter(realm=None if chosen["realm"] == GLOBAL else chosen["realm"])
        return rows

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        level = self.cleaned_data["level"]
        return rows.filter(level=level) if level else rows


@admin.register(Logs)
class LogsAdmin(ExportingAdmin[Logs]):
    list_display = ("at", "what", "said", "who", "of_realm")
    list_display_links = ("at",)
    filters = AuditFilters
    search_help_text = "Request id or entry id, exactly"
    export_columns = (
        *("id", "created_at", "realm", "sequence", "event", "level", "message", "subject", "staff_user"),
        *("oauth_user_id", "api_key", "command", "task", "request_id", "module", "details"),
        *("previous_hash", "hash"),
    )

    def find(self, rows: QuerySet[Logs], term: str) -> QuerySet[Logs]:
        if "\0" in term:
            return rows.none()
        own_id = Q(pk=term) if is_uuid(term) else Q(pk__in=[])
        return rows.filter(own_id | Q(request_id=term))

    def with_columns(self, rows: QuerySet[Logs]) -> QuerySet[Logs]:
        return rows.select_related("realm").defer("details_json")

    @admin.display(description="Time (UTC)")
    def at(self, row: Logs) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="Event")
    def what(self, row: Logs) -> SafeString:
        return badge(row.event, LEVEL_KINDS[Level(row.level)])  # type: ignore[arg-type]  # a kind

    @admin.display(description="What")
    def said(self, row: Logs) -> SafeString | str:
        return format_html('<bdi class="anywhere">{}</bdi>', row.message)

    @admin.display(description="Who")
    def who(self, row: Logs) -> SafeString | str:
        return one_line(row.actor)

    @admin.display(description="Realm")
    def of_realm(self, row: Logs) -> SafeString | str:
        return one_line(row.realm)

    # Taken away

    def rows_to_export(self, rows: QuerySet[Logs]) -> QuerySet[Logs]:
        return rows.select_related("realm")

    def export_values(self, row: Logs) -> Mapping[str, object]:
        hashes = {name: bytes(getattr(row, name)).hex() for name in ("previous_hash", "hash")}
        of_row = {name: getattr(row, name) for name in self.export_columns if name not in hashes}
        return {**of_row, "realm": row.realm and row.realm.slug, **hashes}

    def record_export(self, request: HttpRequest, what: Mapping[str, Any]) -> None:
        audit.record(
            event="audit.exported",
            message=f"Audit entries exported as {what['format']}",
            realm_id=None,
            module="audit",
            **what,
        )

    # The page of one entry

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        rows = Logs.objects.select_related("realm")
        row = rows.filter(pk=object_id).first() if is_uuid(object_id) else None
        if row is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": "Audit entry",
            "row": row,
            "event": self.what(row),
            "page": AuditPage(row),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/observability/audit_page.html", context)


@admin.register(AuditChain)
class AuditChainAdmin(ReadOnlyAdmin[AuditChain]):
    """The chains' heads; `manage.py verify_audit_trail` walks the chains."""

    list_display = ("__str__", "n_rows", "head")
    list_select_related = ("realm",)
    fields = ("realm", "n_rows", "head")

    @admin.display(description="Last hash")
    def head(self, chain: AuditChain) -> str:
        return bytes(chain.last_hash).hex()
