"""One search box for everything: an exact name leads to its page. Each app brings what it can find."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse


@dataclass(frozen=True, slots=True)
class Hit:
    kind: str
    name: str
    url: str


Finder: TypeAlias = Callable[[HttpRequest, str], Iterator[Hit]]
_finders: Final[list[Finder]] = []


def finder(find: Finder) -> Finder:
    """Let the search ask a function for what bears a name and may be seen by the person who asks."""
    _finders.append(find)
    return find


def search(request: HttpRequest) -> HttpResponse:
    """Go to what is named, if it is one thing; else list what is."""
    term = request.GET.get("q", "").strip()[:300].replace("\0", "")
    hits = [hit for find in _finders for hit in find(request, term)] if term else []
    if len(hits) == 1:
        return redirect(hits[0].url)
    context = {**admin.site.each_context(request), "title": "Found", "term": term, "hits": hits}
    return TemplateResponse(request, "admin/found.html", context)


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site._registry[model].has_view_permission(request)  # noqa: SLF001  # Django has no public way
