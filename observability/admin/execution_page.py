"""Everything that the page of an execution shows: what it gave, on what, by which way, and the same again."""

from collections.abc import Iterator
from typing import Any

from gameproject.lib import canonical
from observability import replaying, sampling
from observability.models import StrategyExecutionLog
from observability.replaying import Replay
from strategies import dsl
from strategies.admin.score_page import rows_of
from strategies.admin.strategies.simulating import begun
from strategies.models import Score, StrategyVersion

Leaf = dict[str, Any]
WHY_KEPT = {
    sampling.Kind.ERROR: "it failed; failed runs are all kept, up to 50 a second and process",
    sampling.Kind.SLOW: "it took over 100 ms; slow runs are all kept",
    sampling.Kind.SAMPLED: "it was chosen by chance, and stands for others",
}


class ExecutionPage:
    """An execution run again by its own version; `replay` is the one that was asked for, if any."""

    def __init__(self, execution: StrategyExecutionLog, replay: Replay | None = None) -> None:
        self.execution = execution
        self.replay = replay
        version = StrategyVersion.objects.select_related("strategy__realm").get(
            pk=execution.strategy_version_id
        )
        self.strategy = version.strategy
        self.again = replaying.compare(execution, version)
        self.score = Score.objects.filter(pk=execution.score_id).first() if execution.score_id else None
        self.why_kept = WHY_KEPT[sampling.Kind(execution.kind)]
        self.milliseconds = execution.duration_seconds * 1000

    def tree(self) -> Leaf | None:
        """Return the program with the values of the run; a run that timed out may have none to begin with."""
        return tree_of(self.again) if self.again.run.trace.records else None

    def replayed_tree(self) -> Leaf | None:
        return tree_of(self.replay) if self.replay and self.replay.run.trace.records else None

    def sentences(self) -> list[str]:
        run = self.again.run
        return dsl.explain(run.program, run.trace, run.outcome).sentences

    def inputs(self) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
        """Yield what was frozen with the run: title, what it is, rows of name and value."""
        execution = self.execution
        yield "Facts", "What the service knew of the player, the task and the game.", rows_of(execution.facts)
        yield "Event data", "What the application sent; masked keys as their hash.", rows_of(execution.data)
        yield "Variables", "The version's, with what game and task override.", rows_of(execution.variables)

    def json_text(self) -> str:
        """Write facts, data, variables and the stored trace as JSON, an evaluation a line."""
        execution = self.execution
        entries = ",\n".join(f"  {canonical.encode_json(entry)}" for entry in execution.trace)
        parts = [
            f'"{name}": {canonical.encode_json(getattr(execution, name))}'
            for name in ("facts", "data", "variables")
        ]
        return (
            "{" + ",\n".join([f'"executionId": "{execution.pk}"', *parts, f'"trace": [\n{entries}\n]']) + "}"
        )

    def versions(self) -> list[StrategyVersion]:
        """Return the versions to choose from, the newest hundred."""
        return list(self.strategy.versions.order_by("-number")[:100])


def tree_of(replay: Replay) -> Leaf:
    run = replay.run
    return _with_message(begun(dsl.tree(run.program, run.trace)), run.message)


def _with_message(leaf: Leaf, message: str | None) -> Leaf:
    """Put the message of the failure beside the node that failed."""
    if message is None:
        return leaf
    children = [_with_message(child, message) for child in leaf["children"]]
    is_cause = leaf["state"] == "failed" and all(child["state"] != "failed" for child in children)
    return {**leaf, "children": children, **({"message": message} if is_cause else {})}
