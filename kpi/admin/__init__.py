"""How it goes, in the admin: figures over time, of the service, of a strategy, of a player."""

from kpi.admin import daily, players, strategies

__all__ = ["daily", "players", "strategies"]
