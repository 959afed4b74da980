"""The admin when everything is large: 2 million scores, traces and audit rows and 10 million request records over thirty days.

How long every list takes, with each of its filters; home, KPIs, how strategies and players do; and why scores are what
they are (bench/admin_pages.py). One person looks: a logged-in superuser, one request after the other. Of the slowest
pages the plans of their statements are kept.
"""

import statistics
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Final

from django.core.management import call_command
from django.test import Client, override_settings

from bench import plans, seeding, seeding_observed, stage, web
from bench.admin_pages import Browser, Page, pages
from bench.figures import MIN_PAIRS, Figure, noise, rounded
from bench.progress import Progress
from bench.results import Findings, table
from bench.turns import take_turns
from strategies import publishing
from strategies.models import Game, Realm

N_WORKERS: Final = 2
N_SLOWEST: Final = 10
EXPLAINED_FROM_MS: Final = 100.0
MAX_EXPLAINED: Final = 40


@dataclass(frozen=True)
class Volume:
    """How much there is: the ledger is that of each of two games."""

    ledger: seeding.Ledger
    observed: seeding_observed.Observed


FULL: Final = Volume(
    seeding.Ledger(n_scores=1_000_000, n_players=100_000, n_tasks_each=5, busy_every=100),
    seeding_observed.Observed(n_audit_rows=2_000_000, n_requests=10_000_000),
)
QUICK: Final = Volume(
    seeding.Ledger(n_scores=20_000, n_players=2_000, n_tasks_each=5, busy_every=100),
    seeding_observed.Observed(n_audit_rows=40_000, n_requests=200_000),
)


@dataclass(frozen=True)
class Timed:
    """How long a page took, each time; of the slowest also how much it differs from itself."""

    page: Page
    seconds: list[float]
    noise: float | None = None

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000


def measure(*, quick: bool) -> Findings:
    with stage.cluster() as cluster, TemporaryDirectory() as static:
        games = fill(cluster, QUICK if quick else FULL)
        command = web.granian(web.SERVICE, n_workers=N_WORKERS)
        with override_settings(STATIC_ROOT=static):
            call_command("collectstatic", interactive=False, verbosity=0)
            with web.serving(command, environment={"STATIC_ROOT": static}) as server:
                browser = Browser(server.url)
                with closing(browser.connection):
                    timed = time_pages(browser, games, n_rounds=2 if quick else MIN_PAIRS)
                command = server.command
            explained = explain(browser.client, timed)
        postgresql = cluster.describe()
    print(table(["page", "median ms", "A/A", "longest ms"], [_row(each) for each in timed]))
    return Findings(
        {"pages.slowest_ms": Figure(timed[0].median_ms, timed[0].noise)},
        {
            "server": command,
            "postgresql": postgresql,
            "slowest": timed[0].page.path,
            "pagesMs": {each.page.name: rounded(each.median_ms) for each in timed},
            "plans": explained,
        },
    )


def fill(cluster: stage.Cluster, volume: Volume) -> list[Game]:
    """Fill two games: one whose strategy has two versions, and one of the built-in strategy."""
    world = stage.make_world()
    Realm.objects.bulk_create([Realm(slug=slug, name=slug.title()) for slug in ("north", "south")])
    strategy = world.strategy("Data only", stage.DATA_ONLY)
    games = [world.game("data", strategy), world.game("default", stage.default_strategy())]
    for game in games:
        seeding.score_prototypes(world, game)
    publishing.edit_strategy(strategy=strategy, program=stage.DATA_ONLY | {"id": "data-only-2"})
    publishing.publish_strategy(strategy=strategy)
    seeding.score_prototypes(world, games[0])
    seeding.seed(cluster.postgres.url, games, volume.ledger, label="scores")
    seeding_observed.fill(cluster.postgres.url, realm=world.realm, observed=volume.observed)
    with Progress("vacuum and checkpoint", 1) as progress:
        cluster.settle()
        progress.step()
    return games


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────
def time_pages(browser: Browser, games: list[Game], *, n_rounds: int) -> list[Timed]:
    """Time all pages in turn, and the slowest again, twice a round; return them slowest first."""
    found = list(dict.fromkeys(pages(browser, games)))
    for page in found:
        browser.get(page)
    seconds = take_turns(
        found, lambda page: _seconds(browser, page), n_rounds=n_rounds, label=f"{len(found)} pages"
    )
    ranked = sorted(found, key=lambda page: statistics.median(seconds[page]), reverse=True)
    twice = [(page, turn) for page in ranked[:N_SLOWEST] for turn in ("", "again")]
    again = take_turns(
        twice,
        lambda page: _seconds(browser, page[0]),
        n_rounds=n_rounds,
        label=f"the slowest {N_SLOWEST}, twice a round",
    )
    slowest = [
        Timed(
            page,
            [*seconds[page], *again[page, ""], *again[page, "again"]],
            noise(again[page, ""], again[page, "again"]),
        )
        for page in ranked[:N_SLOWEST]
    ]
    rest = [Timed(page, seconds[page]) for page in ranked[N_SLOWEST:]]
    return sorted([*slowest, *rest], key=lambda timed: timed.median_ms, reverse=True)


def _seconds(browser: Browser, page: Page) -> float:
    began_at = time.perf_counter()
    browser.get(page)
    return time.perf_counter() - began_at


def explain(client: Client, timed: list[Timed]) -> dict[str, list[dict[str, object]]]:
    """Have PostgreSQL explain the slowest pages, and all that take long."""
    chosen = [each for n, each in enumerate(timed) if n < N_SLOWEST or each.median_ms > EXPLAINED_FROM_MS]
    pages_read = [each.page for each in chosen[:MAX_EXPLAINED] if each.page.method == "GET"]
    return {page.name: [asdict(plan) for plan in plans.plans_of(client, page.path)] for page in pages_read}


def _row(timed: Timed) -> list[object]:
    differs = "" if timed.noise is None else f"± {timed.noise:.0%}"
    return [timed.page.name, timed.median_ms, differs, max(timed.seconds) * 1000]
