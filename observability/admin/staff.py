"""Staff users and groups, as Django has them; what is done to them is audited."""

from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gameproject.lib.errors import JsonDict
from observability import audit
from strategies.changes import differing, subject_of

M = TypeVar("M", bound=Model)
FLAGS = ("username", "is_active", "is_staff", "is_superuser")
MAX_PERMISSIONS = 200


def described(row: Model) -> JsonDict:
    """Say what a user or a group may do."""
    if isinstance(row, User):
        flags: JsonDict = {name: getattr(row, name) for name in FLAGS}
        permissions = _names(row.user_permissions.values_list("codename", flat=True))
        return {
            **flags,
            "groups": _names(row.groups.values_list("name", flat=True)),
            "permissions": permissions,
        }
    assert isinstance(row, Group)  # noqa: S101  # the other one that is registered here
    return {"name": row.name, "permissions": _names(row.permissions.values_list("codename", flat=True))}


def _names(names: "QuerySet[Any, Any]") -> list[str]:
    return sorted(names[:MAX_PERMISSIONS])


class Audited(admin.ModelAdmin[M]):
    """Writes an audit row beside Django's own history, in the transaction of the form."""

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        known = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None  # noqa: SLF001  # Django's documented way
        request.audited_before = {} if known is None else described(known)  # type: ignore[attr-defined]  # read below, when groups are stored too
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> Any:
        _record("Made", obj, after=described(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> Any:
        before = getattr(request, "audited_before", None)
        if before is None:  # the page that sets a password
            _record("Changed the password of", obj)
        else:
            _record("Changed", obj, *differing(before, described(obj)))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: "QuerySet[M]") -> Any:
        for row in queryset:
            _record("Deleted", row, before=described(row))
        return super().log_deletions(request, queryset)


def _record(verb: str, row: Model, before: JsonDict | None = None, after: JsonDict | None = None) -> None:
    kind = str(row._meta.model_name)  # noqa: SLF001  # Django's documented way
    audit.record(
        event=f"{kind}.changed",
        message=f"{verb} the {kind} {row}.",
        realm_id=None,
        module=__name__,
        subject=subject_of(row),
        before=before,
        after=after,
    )


# Django has registered its own by now: the import of its module has done so.
admin.site.unregister((User, Group))


@admin.register(User)
class AuditedUserAdmin(Audited[User], UserAdmin[User]):
    pass


@admin.register(Group)
class AuditedGroupAdmin(Audited[Group], GroupAdmin):
    pass
