"""The rules in memory, as naively as they can be written: lists, and loops over them.

Nothing here knows the product. Programs are described by what they mean (`Program.run`), not by their nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

Json = dict[str, Any]
Number = int | float

MINIMUM, MAXIMUM = 0, 50


class Refused(Exception):  # what the product answers, not what is wrong with the model
    """The status and the code that the product must answer with."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Result:
    points: Number
    case: str | None
    outcome: str = "award"


@dataclass(frozen=True)
class Facts:
    """What a program may ask, counted anew for every event."""

    data: Json
    points_total: Number
    n_of_player: int
    n_of_task: int
    variables: dict[str, Number]


def _assign(value: Json, case: str) -> Json:
    return {"type": "assign_points", "value": value, "case_name": case}


def _literal(value: object) -> Json:
    return {"type": "literal", "value": value}


def _field(path: str) -> Json:
    return {"type": "field", "path": path}


def _when(op: str, left: Json, right: Json, then: Json) -> Json:
    condition = {"type": "compare", "op": op, "left": left, "right": right}
    return {"type": "rule", "when": condition, "then": [then]}


def _program(*rules: Json, default: Json | None = None, **more: object) -> Json:
    return {"type": "program", "rules": list(rules), "default": default, **more}


def _of_data(facts: Facts) -> Result:
    minutes = facts.data.get("minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        raise Refused(422, "DSL_ASSIGN_POINTS_NOT_NUMBER")
    return Result(minutes, "Minutes")


def _picky(facts: Facts) -> Result:
    return Result(0, "Marked", "veto") if facts.data.get("mark") == 1 else Result(2, "Fine")


KINDS: Final[dict[str, tuple[Callable[[int], Json], Callable[[int, Facts], Result]]]] = {
    "constant": (
        lambda n: _program(default=_assign(_literal(n), "Always")),
        lambda n, facts: Result(n, "Always"),
    ),
    "nothing": (lambda n: _program(), lambda n, facts: Result(0, None, "no_award")),
    "data": (
        lambda n: _program(default=_assign(_field("data.minutes"), "Minutes")),
        lambda n, facts: _of_data(facts),
    ),
    "first": (
        lambda n: _program(
            _when("==", _field("user.points_total"), _literal(0), _assign(_literal(100 + n), "First")),
            default=_assign(_literal(1), "Again"),
        ),
        lambda n, facts: Result(100 + n, "First") if facts.points_total == 0 else Result(1, "Again"),
    ),
    "player": (
        lambda n: _program(default=_assign(_field("user.measurements_count"), "Nth")),
        lambda n, facts: Result(facts.n_of_player, "Nth"),
    ),
    "task": (
        lambda n: _program(default=_assign(_field("task.measurements_count"), "Crowd")),
        lambda n, facts: Result(facts.n_of_task, "Crowd"),
    ),
    "picky": (
        lambda n: _program(
            _when("==", _field("data.mark"), _literal(1), {"type": "veto", "case_name": "Marked"}),
            default=_assign(_literal(2), "Fine"),
        ),
        lambda n, facts: _picky(facts),
    ),
    "tuned": (
        lambda n: _program(
            default=_assign({"type": "variable", "name": "bonus"}, "Tuned"),
            variables={"bonus": {"value": n, "min": MINIMUM, "max": MAXIMUM}},
        ),
        lambda n, facts: Result(facts.variables["bonus"], "Tuned"),
    ),
}


@dataclass(frozen=True)
class Program:
    """A kind with a number; with a parent, it adds the number to what the parent gives."""

    kind: str
    number: int
    parent: "Program | None" = None

    def ast(self) -> Json:
        if self.kind != "more":
            return KINDS[self.kind][0](self.number)
        more = {
            "type": "arith",
            "op": "+",
            "left": _field("result.points"),
            "right": _literal(self.number),
        }
        rule = {"type": "rule", "when": _literal(True), "then": [{"type": "set_points", "value": more}]}
        return {"type": "program", "rules": [], "post_rules": [rule]}

    def run(self, facts: Facts) -> Result:
        if self.kind != "more":
            return KINDS[self.kind][1](self.number, facts)
        assert self.parent is not None
        result = self.parent.run(facts)
        if result.outcome == "veto":
            return result
        return replace(result, points=result.points + self.number, outcome="award")

    def variables(self) -> dict[str, Number]:
        if self.kind == "more":
            assert self.parent is not None
            return self.parent.variables()
        return {"bonus": self.number} if self.kind == "tuned" else {}

    def effective(self, game: Json, task: Json) -> dict[str, Number]:
        """Lay overrides over the variables; what does not fit is as if it were not there."""
        laid = {**game, **task}
        return {
            name: laid[name] if name in laid and MINIMUM <= laid[name] <= MAXIMUM else own
            for name, own in self.variables().items()
        }


@dataclass
class Strategy:
    slug: str
    kind: str
    drafts_and_versions: list[tuple[Program, bool]] = field(default_factory=list)
    production: int | None = None
    parent: "Strategy | None" = None
    is_archived: bool = False

    @property
    def in_production(self) -> Program | None:
        return None if self.production is None else self.drafts_and_versions[self.production - 1][0]

    @property
    def has_draft(self) -> bool:
        return not self.drafts_and_versions[-1][1]

    def shown(self) -> tuple[str, int, str, int | None]:
        status = "ARCHIVED" if self.is_archived else "DRAFT" if self.has_draft else "PUBLISHED"
        return (self.slug, len(self.drafts_and_versions), status, self.production)

    def require_scoring(self) -> Program:
        if self.is_archived:
            raise Refused(409, "STRATEGY_ARCHIVED")
        if self.in_production is None:
            raise Refused(409, "STRATEGY_NOT_PUBLISHED")
        return self.in_production

    def require_taking(self, overrides: Json) -> None:
        if self.is_archived:
            raise Refused(409, "STRATEGY_ARCHIVED")
        if not overrides:
            return
        if self.in_production is None:
            raise Refused(409, "STRATEGY_NOT_PUBLISHED")
        for name, value in overrides.items():
            if name not in self.in_production.variables():
                raise Refused(400, "DSL_VARIABLE_UNKNOWN")
            if not MINIMUM <= value <= MAXIMUM:
                raise Refused(400, "DSL_VARIABLE_RANGE")


@dataclass
class Task:
    name: str
    strategy: Strategy | None
    variables: Json
    is_open: bool = True


@dataclass
class Game:
    name: str
    strategy: Strategy
    variables: Json
    tasks: dict[str, Task] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    game: str
    task: str
    user: str
    data: tuple[tuple[str, Any], ...]
    is_test: bool


@dataclass
class Score:
    event: Event
    result: Result
    strategy: str
    version: int
    created_player: bool
    score_id: str = ""
    is_reversal: bool = False
    is_reversed: bool = False

    @property
    def counts(self) -> bool:
        return not self.event.is_test and not self.is_reversal

    def shown(self, *, replayed: bool) -> Json:
        return {
            "points": self.result.points,
            "caseName": self.result.case,
            "outcome": "reversal" if self.is_reversal else self.result.outcome,
            "strategy": self.strategy,
            "version": self.version,
            "isTest": self.event.is_test,
            "replayed": replayed,
            "isACreatedUser": self.created_player,
            "externalTaskId": self.event.task,
            "externalUserId": self.event.user,
        }


class Model:
    def __init__(self) -> None:
        self.games: dict[str, Game] = {}
        self.strategies: dict[str, Strategy] = {}
        self.scores: list[Score] = []
        self.keys: dict[str, Score] = {}

    # ── Scoring ──────────────────────────────────────────────────────────────────────────────────
    def score(self, event: Event, key: str | None) -> tuple[Score, bool]:
        """Return the score and whether it was there before. Raises Refused."""
        if key is not None and key in self.keys:
            stored = self.keys[key]
            if stored.event != event:
                raise Refused(409, "IDEMPOTENCY_KEY_REUSED")
            return stored, True
        data = dict(event.data)
        if "\0" in str(data.get("text", "")):
            raise Refused(400, "VALUE_INVALID")
        game, task, strategy = self._target(event)
        program = strategy.require_scoring()
        facts = Facts(
            data=data,
            points_total=self.points(event.user, event.game),
            n_of_player=len([each for each in self._of_task(event) if each.event.user == event.user]),
            n_of_task=len(self._of_task(event)),
            variables=program.effective(game.variables, task.variables),
        )
        result = program.run(facts)
        known = {each.event.user for each in self.scores}
        assert strategy.production is not None
        score = Score(event, result, strategy.slug, strategy.production, event.user not in known)
        self.scores.append(score)
        if key is not None:
            self.keys[key] = score
        return score, False

    def _target(self, event: Event) -> tuple[Game, Task, Strategy]:
        if event.game not in self.games:
            raise Refused(404, "GAME_NOT_FOUND")
        game = self.games[event.game]
        if event.task not in game.tasks:
            raise Refused(404, "TASK_NOT_FOUND")
        task = game.tasks[event.task]
        if not task.is_open:
            raise Refused(409, "TASK_CLOSED")
        return game, task, task.strategy or game.strategy

    def _of_task(self, event: Event) -> list[Score]:
        return [
            each
            for each in self.scores
            if each.counts and (each.event.game, each.event.task) == (event.game, event.task)
        ]

    def reverse(self, score: Score) -> Score:
        if score.is_reversal:
            raise Refused(409, "SCORE_IS_REVERSAL")
        if score.is_reversed:
            raise Refused(409, "SCORE_REVERSED")
        score.is_reversed = True
        taken = replace(score.result, points=-score.result.points)
        reversal = Score(score.event, taken, score.strategy, score.version, created_player=False)
        reversal.is_reversal = True
        self.scores.append(reversal)
        return reversal

    # ── Sums, by looking at everything ───────────────────────────────────────────────────────────
    def points(self, user: str, game: str, task: str | None = None) -> Number:
        return sum(
            each.result.points
            for each in self.scores
            if not each.event.is_test
            and (each.event.user, each.event.game) == (user, game)
            and task in (None, each.event.task)
        )

    def users(self) -> list[str]:
        return sorted({each.event.user for each in self.scores})

    def totals(self, user: str) -> dict[tuple[str, str], tuple[Number, int, int]]:
        """For each game and task: points, how often awarded, how often scored."""
        own = [each for each in self.scores if each.event.user == user and not each.event.is_test]
        found = {}
        for game, task in {(each.event.game, each.event.task) for each in own}:
            there = [
                each for each in own if each.counts and (each.event.game, each.event.task) == (game, task)
            ]
            n_awards = len([each for each in there if each.result.outcome == "award"])
            found[game, task] = (self.points(user, game, task), n_awards, len(there))
        return found

    def leaderboard(self, game: str) -> list[tuple[int, str, Number]]:
        """Rank, player and points; players with the same points stand as they first scored anywhere."""
        players: list[str] = []
        for each in self.scores:
            if each.event.user not in players:
                players.append(each.event.user)
        present = {each.event.user for each in self.scores if each.counts and each.event.game == game}
        sums = {user: self.points(user, game) for user in players if user in present}
        return sorted(
            (1 + len([other for other in sums.values() if other > own]), user, own)
            for user, own in sums.items()
        )
