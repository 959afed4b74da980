"""Why a score is what it is: its version run again on what was frozen with it."""

import contextlib
from decimal import Decimal

from gameproject.lib import canonical
from gameproject.lib.errors import JsonDict
from strategies import dsl, programs
from strategies.models import Score


class Explanation:
    """A score's program, run again with a full trace.

    `reproduced` is true if the stored inputs are the ones that were frozen (by their digest) and the run gives
    the stored result by value: outcome, points, case, callback data, bonuses.
    """

    def __init__(self, score: Score) -> None:
        self.score = score
        self.program = programs.load(score.strategy_version_id).program
        self.trace = dsl.Trace(limit=None)
        self.outcome: dsl.Outcome | None = None
        self.rules: list[JsonDict] = []
        if score.reverses is not None:
            self.reproduced = score.points == -score.reverses.points
            self.sentences = [f"Takes back the points of score {score.reverses_id}: {score.reason}"]
        else:
            self._run_again()

    def _run_again(self) -> None:
        score = self.score
        with contextlib.suppress(dsl.RunError):
            self.outcome = dsl.interpret(
                self.program, score.facts, score.data, score.variables, trace=self.trace
            )
        self.reproduced = inputs_are_untouched(score) and _same_result(score, self.outcome)
        self.rules, self.sentences = _in_words(self.program, self.trace, self.outcome)
        reversal = Score.objects.filter(reverses_id=score.pk).first()
        if reversal is not None:
            self.sentences.append(f"Taken back by score {reversal.pk}: {reversal.reason}")

    def tree(self) -> JsonDict:
        """The program as an indented tree with the value of every node: see `dsl.tree`."""
        return dsl.tree(self.program, self.trace)


def inputs_are_untouched(score: Score) -> bool:
    texts = (canonical.encode_json(value) for value in (score.facts, score.data, score.variables))
    return canonical.digest(*texts) == bytes(score.inputs_digest)


def _same_result(score: Score, outcome: dsl.Outcome | None) -> bool:
    return outcome is not None and (
        outcome.kind == score.outcome
        and Decimal(str(outcome.points)) == score.points
        and outcome.case_name == score.case_name
        and outcome.callback_data == score.callback_data
        and [list(bonus) for bonus in outcome.bonuses] == score.bonuses
    )


def _in_words(
    program: dsl.Program, trace: dsl.Trace, outcome: dsl.Outcome | None
) -> tuple[list[JsonDict], list[str]]:
    if outcome is None:
        return [], ["The program no longer gives a result on the stored inputs."]
    explanation = dsl.explain(program, trace, outcome)
    return explanation.rules, explanation.sentences
