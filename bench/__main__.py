"""`python -m bench [SECTION]`: the sections of the bench, each in a module of its own."""

import importlib
import sys

SECTIONS = {
    "dsl": "the language against plain Python and other rule engines",
    "servers": "web servers, on the scoring request",
    "leaderboard": "top lists and ranks with a million players",
}


def main() -> None:
    """Run the sections that are named, or say which there are."""
    chosen = sys.argv[1:]
    if not chosen or not set(chosen) <= SECTIONS.keys():
        sections = "\n".join(f"  {name:12} {what}" for name, what in SECTIONS.items())
        sys.exit(f"make bench SECTION=name, one of:\n{sections}")
    for name in chosen:
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
