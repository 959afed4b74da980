"""Variable overrides of games and tasks, laid over what a program declares."""

from collections.abc import Mapping

from strategies import dsl
from strategies.models import Game, Task


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
    try:
        program.resolve_variables({name: value})
    except dsl.DslError:
        return False
    return True
