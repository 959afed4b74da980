"""Variable overrides of games and tasks, laid over what a program declares."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from gameproject.lib.errors import JsonDict
from strategies import dsl
from strategies.models import Game, Strategy, Task

OVERRIDE_IGNORED = "OVERRIDE_IGNORED"
MAX_MISFITS = 50
MAX_EXAMPLES = 5
# Different values of a variable, the most frequent first; more than this nobody would read.
MAX_VALUES = 5000

# A game's overrides are read for the game's strategy only: over the strategies of its tasks they are laid too,
# but which of them a game's author meant for a task's own strategy cannot be told.
IN_REALM = "(%(realm)s::uuid IS NULL OR game.realm_id = %(realm)s)"
OVERRIDES_IN_USE = f"""
    WITH in_use AS (
        SELECT game.external_id AS game, NULL AS task, game.variables
        FROM strategies_game game
        WHERE game.strategy_id = %(strategy)s AND {IN_REALM} AND game.variables <> '{{}}'
        UNION ALL
        SELECT game.external_id, task.external_id, task.variables
        FROM strategies_task task JOIN strategies_game game ON game.id = task.game_id
        WHERE coalesce(task.strategy_id, game.strategy_id) = %(strategy)s
            AND {IN_REALM} AND task.variables <> '{{}}'
    )
    SELECT override.key, override.value::text, count(*) - count(task), count(task),
        (array_agg(jsonb_build_object('game', game, 'task', task)::text ORDER BY game, task))[1:{MAX_EXAMPLES}]
    FROM in_use, jsonb_each(in_use.variables) override
    GROUP BY override.key, override.value
    ORDER BY count(*) DESC, override.key, override.value LIMIT {MAX_VALUES}
"""  # noqa: S608  # texts and numbers of ours


@dataclass(slots=True)
class Misfit:
    """A variable that games or tasks override with values that the program does not take, for one reason."""

    variable: str
    problem: dsl.Problem
    n_games: int
    n_tasks: int
    examples: list[JsonDict]

    @property
    def message(self) -> str:
        return (
            f"{counted(self.n_games, self.n_tasks)} override {self.variable} with a value that is ignored: "
            f"{self.problem.message}"
        )

    def as_problem(self) -> JsonDict:
        """Return it as a warning, in the shape of the language's own."""
        path = f"variables/{self.variable}"
        params = {
            "variable": self.variable,
            "reason": str(self.problem.code),
            "games": self.n_games,
            "tasks": self.n_tasks,
            "examples": self.examples,
        }
        return {
            "code": OVERRIDE_IGNORED,
            "message": self.message,
            "path": path,
            "nodeId": path,
            "severity": str(dsl.Severity.WARNING),
            "params": params,
        }


def effective_variables(program: dsl.Program, game: Game, task: Task | None = None) -> dict[str, object]:
    """Lay the game's overrides, then the task's, over the program's variables.

    Overrides are checked when they are written. A later version may have dropped a variable or narrowed its
    range: an override that no longer fits is left out rather than stop the scoring of a whole game. The
    values in force are frozen with every score.
    """
    overrides = {**game.variables, **(task.variables if task else {})}
    return dict(program.resolve_variables(fitting(program, overrides)))


def fitting(program: dsl.Program, overrides: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in overrides.items() if fits(program, name, value)}


def fits(program: dsl.Program, name: str, value: object) -> bool:
    return misfit(program, name, value) is None


def misfit(program: dsl.Program, name: str, value: object) -> dsl.Problem | None:
    """Say why a variable cannot be given a value, if it cannot."""
    return program.override_problem(name, value, f"variables/{name}", dsl.DEFAULT_LIMITS)


def misfits(program: dsl.Program, *, strategy: Strategy, realm_id: uuid.UUID | None) -> list[Misfit]:
    """Find the overrides of a realm's games and tasks that scoring by this program ignores, at most 50 kinds.

    One query, however many games and tasks there are. No realm means all of them.
    """
    found: dict[tuple[str, str], Misfit] = {}
    with connection.cursor() as cursor:
        cursor.execute(OVERRIDES_IN_USE, {"strategy": strategy.pk, "realm": realm_id})
        rows = cursor.fetchall()
    for name, value_json, n_games, n_tasks, users in rows:
        value = json.loads(value_json)
        problem = misfit(program, name, value)
        if problem is None:
            continue
        same = found.setdefault((name, problem.code), Misfit(name, problem, 0, 0, []))
        same.n_games += n_games
        same.n_tasks += n_tasks
        room = MAX_EXAMPLES - len(same.examples)
        same.examples += [{**json.loads(user), "value": value} for user in users[:room]]
    return list(found.values())[:MAX_MISFITS]


def counted(n_games: int, n_tasks: int) -> str:
    """Write "2 games and 1 task", leaving out what there is none of."""
    counts = [(n_games, "game"), (n_tasks, "task")]
    return " and ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts if n) or "Nothing"
