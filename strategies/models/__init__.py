"""What is stored: tenants, games, strategies, scores."""

from strategies.models.actions import PlayerAction
from strategies.models.games import Game, Player, Task
from strategies.models.scores import PlayerGameStats, PlayerTaskStats, Score, TaskStats
from strategies.models.strategies import Alias, Strategy, StrategyVersion
from strategies.models.tenancy import ApiKey, Realm

__all__ = [
    "Alias",
    "ApiKey",
    "Game",
    "Player",
    "PlayerAction",
    "PlayerGameStats",
    "PlayerTaskStats",
    "Realm",
    "Score",
    "Strategy",
    "StrategyVersion",
    "Task",
    "TaskStats",
]
