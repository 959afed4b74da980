"""Tenants, and the keys that open them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from gameproject.lib import clock
from gameproject.lib.admin import badge, moment, one_line
from strategies.admin.links import link_to, page_of
from strategies.keys import change_api_key, create_api_key, revoke_api_key
from strategies.models import ApiKey, Realm
from strategies.models.tenancy import Scope
from strategies.realms import change_realm, create_realm


class LinesField(forms.CharField):
    """A list of short texts, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4, "cols": 40}), required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().to_python(value) or "").splitlines()]
        return [line for line in dict.fromkeys(lines) if line]

    def validate(self, value: Any) -> None:
        for line in value:
            if len(line) > 100:
                raise ValidationError(f"{line[:20]}… is longer than 100 characters.")

    def run_validators(self, value: Any) -> None:
        """Do nothing: `validate` has looked at each line."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class RealmForm(forms.ModelForm[Realm]):
    masked_data_keys = LinesField(
        help_text="Keys of event data that are stored hashed, one a line. A strategy cannot read them."
    )


@admin.register(Realm)
class RealmAdmin(admin.ModelAdmin[Realm]):
    form = RealmForm
    list_display = ("slug", "called", "time_zone", "n_masked", "made")
    search_fields = ("slug", "name")
    fields = ("slug", "name", "time_zone", "masked_data_keys", "id", "config_epoch", "created_at")
    readonly_fields = ("id", "config_epoch", "created_at")
    ordering = ("slug",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # its ledger could not go with it

    def save_model(self, request: HttpRequest, obj: Realm, form: object, change: bool) -> None:  # noqa: FBT001  # Django's signature
        (change_realm if change else create_realm)(obj)

    @admin.display(description="Name")
    def called(self, realm: Realm) -> SafeString | str:
        return one_line(realm.name)

    @admin.display(description="Masked keys")
    def n_masked(self, realm: Realm) -> int:
        return len(realm.masked_data_keys)

    @admin.display(description="Created (UTC)")
    def made(self, realm: Realm) -> SafeString | str:
        return moment(realm.created_at)


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[ApiKey]") -> "QuerySet[ApiKey]":
        is_expired = Q(expires_at__lte=clock.now())
        match self.value():
            case "active":
                return queryset.filter(revoked_at=None).exclude(is_expired)
            case "expired":
                return queryset.filter(is_expired, revoked_at=None)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """A new key is shown once, on the page after it was made. A revoked one stays, as a record."""

    change_form_template = "admin/strategies/api_key_form.html"
    list_display = ("called", "prefix", "of_realm", "may", "state", "expires", "made")
    list_filter = (StatusFilter, "realm")
    list_select_related = ("realm",)
    search_fields = ("=prefix", "name")
    search_help_text = "Prefix, exactly, or a part of the name"
    ordering = ("-id",)
    formfield_overrides = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,  # two inputs for one time have one label between them
            "widget": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "help_text": "UTC. Empty means never.",
        }
    }
    throttles = ("key_rate", "key_burst", "player_rate", "player_burst")
    fieldsets = (
        (None, {"fields": ("realm", "name", "scopes", "expires_at")}),
        (
            "Throttles",
            {
                "fields": (("key_rate", "key_burst"), ("player_rate", "player_burst")),
                "description": "Empty means the default; a rate of 0 means no limit.",
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("prefix", "state", "realm", "may") if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "scopes":
            return forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return self.fieldsets
        known = ("prefix", "state", "realm", "may", "name", "expires_at")
        return ((None, {"fields": known}), *self.fieldsets[1:])

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: object, change: bool) -> None:  # noqa: FBT001  # Django's signature
        if change:
            change_api_key(obj)
            return
        row, key = create_api_key(
            realm=obj.realm,
            name=obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
            **{name: getattr(obj, name) for name in self.throttles},
        )
        obj.pk, obj.prefix, obj.created_at = row.pk, row.prefix, row.created_at
        request.new_key = key  # type: ignore[attr-defined]  # on its way to `response_add`, and nowhere else

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key in this answer, and keep it nowhere: not in a message, nor in the session."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The key was made",
            "row": obj,
            "key": request.new_key,  # type: ignore[attr-defined]  # of `save_model`
        }
        page = TemplateResponse(request, "admin/strategies/key_made.html", context)
        page.headers["Cache-Control"] = "no-store"
        return page

    # Revoking

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke_view)
        return [path("<uuid:pk>/revoke/", view, name="strategies_apikey_revoke"), *super().get_urls()]

    def revoke_view(self, request: HttpRequest, pk: object) -> HttpResponse:
        row = get_object_or_404(ApiKey.objects.select_related("realm"), pk=pk)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if request.method == "POST":
            revoke_api_key(realm_id=row.realm_id, prefix=row.prefix)
            self.log_change(request, row, "Revoked.")
            messages.success(request, f"The key {row.prefix} is revoked.")
            return redirect(page_of(row))
        context = {**self.admin_site.each_context(request), "title": "Revoke a key", "row": row}
        return TemplateResponse(request, "admin/strategies/revoke_key.html", context)

    # Columns

    @admin.display(description="Name", ordering="name")
    def called(self, row: ApiKey) -> SafeString | str:
        return one_line(row.name)

    @admin.display(description="Realm", ordering="realm__slug")
    def of_realm(self, row: ApiKey) -> SafeString | str:
        return link_to(row.realm)

    @admin.display(description="Scopes")
    def may(self, row: ApiKey) -> SafeString:
        return format_html_join(" ", "{}", ((badge(scope),) for scope in row.scopes))

    @admin.display(description="Status")
    def state(self, row: ApiKey) -> SafeString:
        if row.revoked_at is not None:
            return badge("revoked", "bad")
        return badge("active", "good") if row.is_valid(clock.now()) else badge("expired", "warn")

    @admin.display(description="Expires (UTC)", ordering="expires_at")
    def expires(self, row: ApiKey) -> SafeString | str:
        return "never" if row.expires_at is None else moment(row.expires_at)

    @admin.display(description="Created (UTC)", ordering="created_at")
    def made(self, row: ApiKey) -> SafeString | str:
        return moment(row.created_at)
