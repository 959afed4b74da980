"""Requests of the API and the admin, newest first: the list behind the figures of requests, errors and latency."""

from typing import Final, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin import KeysetAdmin, KeysetFilters, badge, moment, one_line
from gameproject.lib.admin.display import Kind
from observability.models import ApiRequests
from observability.models.api_requests import RequestKind
from strategies.models import Realm

M = TypeVar("M", bound=Model)
ANY: Final = ("", "any")
CLASSES: Final = {"2xx": (200, 300), "3xx": (300, 400), "4xx": (400, 500), "5xx": (500, 600)}
BADGES: Final[dict[int, Kind]] = {2: "good", 3: "calm", 4: "warn", 5: "bad"}


class RequestFilters(KeysetFilters):
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label="any"
    )
    kind = forms.ChoiceField(choices=[ANY, *RequestKind.choices], required=False)
    status = forms.ChoiceField(choices=[ANY, *((name, name) for name in CLASSES)], required=False)
    route = forms.CharField(required=False, max_length=200)
    key = forms.CharField(label="Key (prefix)", required=False, max_length=16)
    slow = forms.FloatField(label="At least (ms)", required=False, min_value=0, max_value=1e9)
    field_order = ("realm", "kind", "status", "route", "key", "slow")

    def by_index(self, rows: QuerySet[M]) -> QuerySet[M]:
        realm = self.cleaned_data["realm"]
        return rows.filter(realm=realm) if realm else rows

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.cleaned_data
        said = {"kind": chosen["kind"], "route": chosen["route"], "key_prefix": chosen["key"]}
        wanted: dict[str, object] = {name: value for name, value in said.items() if value}
        if chosen["status"]:
            wanted["status__gte"], wanted["status__lt"] = CLASSES[chosen["status"]]
        if chosen["slow"]:
            wanted["milliseconds__gte"] = chosen["slow"]
        return rows.filter(**wanted) if wanted else rows


@admin.register(ApiRequests)
class ApiRequestsAdmin(KeysetAdmin[ApiRequests]):
    list_display = ("at", "answered", "method", "of_route", "count_ms", "of_realm", "by_key", "whole")
    list_display_links = None
    filters = RequestFilters
    search_help_text = "Request id, exactly"

    def find(self, rows: QuerySet[ApiRequests], term: str) -> QuerySet[ApiRequests]:
        return rows.none() if "\0" in term else rows.filter(request_id=term)

    def with_columns(self, rows: QuerySet[ApiRequests]) -> QuerySet[ApiRequests]:
        return rows.select_related("realm")

    @admin.display(description="Began (UTC)")
    def at(self, row: ApiRequests) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="Status")
    def answered(self, row: ApiRequests) -> SafeString:
        return badge(str(row.status), BADGES.get(row.status // 100, "calm"))

    @admin.display(description="Route")
    def of_route(self, row: ApiRequests) -> SafeString | str:
        return format_html('<code class="anywhere">{}</code>', row.route) if row.route else "no route of ours"

    @admin.display(description="ms")
    def count_ms(self, row: ApiRequests) -> str:
        return f"{row.milliseconds:,g}"

    @admin.display(description="Realm")
    def of_realm(self, row: ApiRequests) -> SafeString | str:
        return one_line(row.realm)

    @admin.display(description="Key")
    def by_key(self, row: ApiRequests) -> SafeString | str:
        return one_line(row.key_prefix)

    @admin.display(description="Request")
    def whole(self, row: ApiRequests) -> SafeString | str:
        return one_line(row.request_id, reverse("request", args=(row.request_id,)))
