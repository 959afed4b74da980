"""The admin with two million scores, traces and audit rows over thirty days: how long every list takes, home, and why scores are what they are.

The models come from the admin's own registry, and filters, search and the last page from what the pages offer, so that
a list which is added is measured too. One person looks: a logged-in superuser, one request after the other.
"""

import html
import http.client
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Model
from django.test import Client, override_settings
from django.urls import reverse

from bench import seeding, seeding_observed, stage, web
from bench.figures import MIN_PAIRS, Figure, noise, rounded
from bench.results import Findings, table
from bench.turns import take_turns
from observability.models import Logs, StrategyExecutionLog
from strategies.models import Game, Score

LEDGER: Final = seeding.Ledger(n_scores=1_000_000, n_players=100_000, n_tasks_each=5)  # for each of two games
N_WORKERS: Final = 2
N_EXPLAINED: Final = 3
MAX_FILTERS: Final = 12
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


class Browser:
    """A logged-in superuser's connection that stays open."""

    def __init__(self, url: str) -> None:
        client = Client()
        client.force_login(get_user_model().objects.create_superuser("bench"))
        self.cookie = f"sessionid={client.cookies['sessionid'].value}"
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def get(self, page: Page) -> str:
        self.connection.request("GET", page.path, headers={"Cookie": self.cookie})
        response = self.connection.getresponse()
        body = response.read().decode(errors="replace")
        if response.status != 200:
            raise web.WebError(f"{page.name}, {page.path}: status {response.status}")
        return body

    def seconds(self, page: Page) -> float:
        began_at = time.perf_counter()
        self.get(page)
        return time.perf_counter() - began_at


# ── Which pages there are ────────────────────────────────────────────────────────────────────────
def pages(browser: Browser, games: list[Game]) -> Iterator[Page]:
    """Find all pages by looking at the lists: each is fetched once."""
    yield Page(reverse("admin:index"), "home")
    for model, model_admin in admin.site._registry.items():  # noqa: SLF001  # there is no public way to all of them
        yield from list_pages(browser, model, model_admin)
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


def list_pages(browser: Browser, model: type[Model], model_admin: "ModelAdmin[Model]") -> Iterator[Page]:
    meta = model._meta  # noqa: SLF001  # Django's public name
    start = Page(
        reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
        f"{meta.app_label}.{meta.object_name}",
    )
    text = browser.get(start)
    yield start
    newest = model._default_manager.order_by("-pk").first()  # noqa: SLF001  # Django's public name
    for query in dict.fromkeys([*link_queries(text), *form_queries(text, newest)]):
        yield replace(start, path=start.path + query, name=f"{start.name} {query}")
    if query := last_page_query(text):
        yield replace(start, path=start.path + query, name=f"{start.name}, last page")
    for term in search_terms(model_admin, newest):
        query = "?" + urlencode({"q": term})
        yield replace(start, path=start.path + query, name=f"{start.name}, search for {term[:20]}")


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
        values = [(name, getattr(newest, name, None)) for name in INPUT.findall(form)]
        found += [(name, str(value)) for name, value in values if value]
    span = {"span": "all"} if "span=all" in text else {}
    return ["?" + urlencode({**span, name: value}) for name, value in found]


def last_page_query(text: str) -> str:
    """Return the query of the last page that a list links to, or nothing where there is but one."""
    numbers = [int(number) for number in re.findall(r'href="\?p=(\d+)"', text)]
    return f"?p={max(numbers)}" if numbers else ""


def search_terms(model_admin: "ModelAdmin[Model]", newest: object) -> Iterator[str]:
    """Give what somebody would search for: the newest row's value of each plain field that is searched."""
    for name in model_admin.search_fields:
        plain = name.lstrip("=^@").partition("__")[0]
        if value := getattr(newest, plain, None):
            yield str(value)


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────
def measure(*, quick: bool) -> Findings:
    with stage.cluster() as cluster, TemporaryDirectory() as static:
        games = _fill(cluster, replace(LEDGER, n_scores=20_000, n_players=2_000) if quick else LEDGER)
        with override_settings(STATIC_ROOT=static):
            call_command("collectstatic", interactive=False, verbosity=0)
        command = web.granian(web.SERVICE, n_workers=N_WORKERS)
        with web.serving(command, environment={"STATIC_ROOT": static}) as server:
            browser = Browser(server.url)
            with closing(browser.connection):
                found = list(dict.fromkeys(pages(browser, games)))
                for page in found:
                    browser.get(page)
                twice = [(page, turn) for page in found for turn in ("", "again")]
                seconds = take_turns(
                    twice,
                    lambda name: browser.seconds(name[0]),
                    n_rounds=2 if quick else MIN_PAIRS,
                    label=f"{len(found)} pages, twice a round",
                )
            command = server.command
        postgresql = cluster.describe()
    return _findings(found, seconds, {"server": command, "postgresql": postgresql})


def _fill(cluster: stage.Cluster, ledger: seeding.Ledger) -> list[Game]:
    world = stage.make_world()
    games = [
        world.game("data", world.strategy("Data only", stage.DATA_ONLY)),
        world.game("default", stage.default_strategy()),
    ]
    for game in games:
        seeding.score_prototypes(world, game)
        seeding.seed(cluster.postgres.url, game, ledger, label=f"scores of {game.external_id}")
    seeding_observed.fill(cluster.postgres.url, n_audit_rows=len(games) * ledger.n_scores)
    cluster.settle()
    return games


def _findings(
    found: list[Page], seconds: dict[tuple[Page, str], list[float]], detail: dict[str, object]
) -> Findings:
    medians = {
        page: (
            statistics.median(seconds[page, ""]) * 1000,
            noise(seconds[page, ""], seconds[page, "again"]),
            max(seconds[page, ""]) * 1000,
        )
        for page in found
    }
    slowest_first = sorted(found, key=lambda page: medians[page][0], reverse=True)
    rows = [
        [page.name, medians[page][0], f"± {medians[page][1]:.0%}", medians[page][2]] for page in slowest_first
    ]
    print(table(["page", "median ms", "A/A", "longest ms"], rows))
    milliseconds = {page.name: rounded(medians[page][0]) for page in reversed(slowest_first)}
    slowest = Figure(medians[slowest_first[0]][0], medians[slowest_first[0]][1])
    return Findings(
        {"pages.slowest_ms": slowest}, {**detail, "slowest": slowest_first[0].path, "pagesMs": milliseconds}
    )
