"""Everything that the page of a score shows: why, on what, for whom, and what became of it."""

from collections.abc import Iterator
from typing import Any

from gameproject.lib.canonical import encode_json
from strategies.admin.links import scores_url
from strategies.explaining import Explanation
from strategies.models import Score
from strategies.models.scores import Outcome

Leaf = dict[str, Any]
Reasons = dict[tuple[object, object], list[str]]  # by a rule's level and path


class ScorePage:
    def __init__(self, score: Score) -> None:
        self.score = score
        self.explained = Explanation(score)
        self.reversal = Score.objects.filter(reverses=score).first()
        self.may_be_taken_back = score.outcome != Outcome.REVERSAL and self.reversal is None

    def tree(self) -> Leaf | None:
        """Return the program with the values of the run; a reversal ran none."""
        if self.explained.outcome is None and not self.explained.trace.records:
            return None
        rules: list[Leaf] = self.explained.rules
        reasons = {
            (rule["level"], rule["path"]): [test["text"] for test in rule["because"] if not test["result"]]
            for rule in rules
        }
        return with_reasons(self.explained.tree(), reasons)

    def inputs(self) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
        """Yield what was frozen with the score: title, what it is, rows of name and value."""
        score = self.score
        yield "Facts", "What the service knew of the player, the task and the game.", rows_of(score.facts)
        yield "Event data", "What the application sent.", rows_of(score.data)
        yield (
            "Variables",
            "The version's, with what the game and the task override.",
            rows_of(score.variables),
        )
        yield "Callback data", "What the program gave back to the application.", rows_of(score.callback_data)

    def request(self) -> Iterator[tuple[str, object]]:
        score = self.score
        yield "Score id", score.pk
        yield "Request id", score.request_id
        yield "Idempotency key", score.idempotency_key
        yield "Session key", score.session_key
        yield "Experiment arm", score.experiment_arm
        if score.fallback is not None:
            yield "Fallback", encode_json(score.fallback)

    def same_player_url(self) -> str:
        score = self.score
        return scores_url(realm=score.realm.slug, player=score.player.external_id, span="all")


def rows_of(values: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return names and values as JSON, what is nested with its whole name."""
    rows: list[tuple[str, str]] = []
    for name, value in sorted(values.items()):
        if isinstance(value, dict) and value:
            rows += rows_of(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, encode_json(value)))
    return rows


def with_reasons(leaf: Leaf, reasons: Reasons) -> Leaf:
    """Return the tree with the tests that failed beside each rule that did not hold."""
    is_skipped = leaf["type"] == "rule" and leaf["state"] == "skipped"
    why = reasons.get((leaf["level"], leaf["path"]), []) if is_skipped else []
    return {**leaf, "why": why, "children": [with_reasons(child, reasons) for child in leaf["children"]]}
