from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest

from strategies.keys import create_api_key
from strategies.models import ApiKey, Realm


@admin.register(Realm)
class RealmAdmin(admin.ModelAdmin[Realm]):
    list_display = ("slug", "name", "time_zone", "config_epoch", "created_at")
    search_fields = ("slug", "name")
    readonly_fields = ("id", "config_epoch", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # its ledger could not go with it


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """A new key is shown once, in the message after it was saved. A revoked one stays, as a record."""

    list_display = ("prefix", "name", "realm", "scopes", "expires_at", "revoked_at", "created_at")
    list_filter = ("realm",)
    list_select_related = ("realm",)
    search_fields = ("=prefix", "name")
    throttles = ("key_rate", "key_burst", "player_rate", "player_burst")
    fields = ("realm", "name", "scopes", "expires_at", "revoked_at", throttles)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("realm", "scopes") if obj else ("revoked_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: object, change: bool) -> None:  # noqa: FBT001  # Django's signature
        if change:
            obj.save()
            return
        row, key = create_api_key(
            realm=obj.realm,
            name=obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
            **{name: getattr(obj, name) for name in self.throttles},
        )
        obj.pk, obj.prefix = row.pk, row.prefix
        messages.warning(request, f"The key, shown only now: {key}")
