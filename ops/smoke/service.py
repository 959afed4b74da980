"""The service with both workers and beat, as a client and as a member of staff see it."""

import http.client
import signal
import subprocess
from typing import Any, Final, Self

from ops.drills.service import WEB_WORKERS, Service
from ops.local import children
from ops.local.run import LOCAL, ROOT, Options, service_programs
from ops.monitoring.servers import wait_until

PATIENCE_SECONDS: Final = 60.0  # for a trace that is on its way, on a busy machine


class WholeService(Service):
    """Web, both workers and beat. Everything leaves a trace, and a machine busy with other things is no failure."""

    def __init__(self, token: str) -> None:
        deadlines = ("SCORING_DEADLINE_SECONDS", "SCORING_BATCH_DEADLINE_SECONDS", "REQUEST_DEADLINE_SECONDS")
        super().__init__(
            {
                "METRICS_TOKEN": token,
                "DSL_EXECUTION_LOG_SAMPLE_RATE": "1",
                **dict.fromkeys(deadlines, "18"),  # a client waits for 20
            }
        )

    def __enter__(self) -> Self:
        super().__enter__()
        programs = service_programs(Options(self.port, WEB_WORKERS), self.environment)
        commands = {each.name: each.command for each in programs}
        schedule = {str(LOCAL / "beat-schedule"): str(self.folder / "beat-schedule")}
        for name in ("worker", "traces", "beat"):
            self._spawn(name, [schedule.get(part, part) for part in commands[name]])
        return self

    def _start_web(self) -> None:
        self._manage("collectstatic", "--no-input")  # the admin's pages name its files
        super()._start_web()

    def _spawn(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = children.spawn(
                command, environment=self.environment, folder=ROOT, output=log, stop_signal=signal.SIGTERM
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *arguments: str) -> str:
        """Run a management command. Raises RuntimeError with what it printed if it fails."""
        return self._manage(*arguments)

    def answer(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the answer to a request of the API that has to succeed; what is not there yet may still come."""
        status = 0
        answer: dict[str, Any] = {}

        def answered() -> bool:
            nonlocal status, answer
            try:
                status, answer = self.call(method, f"/api/v1{path}", body)
            except (OSError, http.client.HTTPException):  # said below
                status = 0
            return status not in {0, 404, 503}

        wait_until(answered, seconds=PATIENCE_SECONDS, what=lambda: f"{method} {path}, but {status} {answer}")
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def last_words(self) -> str:
        """Return the end of each program's log."""
        programs = ("web", "worker", "traces", "beat")
        return "\n".join(f"── {name}\n{self.log(name)[-1500:]}" for name in programs)


def run_client(service: Service, *command: str, seconds: float) -> None:
    """Run a client of the service. Raises RuntimeError with what it said if it fails."""
    done = subprocess.run(
        command, env=service.environment, check=False, capture_output=True, text=True, timeout=seconds
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[-6:])}:\n{done.stdout}{done.stderr}")
