"""What scored before the versions of today: without it a made past would know no change of version."""

import uuid
from dataclasses import replace
from typing import Final

from strategies import facts, programs
from strategies.models import Realm, StrategyVersion, Task
from strategies.targets import Target
from strategies.variables import effective_variables

FIRST_VERSION_ONCE: Final = ("lesson-points",)  # slugs


class Earlier:
    """Targets as they were when some strategies were still at their first version."""

    def __init__(self, realm: Realm) -> None:
        first = StrategyVersion.objects.filter(
            strategy__realm=realm, strategy__slug__in=FIRST_VERSION_ONCE, number=1
        )
        self._versions = {version.strategy_id: version for version in first}
        self._known: dict[tuple[uuid.UUID, int], Target] = {}

    def of(self, target: Target) -> Target:
        version = self._versions.get(target.strategy_id)
        if version is None:
            return target
        key = (target.task_id, target.epoch)
        if key not in self._known:
            self._known[key] = _scored_by(target, version)
        return self._known[key]


def _scored_by(target: Target, version: StrategyVersion) -> Target:
    loaded = programs.load(version.pk)
    task = Task.objects.select_related("game").get(pk=target.task_id)
    variables = effective_variables(loaded.program, task.game, task)
    return replace(
        target,
        version_id=version.pk,
        version=version.number,
        parent_version_id=version.parent_version_id,
        loaded=loaded,
        variables=variables,
        reads=facts.reads(loaded.program.fields),
    )
