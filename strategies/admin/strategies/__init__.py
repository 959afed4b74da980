"""The workplace of a strategy's author: written, tried, compared, published, rolled back."""

from strategies.admin.strategies import strategy, versions

__all__ = ["strategy", "versions"]
