"""A realm to play with, lifelike traffic for it, and a past."""

from strategies.demo.catalogue import GAMES, REALM
from strategies.demo.realm import Demo, ensure_demo

# What the quick start speaks of.
GAME = GAMES[0].external_id
TASKS = GAMES[0].tasks

__all__ = ["GAME", "REALM", "TASKS", "Demo", "ensure_demo"]
