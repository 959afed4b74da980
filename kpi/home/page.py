"""All parts of the home page, each read within a short time or not known."""

from collections.abc import Iterator
from itertools import chain

from gameproject.lib import clock
from kpi import keeping, so_far
from kpi.home import attention, happening
from kpi.home.attention import Concern
from kpi.home.known import Known, read
from kpi.home.lights import lights, queues
from kpi.home.tiles import Tile, tiles
from kpi.so_far import Standing

Standings = tuple[Standing | None, Standing | None]


class Home:
    """What the template asks for. Reading happens once, here."""

    def __init__(self) -> None:
        self.now = clock.now()
        self.lights = lights()
        self.queues = queues(self.lights)
        self.standings: Known[Standings] = read(lambda: so_far.today_and_last_week(self.now.date()))
        self.requests = read(happening.requests_now)
        self.failing = read(happening.failing_strategies)
        self.idle = read(happening.idle_strategies)
        self.lost_traces = read(happening.lost_traces)
        self.lost_records = read(happening.lost_records)
        self.last_rollup = read(happening.last_rollup)
        self.objectives = read(lambda: keeping.report(None, self.now))
        self.entries = read(happening.last_entries)

    @property
    def today(self) -> Standing | None:
        return self.standings.value[0] if self.standings.value else None

    @property
    def last_week(self) -> Standing | None:
        return self.standings.value[1] if self.standings.value else None

    def tiles(self) -> list[Tile]:
        return list(tiles(self.today, self.last_week)) if self.today else []

    def failing_lines(self) -> Iterator[tuple[happening.Failing, str]]:
        """Yield each failing strategy with the list of its failed runs."""
        return ((each, attention.executions_url(each)) for each in self.failing.value or ())

    def concerns(self) -> list[Concern]:
        return list(
            chain(
                attention.of_lights(self.lights),
                attention.of_requests(self.requests.value),
                attention.of_failing(self.failing.value or []),
                attention.of_idle(self.idle.value or []),
                attention.of_queues(self.queues.value),
                attention.of_losses(self.lost_traces.value, self.lost_records.value),
                attention.of_objectives(self.objectives.value),
                attention.of_rollup(self.last_rollup.value, self.now) if self.last_rollup.is_known else (),
            )
        )
