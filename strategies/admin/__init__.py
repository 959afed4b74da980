"""The admin: what is stored, read-only where programs write it."""

from strategies.admin import games, scores, search, strategies, tenancy

__all__ = ["games", "scores", "search", "strategies", "tenancy"]
