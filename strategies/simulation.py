"""Try a program on a player's real history, or on made-up facts. Stores nothing, counts nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, Sum

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest, JsonDict, Unprocessable
from strategies import dsl, facts
from strategies.models import Game, Player, PlayerGameStats, PlayerTaskStats, Score, Task, TaskStats
from strategies.models.scores import Outcome
from strategies.variables import effective_variables


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The event to try: whose, on what, when, and which facts are to be taken as given."""

    game: Game
    task: Task
    external_user_id: str
    data: Mapping[str, object] = field(default_factory=dict)
    occurred_at: datetime | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    mock_state: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulation:
    outcome: dsl.Outcome
    facts: JsonDict
    trace: dsl.Trace


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run with its full trace: an outcome, or the failure and the trace up to there."""

    facts: JsonDict
    variables: JsonDict
    trace: dsl.Trace
    outcome: dsl.Outcome | None = None
    failure: dsl.RunError | None = None


def simulate(program: dsl.Program, scenario: Scenario) -> Simulation:
    """Run the program with a full trace. Raises Unprocessable with the trace so far where the run fails."""
    tried = attempt(program, scenario)
    if tried.outcome is not None:
        return Simulation(tried.outcome, tried.facts, tried.trace)
    error = tried.failure
    assert error is not None  # noqa: S101  # one of the two is there
    raise Unprocessable(
        f"The strategy failed on this event: {error.message}",
        code=error.code,
        params={
            **error.params,
            "nodeId": error.node_id,
            "path": error.path,
            "facts": tried.facts,
            "executionTrace": tried.trace.entries,
        },
    )


def attempt(program: dsl.Program, scenario: Scenario) -> Attempt:
    """Run the program with a full trace. Raises BadRequest for facts and variables that cannot be given."""
    known = facts.collect(program.fields, figures_of(scenario))
    given = {**known, **_mocked(program, scenario.mock_state)}
    variables = _variables(program, scenario)
    trace = dsl.Trace(limit=None)
    try:
        outcome = dsl.interpret(program, given, scenario.data, variables, trace=trace)
    except dsl.RunError as error:
        return Attempt(given, variables, trace, failure=error)
    return Attempt(given, variables, trace, outcome=outcome)


def figures_of(scenario: Scenario) -> facts.Figures:
    """Read the figures that a scoring transaction would read, without locking anything."""
    game, task = scenario.game, scenario.task
    now = clock.now()
    player = Player.objects.filter(realm_id=game.realm_id, external_id=scenario.external_user_id).first()
    in_game = PlayerGameStats.objects.filter(player=player, game=game).first() if player else None
    on_task = PlayerTaskStats.objects.filter(player=player, task=task).first() if player else None
    of_task = TaskStats.objects.filter(task=task).aggregate(
        n=Sum("n_scores"), first=Min("first_at"), last=Max("last_at")
    )
    return facts.Figures(
        scored_at=now,
        occurred_at=scenario.occurred_at,
        time_zone=ZoneInfo(game.time_zone or game.realm.time_zone),
        external_game_id=game.external_id,
        external_task_id=task.external_id,
        external_user_id=scenario.external_user_id,
        points_total=in_game.points_total if in_game else Decimal(0),
        streak_days=in_game.streak_days if in_game else 0,
        last_day=in_game.last_day if in_game else None,
        n_scores=on_task.n_scores if on_task else None,
        first_at=on_task.first_at if on_task else None,
        last_at=on_task.last_at if on_task else None,
        previous_at=on_task.previous_at if on_task else None,
        task_n_scores=of_task["n"],
        task_first_at=of_task["first"],
        task_last_at=of_task["last"],
        n_recent=_n_recent(player, task, now) if player else 0,
    )


def _n_recent(player: Player, task: Task, now: datetime) -> int:
    since = now - timedelta(seconds=facts.RECENT_SECONDS)
    rows = Score.objects.filter(player=player, task=task, created_at__gte=since, is_test=False)
    return rows.exclude(outcome=Outcome.REVERSAL).count()


def _mocked(program: dsl.Program, mock_state: Mapping[str, object]) -> Mapping[str, object]:
    """Take the given facts that the program reads. Raises BadRequest for paths that no program could read."""
    problems: list[JsonDict] = [
        {"code": "VALUE_INVALID", "message": f"There is no fact {path!r}.", "pointer": f"/mockState/{path}"}
        for path in mock_state
        if path not in facts.FACTS
    ]
    if problems:
        raise BadRequest("mockState names unknown facts.", code="BODY_INVALID", problems=problems)
    return {path: value for path, value in mock_state.items() if path in program.fields}


def _variables(program: dsl.Program, scenario: Scenario) -> dict[str, object]:
    inherited = effective_variables(program, scenario.game, scenario.task)
    try:
        overridden = program.resolve_variables(scenario.variables)
    except dsl.DslError as error:
        raise BadRequest(error.message, code=error.code, params=error.params) from None
    return {**inherited, **{name: overridden[name] for name in scenario.variables}}
