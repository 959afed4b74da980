"""Try a program on a player's history or on made-up facts. Stores nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from gameproject.lib.api import whole_if_integral
from gameproject.lib.errors import BadRequest, DomainError
from strategies import dsl, events, selectors, variables
from strategies.admin.strategies.forms import ScenarioForm
from strategies.models import Game, Realm, Score, Strategy, Task
from strategies.simulation import Attempt, Scenario, attempt

N_SUGGESTED = 100
NEWCOMER = "newcomer"

GetProgram = Callable[[], dsl.Program]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as a page shows it, a failed one too."""

    attempt: Attempt
    points: int | float | None
    sentences: list[str]
    tree: dict[str, Any]
    facts: list[tuple[str, object, str]]


@dataclass(frozen=True, slots=True)
class Panel:
    """The form with what came of it."""

    form: ScenarioForm
    games: list[Game]
    tasks: list[Task]
    run: Run | None = None
    error: DomainError | None = None


def is_asked_for(request: HttpRequest) -> bool:
    return request.POST.get("do") in {"simulate", "prefill"}


def panel(request: HttpRequest, strategy: Strategy, get_program: GetProgram) -> Panel:
    """Make the form with what it was sent; `get_program` is asked where a program is needed, and may raise."""
    games, tasks = _suggestions(strategy)
    error: DomainError | None = None
    run: Run | None = None
    form = ScenarioForm(initial=request.POST.dict() or _first_scenario(strategy, tasks), strategy=strategy)
    try:
        if request.POST.get("do") == "prefill":
            initial = _of_score(strategy, request.POST.get("score", ""), get_program)
            form = ScenarioForm(initial=initial, strategy=strategy)
        elif request.POST.get("do") == "simulate":
            form = ScenarioForm(request.POST, strategy=strategy)
            run = _run(strategy, form, get_program()) if form.is_valid() else None
    except DomainError as raised:
        error = raised
    return Panel(form, games, tasks, run, error)


def _run(strategy: Strategy, form: ScenarioForm, program: dsl.Program) -> Run:
    meanings = {str(field["path"]): str(field["meaning"]) for field in dsl.field_catalogue()}
    tried = attempt(program, _scenario(strategy.realm or form.cleaned_data["realm"], form.cleaned_data))
    return Run(
        tried,
        whole_if_integral(tried.outcome.points) if tried.outcome else None,
        dsl.explain(program, tried.trace, tried.outcome).sentences,
        begun(dsl.tree(program, tried.trace)),
        [(path, tried.facts[path], meanings[path]) for path in sorted(tried.facts)],
    )


def begun(leaf: dict[str, Any]) -> dict[str, Any]:
    """Mark what a failed run began and did not end: it would be folded, with the failure inside."""
    children = [begun(child) for child in leaf["children"]]
    reached = any(child["state"] not in {"not_reached", "skipped"} for child in children)
    state = "evaluated" if reached and leaf["state"] == "not_reached" else leaf["state"]
    return {**leaf, "children": children, "state": state}


def _scenario(realm: Realm, given: dict[str, Any]) -> Scenario:
    game = selectors.game_by_name(realm.pk, given["game"])
    events.check_data(given["event"])
    at = given["occurred_at"]
    return Scenario(
        game=game,
        task=selectors.task_by_name(game, given["task"]),
        external_user_id=given["player"],
        data=given["event"],
        occurred_at=events.moment(at, pointer="/occurredAt") if at else None,
        variables=given["variables"],
        mock_state=given["mock_state"],
    )


def _of_score(strategy: Strategy, score_id: str, get_program: GetProgram) -> dict[str, object]:
    """Fill the form with what a score was computed from, as far as the program has variables for it."""
    score = _score(strategy, score_id)
    return {
        "realm": score.realm_id,
        "game": score.game.external_id,
        "task": score.task.external_id,
        "player": score.player.external_id,
        "event": score.data,
        "mock_state": score.facts,
        "variables": variables.fitting(get_program(), score.variables),
        "occurred_at": score.occurred_at,
        "score": score_id,
    }


def _score(strategy: Strategy, score_id: str) -> Score:
    known = selectors.as_uuid(score_id.strip())
    scores = Score.objects.select_related("game", "task", "player")
    if strategy.realm_id is not None:
        scores = scores.filter(realm_id=strategy.realm_id)
    score = scores.filter(pk=known).first() if known is not None else None
    if score is None:
        raise BadRequest("There is no score of this id in the strategy's realm.")
    return score


def _suggestions(strategy: Strategy) -> tuple[list[Game], list[Task]]:
    games = Game.objects.order_by("external_id")
    tasks = Task.objects.select_related("game").order_by("external_id")
    if strategy.realm_id is not None:
        games, tasks = games.filter(realm_id=strategy.realm_id), tasks.filter(realm_id=strategy.realm_id)
    return list(games[:N_SUGGESTED]), list(tasks[:N_SUGGESTED])


def _first_scenario(strategy: Strategy, tasks: list[Task]) -> dict[str, object]:
    """Take a task that the strategy scores, else any: a program may be tried anywhere."""
    scored = Task.objects.filter(Q(strategy=strategy) | Q(strategy=None, game__strategy=strategy))
    task = scored.select_related("game").first() or next(iter(tasks), None)
    if task is None:
        return {"player": NEWCOMER}
    return {
        "realm": task.realm_id,
        "game": task.game.external_id,
        "task": task.external_id,
        "player": NEWCOMER,
    }
