"""Realms whose past can be written down directly."""

from strategies.tests.conftest import fresh_caches, other_world, tamper, world

__all__ = ["fresh_caches", "other_world", "tamper", "world"]
