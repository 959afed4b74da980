"""`make clean`, the part that needs care: not while the stack runs, and what lies outside of the checkout."""

import sys

from ops.local.postgres import Postgres
from ops.local.run import LOCAL, RefusedError, only_one


def main() -> int:
    try:
        with only_one(LOCAL, "make clean"):
            Postgres(LOCAL / "postgres").remove()
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
