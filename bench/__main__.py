"""`python -m bench [--quick] [SECTION ...]`: the sections of the bench, each in a module of its own.

Several sections run one after the other, each in a process of its own: what one has loaded is no other's burden.
"""

import argparse
import importlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from typing import Final

from bench.machine import ROOT
from ops.local import children

SECTIONS: Final = {
    "dsl": "the language against plain Python and other rule engines",
    "http": "scoring over HTTP against a bare Django view",
    "growth": "a score with a thousand rows in the ledger, and with two million",
    "contention": "many clients on one task, and on one player",
    "pages": "the admin with two million scores",
    "leaderboard": "top lists and ranks with a million players",
    "servers": "web servers, on the scoring request",
    "traces": "one worker that stores traces",
    "sampling": "what traces cost a request, with a broker that is up, hung and away",
    "scrape": "a scrape of /metrics with eight web processes",
    "faults": "servers killed, hung and locked under load: nothing felt, every trace accounted for",
}
STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
STOP_SECONDS: Final = 30.0
ALL: Final = ("dsl", "http", "growth", "contention", "pages", "traces", "sampling", "faults")


def main() -> int:
    """Run one section here, or several in processes of their own."""
    options = _options()
    if "MAKELEVEL" in os.environ:
        children.end_with_parent(signal.SIGTERM)  # a killed `make` cannot pass a signal on
    for number in STOPPING:
        signal.signal(number, _stop_once)
    names: Sequence[str] = options.sections or ALL
    try:
        if len(names) == 1:
            return run(names[0], quick=options.quick)
        return max(_run_apart(name, quick=options.quick) for name in names)
    except KeyboardInterrupt:
        if len(names) == 1:
            print("\nStopped; nothing of the section was kept.", file=sys.stderr)
        return 130


def _options() -> argparse.Namespace:
    lines = [f"  {name:12} {what}" for name, what in SECTIONS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        epilog="\n".join(["sections:", *lines, "", f"Without a name: {', '.join(ALL)}."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="few, short rounds, to try the bench; keeps nothing"
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    options = parser.parse_args()
    if unknown := [name for name in options.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}")
    return options


def run(name: str, *, quick: bool) -> int:
    """Measure a section, show its figures, and merge them into the latest results."""
    _prepare_process()
    from bench import machine, results, stage, web, wrk  # noqa: PLC0415  # Django's set-up comes first

    where, began_at = machine.describe(), time.monotonic()
    print(f"── {name}: {SECTIONS[name]}", flush=True)
    section = importlib.import_module(f"bench.{name}")
    try:
        findings: results.Findings = section.measure(quick=quick)
    except (wrk.LoadFailedError, web.WebError, stage.StageError) as error:
        print(f"\n{name} failed, nothing of it was kept. {error}", file=sys.stderr)
        return 1
    findings.detail["machine"] = where
    findings.detail["seconds"] = round(time.monotonic() - began_at)
    print(f"\n{results.table(['key', 'value'], list(findings.figures.items()))}")
    if any(figure.is_noisy for figure in findings.figures.values()):
        print("TOO NOISY: the same thing differed from itself by over a tenth. Repeat on an idle machine.")
    if not quick:
        results.keep(name, findings)
    print(f"{name}: {findings.detail['seconds']} s" + ("; quick, so nothing was kept" if quick else ""))
    return 0


def _prepare_process() -> None:
    """Choose servers of the section's own and set Django up, before a section imports models."""
    os.chdir(ROOT)
    os.environ |= {"DEBUG": "false", "SECURE": "false", "SECRET_KEY": secrets.token_urlsafe(50)}
    os.environ["DJANGO_SETTINGS_MODULE"] = "gameproject.settings"
    import django  # noqa: PLC0415  # it reads the settings, and they the environment

    from ops.local import testing  # noqa: F401, PLC0415  # it writes the servers' URLs into the environment

    django.setup()


def _run_apart(name: str, *, quick: bool) -> int:
    command = [sys.executable, "-m", "bench", name, *(["--quick"] if quick else [])]
    process = children.spawn(command, output=sys.stdout.fileno(), errors=sys.stderr.fileno())
    try:
        return process.wait()
    except KeyboardInterrupt:
        children.stop(process, stop_signal=signal.SIGTERM, seconds=STOP_SECONDS)
        raise


def _stop_once(*_: object) -> None:
    """End the run by an exception, and let no second signal disturb the stopping of the servers."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
