"""A batch whose events have been: scored as any batch, each at its own time in the past.

What has a time of its own here is the score, its id, the window of the recent count, and the first sight of a
player. A player's ledger only ever grows at its end: an event before the player's last score in the game is
refused, so that frozen facts and running figures stay what the ledger says.
"""

import uuid
from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from gameproject.lib.errors import Conflict
from gameproject.lib.ids import uuid7
from strategies import facts
from strategies.batch import Batch, Row, pair_in_game, pair_on_task
from strategies.batch_ledger import Moment, Pair, uuids
from strategies.ledger import Connection, NewScore, Snapshot
from strategies.runs import Run

RECENT: Final = timedelta(seconds=facts.RECENT_SECONDS)
# Reversals and tests too: whatever stands in the ledger, nothing may come before it.
LAST_SCORES = """
SELECT pair.player, pair.game, max(latest.created_at)
FROM unnest(%s::uuid[], %s::uuid[]) AS pair (player, game)
JOIN strategies_task task ON task.game_id = pair.game
CROSS JOIN LATERAL (
    SELECT s.created_at FROM strategies_score s WHERE s.player_id = pair.player AND s.task_id = task.id
    ORDER BY s.created_at DESC LIMIT 1) latest
GROUP BY pair.player, pair.game
"""
RECENT_SCORES = """
SELECT s.player_id, s.task_id, s.created_at FROM strategies_score s
JOIN unnest(%s::uuid[], %s::uuid[]) AS pair (player, task)
  ON s.player_id = pair.player AND s.task_id = pair.task
WHERE s.created_at >= %s AND NOT s.is_test AND s.outcome <> 'reversal'
ORDER BY s.created_at
"""
PLAYERS_SEEN = "UPDATE strategies_player SET created_at = %s WHERE id = ANY(%s)"


class PastBatch(Batch):
    """`times` are those of the rows, in their order, which is that of time."""

    def __init__(
        self,
        *,
        realm_id: uuid.UUID,
        epoch: int,
        rows: Sequence[Row],
        times: Sequence[datetime],
        request_id: str,
        until: float,
    ) -> None:
        super().__init__(realm_id, epoch, rows, request_id, until)
        self.times = times
        self.last_at: dict[Pair, datetime] = {}
        self.recent: defaultdict[Pair, deque[datetime]] = defaultdict(deque)

    def _tell_observers(self) -> None:
        """Tell nobody: observers watch the present, and would date all this to it."""

    def _lock(self, connection: Connection) -> Moment:
        present = super()._lock(connection)
        begin = self.times[0]
        self.last_at = _last_scores(connection, self.figures.in_game)
        connection.execute(PLAYERS_SEEN, [begin, list(self.new_players)])
        return present._replace(scored_at=begin)

    def _new_player_id(self) -> uuid.UUID:
        return uuid7(self.times[0])

    def _read(self, connection: Connection, now: datetime) -> None:
        super()._read(connection, now)
        pairs = _split(self.figures.on_task)
        for player, task, at in connection.execute(RECENT_SCORES, [*pairs, now - RECENT]).fetchall():
            self.recent[player.int, task.int].append(at)

    def _time_of(self, index: int, now: datetime) -> datetime:
        return self.times[index]

    def _new_run(self, row: Row, at: datetime) -> Run:
        run = super()._new_run(row, at)
        run.score_id = uuid7(at)
        return run

    def _run(self, row: Row, at: datetime) -> NewScore | None:
        last_at = self.last_at.get(pair_in_game(row))
        if last_at is not None and at <= last_at:
            row.error = Conflict("The player has later scores in this game.")
            return None
        new = super()._run(row, at)
        if new is not None and not new.is_test:
            self.recent[pair_on_task(row)].append(at)
        return new

    def _snapshot(self, row: Row, at: datetime) -> Snapshot:
        snapshot = super()._snapshot(row, at)
        times = self.recent[pair_on_task(row)]
        while times and times[0] < at - RECENT:
            times.popleft()
        return snapshot._replace(n_recent=len(times))


def _last_scores(connection: Connection, pairs: Collection[Pair]) -> dict[Pair, datetime]:
    rows = connection.execute(LAST_SCORES, _split(pairs)).fetchall()
    return {(player.int, game.int): at for player, game, at in rows}


def _split(pairs: Collection[Pair]) -> list[str]:
    return [uuids(pair[0] for pair in pairs), uuids(pair[1] for pair in pairs)]
