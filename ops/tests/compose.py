"""docker-compose.yml and the Dockerfile, read as Docker reads them: variables filled in, commands as lists of words."""

import json
import re
import shlex
from typing import Any, Final

import yaml

from ops.local.run import ROOT

TEXT: Final = (ROOT / "docker-compose.yml").read_text()
FILE: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = FILE["services"]
OWN: Final = ("migrate", "web", "worker", "traces", "beat")
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()


def filled(text: str) -> str:
    """Put in the defaults of variables, as for an .env that sets none; `$$` is a `$`."""
    return re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def words(command: str | list[str]) -> list[str]:
    return [filled(each) for each in (shlex.split(command) if isinstance(command, str) else command)]


def command(service: str) -> list[str]:
    """Return what a container of ours runs: the image's entry point, then the service's or the image's command."""
    own = SERVICES[service].get("command")
    return [*_of_the_image("ENTRYPOINT"), *(words(own) if own else _of_the_image("CMD"))]


def _of_the_image(instruction: str) -> list[str]:
    [written] = re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return list(json.loads(written))


def environment(service: str) -> dict[str, str]:
    return {name: filled(str(value)) for name, value in SERVICES[service].get("environment", {}).items()}


def health_check(service: str) -> list[str]:
    kind, *rest = SERVICES[service]["healthcheck"]["test"]
    return words(rest) if kind == "CMD" else ["sh", "-c", *words(rest)]
