"""Which pages the admin has: found by looking, so that a list, a filter or a search which is added is measured too."""

import html
import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from bench import web
from gameproject.lib.admin import KeysetAdmin
from observability.models import Logs, StrategyExecutionLog
from strategies.models import Game, Player, Score

N_EXPLAINED: Final = 3
MAX_FILTERS: Final = 12
CSRF: Final = "c" * 32
NOBODY: Final = "nobody-is-called-so"
OLDEST: Final = "?" + urlencode({"span": "all", "after": UUID(int=0)})
# Where a filter is not called as its column.
COLUMNS: Final = {"player": "external_user_id", "case": "case_name", "key": "key_prefix"}
FORM: Final = re.compile(r'<form[^>]*\smethod="get"[^>]*>(.*?)</form>', re.DOTALL)
SELECT: Final = re.compile(r'<select[^>]*\sname="([^"]+)"(.*?)</select>', re.DOTALL)
OPTION: Final = re.compile(r'<option[^>]*\svalue="([^"]+)"')
INPUT: Final = re.compile(r'<input type="text"[^>]*\sname="([^"]+)"')
SORTS_OR_NUMBERS: Final = re.compile(r"[?&][op]=")
LINK: Final = re.compile(r'<a[^>]*\shref="(\?[^"]*)"')


@dataclass(frozen=True)
class Page:
    """A page of the admin by the path that its link has, and in words."""

    path: str
    name: str
    method: str = "GET"


class Browser:
    """A logged-in superuser's connection that stays open; `client` is the same in this process."""

    def __init__(self, url: str) -> None:
        self.client = Client(SERVER_NAME="127.0.0.1")
        self.client.force_login(get_user_model().objects.create_superuser("bench"))
        session = self.client.cookies["sessionid"].value
        self.headers = {"Cookie": f"sessionid={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF}
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def get(self, page: Page) -> str:
        self.connection.request(page.method, page.path, headers=self.headers)
        response = self.connection.getresponse()
        body = response.read().decode(errors="replace")
        if response.status != 200:
            raise web.WebError(f"{page.name}, {page.path}: status {response.status}")
        return body


def pages(browser: Browser, games: list[Game]) -> Iterator[Page]:
    """Find all pages: each list is fetched once."""
    yield Page(reverse("admin:index"), "home")
    for model, model_admin in admin.site._registry.items():  # noqa: SLF001  # there is no public way to all of them
        yield from list_pages(browser, model, model_admin)
    yield from explained_pages(games)
    yield from kpi_pages(browser, games)


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────
def list_pages(browser: Browser, model: type[Model], model_admin: "ModelAdmin[Model]") -> Iterator[Page]:
    meta = model._meta  # noqa: SLF001  # Django's public name
    names = f"admin:{meta.app_label}_{meta.model_name}"
    start = Page(reverse(f"{names}_changelist"), f"{meta.app_label}.{meta.object_name}")
    text = browser.get(start)
    yield start
    newest = model._default_manager.order_by("-pk").first()  # noqa: SLF001  # Django's public name
    for query in dict.fromkeys([*link_queries(text), *form_queries(text, newest)]):
        yield replace(start, path=start.path + query, name=f"{start.name} {query}")
    if query := OLDEST if isinstance(model_admin, KeysetAdmin) else last_page_query(text):
        yield replace(start, path=start.path + query, name=f"{start.name}, last page")
    for term in search_terms(model_admin, newest):
        query = "?" + urlencode({"q": term})
        yield replace(start, path=start.path + query, name=f"{start.name}, search for {term[:20]}")
    if newest and (own := reverse(f"{names}_change", args=[newest.pk])) in text:
        yield Page(own, f"{start.name}, one row")


def link_queries(text: str) -> list[str]:
    """Return the queries of a list's own links: filters, spans of time, neighbours; not those that sort or number."""
    queries = dict.fromkeys(html.unescape(query) for query in LINK.findall(text))
    return [query for query in queries if query != "?" and not SORTS_OR_NUMBERS.search(query)][:MAX_FILTERS]


def form_queries(text: str, newest: object) -> list[str]:
    """Return what a list's filter form can ask for, over all times: each choice, and what the newest row is of."""
    found = []
    for form in FORM.findall(text):
        for name, options in SELECT.findall(form):
            found += [(name, html.unescape(value)) for value in OPTION.findall(options)[:MAX_FILTERS]]
        values = [(name, value_of(newest, name)) for name in INPUT.findall(form)]
        found += [(name, str(value)) for name, value in values if value]
    span = {"span": "all"} if "span=all" in text else {}
    return ["?" + urlencode({**span, name: value}) for name, value in found]


def value_of(row: object, name: str) -> object:
    """Return what a row has under the name of a filter; of a row that it refers to, the id."""
    value = getattr(row, name, None) or getattr(row, COLUMNS.get(name, name), None)
    return value.pk if isinstance(value, Model) else value


def last_page_query(text: str) -> str:
    """Return the query of the last page that a list links to, or nothing where there is but one."""
    numbers = [int(number) for number in re.findall(r'href="\?p=(\d+)"', text)]
    return f"?p={max(numbers)}" if numbers else ""


def search_terms(model_admin: "ModelAdmin[Model]", newest: Model | None) -> Iterator[str]:
    """Give what somebody would search for: the newest row's value of each plain field that is searched.

    Lists by keyset search by ids and names of their own; that nothing bears a name takes the longest to find.
    """
    if isinstance(model_admin, KeysetAdmin):
        yield from filter(None, (str(newest.pk), getattr(newest, "request_id", ""), NOBODY) if newest else ())
    for name in model_admin.search_fields:
        plain = name.lstrip("=^@").partition("__")[0]
        if value := getattr(newest, plain, None):
            yield str(value)


# ── Pages of one thing ───────────────────────────────────────────────────────────────────────────
def explained_pages(games: list[Game]) -> Iterator[Page]:
    for game in games:
        for score in Score.objects.filter(game=game).order_by("-id")[:N_EXPLAINED]:
            path = reverse("admin:strategies_score_change", args=[score.pk])
            yield Page(path, f"score {str(score.pk)[-6:]} of {game.external_id}, explained")
    for execution in StrategyExecutionLog.objects.order_by("-id")[:N_EXPLAINED]:
        path = reverse("admin:observability_strategyexecutionlog_change", args=[execution.pk])
        yield Page(path, f"execution {str(execution.pk)[-6:]}")
        yield Page(reverse("request", args=[execution.request_id]), f"request of {str(execution.pk)[-6:]}")
    for row in Logs.objects.order_by("-id")[:N_EXPLAINED]:
        yield Page(reverse("admin:observability_logs_change", args=[row.pk]), f"audit entry {row.sequence}")


def kpi_pages(browser: Browser, games: list[Game]) -> Iterator[Page]:
    for game in games:
        strategy = game.strategy
        performance = Page(reverse("strategy_performance", args=[strategy.pk]), f"strategy {strategy.slug}")
        yield from with_choices(browser, performance)
        if strategy.versions.count() > 1:
            comparison = reverse("strategy_comparison", args=[strategy.pk]) + "?a=1&b=2"
            yield from with_choices(browser, Page(comparison, f"versions of {strategy.slug}"))
    for player in Player.objects.filter(external_id__in=["p0", "p1"]):
        yield Page(reverse("player_over_time", args=[player.pk]), f"player {player.external_id} over time")
        yield Page(
            reverse("admin:strategies_player_change", args=[player.pk]), f"player {player.external_id}"
        )
    export = reverse("admin:kpi_kpimetrics_export") + "?days=365"
    yield Page(export, "KPIs of a year as CSV", method="POST")


def with_choices(browser: Browser, start: Page) -> Iterator[Page]:
    """Give a page, and what its links and its form lead to."""
    yield start
    text, path = browser.get(start), start.path.partition("?")[0]
    for query in dict.fromkeys([*link_queries(text), *form_queries(text, None)]):
        yield Page(path + query, f"{start.name} {query}")
