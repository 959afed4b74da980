"""`python -m bench.servers`: which web server serves scoring best on this machine?

The same application over the same PostgreSQL, 2 processes, 32 clients (wrk, from Debian's packages), the
servers taking turns: only ratios within one run mean anything. Each is started once; a round is a few seconds.
gunicorn and uvicorn come from bench/requirements.txt; a server that is not installed is left out, and said so.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from ops.local import children, testing

ROUNDS = 7
SECONDS = 3
CLIENTS = 32
OUT = Path(__file__).parent / "out" / "latest.json"
LUA = """
local n = 0
request = function()
  n = n + 1
  local body = string.format('{"externalUserId":"player-%d","data":{"minutes":12}}', (n * 7919) % 5000)
  return wrk.format("POST", nil, {["X-API-Key"]=os.getenv("KEY"), ["Content-Type"]="application/json"}, body)
end
"""
SERVERS = {
    "granian WSGI, 4 threads": (
        "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 2 --blocking-threads 4 --no-ws "
        "gameproject.wsgi:application"
    ),
    "gunicorn gthread, 4 threads": (
        "gunicorn --bind 127.0.0.1:{port} --workers 2 --threads 4 --worker-class gthread "
        "gameproject.wsgi:application"
    ),
    "uvicorn ASGI": "uvicorn --host 127.0.0.1 --port {port} --workers 2 bench.asgi:application",
}


def main() -> None:
    """Start all servers, let them take turns, print and keep the table."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    servers = testing.test_servers
    servers.start()
    try:
        key, path = _prepare()
        _measure(key, path)
    finally:
        servers.stop()


def _prepare() -> tuple[str, str]:
    os.environ |= {"THROTTLING_ENABLED": "false", "SECURE": "false", "SECRET_KEY": secrets.token_hex(32)}
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], check=True)
    demo = json.loads(
        subprocess.run([*manage, "demo_data", "--json"], check=True, capture_output=True).stdout
    )
    return demo["apiKey"], f"/api/v1/games/{demo['gameId']}/tasks/{demo['taskId']}/points"


def _measure(key: str, path: str) -> None:
    running: dict[str, tuple[subprocess.Popen[bytes], str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        lua = Path(folder) / "score.lua"
        lua.write_text(LUA)
        try:
            for name, command in SERVERS.items():
                _start(name, command, running)
            rates: dict[str, list[float]] = {name: [] for name in running}
            for _ in range(ROUNDS):
                for name, (_process, url) in running.items():
                    rates[name].append(_wrk(url + path, key, lua))
        finally:
            for process, _url in running.values():
                children.stop(process, stop_signal=signal.SIGTERM, seconds=5)
    _report(rates)


def _start(name: str, command: str, running: dict[str, tuple[subprocess.Popen[bytes], str]]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program, *arguments = command.format(port=port).split()
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        print(f"{name}: {program} is not installed (pip install -r bench/requirements.txt)")
        return
    process = children.spawn([found, *arguments], output=subprocess.DEVNULL)
    running[name] = process, f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{name} did not start")


def _wrk(url: str, key: str, lua: Path) -> float:
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}", "-s", str(lua), url]
    output = subprocess.run(
        command, env={**os.environ, "KEY": key}, check=True, capture_output=True, text=True
    ).stdout
    n_requests, seconds = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()  # type: ignore[union-attr]  # wrk always prints it
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return (int(n_requests) - (int(refused[1]) if refused else 0)) / float(seconds)


def _report(rates: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        low, high = min(rates[name]), max(rates[name])
        print(f"{name:30} {median:7.0f} scores/s ({low:.0f} to {high:.0f})  {median / first:5.2f} x granian")
    OUT.parent.mkdir(exist_ok=True)
    kept = json.loads(OUT.read_text()) if OUT.exists() else {}
    kept["servers"] = {name: round(median / first, 3) for name, median in medians.items()}
    OUT.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
