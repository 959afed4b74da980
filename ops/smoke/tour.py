"""A tour of every feature: each operation of the API, each page of the admin's menu, and what is refused.

What reads is taken from docs/openapi.yaml, so a new list or figure is part of the tour by itself; what writes stands here,
in an order in which each finds what it needs. What was left out is found in the metrics (asking.py).
"""

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar
from typing import Any, Final, NamedTuple

import yaml

from ops.local.run import ROOT
from ops.smoke.service import WholeService

ON_PETALS: Final = {
    "type": "program",
    "rules": [],
    "default": {"type": "assign_points", "value": {"type": "field", "path": "data.petals"}, "case_name": "Petals"},
}  # fmt: skip
FAILING_PATH: Final = "/games/smoke/tasks/petals/points"  # for an event without petals
EVENT: Final = {"externalUserId": "rose", "data": {"petals": 5}}
IN_BATCH: Final = {"gameId": "smoke", "externalTaskId": "petals", **EVENT}
N_TO_BE_THROTTLED: Final = 30  # by a key for one a second, on each of two processes
N_TO_BE_REFUSED: Final = 3


class Call(NamedTuple):
    """A request that writes. `{name}` in it stands for what an earlier answer held, by `learns`: name to key."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    learns: Mapping[str, str] = {}


BEFORE_READING: Final = (
    Call("POST", "/strategies/custom/validate", {"type": "FULL", "astJson": ON_PETALS}),
    Call("POST", "/strategies/custom", {"name": "Petals", "type": "FULL", "astJson": ON_PETALS}),
    Call("POST", "/strategies/custom/petals/publish"),
    Call("PUT", "/strategies/custom/petals", {"astJson": ON_PETALS, "description": "Once more"}),
    Call("POST", "/strategies/custom/petals/publish"),
    Call("POST", "/games", {"externalGameId": "smoke", "platform": "web"}),
    Call("PATCH", "/games/smoke", {"platform": "phone"}),
    Call("POST", "/games/smoke/tasks", {"externalTaskId": "petals", "strategyId": "petals"}),
    Call("PATCH", "/games/smoke/tasks/petals", {"strategyId": "petals"}),
    Call("POST", "/games/smoke/tasks/bulk", {"tasks": [{"externalTaskId": "leaves", "strategyId": "petals"}]}),
    Call("POST", "/strategies/custom/petals/simulate", {"externalGameId": "smoke", "externalTaskId": "petals", **EVENT}),
    Call(
        "POST",
        "/strategies/custom/simulate",
        {"type": "FULL", "astJson": ON_PETALS, "externalGameId": "smoke", "externalTaskId": "petals", **EVENT},
    ),
    Call("POST", FAILING_PATH, EVENT, {"score": "scoreId"}),
    Call("POST", "/scores/batch", {"events": [IN_BATCH, IN_BATCH]}),
    Call("POST", "/games/smoke/tasks/petals/action", {"externalUserId": "rose", "typeAction": "look"}),
    Call("POST", "/users/rose/actions", {"typeAction": "open-app"}),
    Call("POST", "/users/points/query", {"externalUserIds": ["rose"]}),
    Call("POST", "/keys", {"name": "hasty", "scopes": ["read"], "keyRate": 1, "keyBurst": 1}, {"prefix": "prefix", "key": "key"}),
)  # fmt: skip
AFTER_READING: Final = (
    Call("POST", "/executions/{score}/replay", {"version": 1}),
    Call("POST", "/scores/{score}/reversal", {"reason": "It was a tour."}),
    Call("POST", "/strategies/custom/petals/rollback/1"),
    Call("POST", "/strategies/custom/petals/clone", {"name": "Petals of others"}, {"clone": "strategyId"}),
    Call("POST", "/strategies/custom/{clone}/archive", {"force": True}),
    Call(
        "POST",
        "/strategies/custom/import",
        {"format": "strategy-export/1", "strategyId": "leaves", "name": "Leaves", "type": "DSL_FULL", "astJson": ON_PETALS},
    ),
    Call("DELETE", "/keys/{prefix}"),
    Call("DELETE", "/games/smoke/tasks/leaves"),
    Call("POST", "/games", {"externalGameId": "of-a-moment", "platform": "web"}),
    Call("DELETE", "/games/of-a-moment"),
)  # fmt: skip
KNOWN: Final = {"game": "smoke", "task": "petals", "strategy": "petals", "version": "1", "user": "rose"}
QUERIES: Final = {
    "/strategies/custom/{strategy}/diff": "a=1&b=2",
    "/strategies/custom/compare": "a=petals@1&b=petals@2",
    "/traces": "requestId={requestId}",
}


def operations() -> list[tuple[str, str]]:
    """Return every method and path of the API, as docs/openapi.yaml has them."""
    paths = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def take(service: WholeService) -> None:
    """Call everything once. Raises RuntimeError or TimeoutError with the request that did not succeed."""
    known = dict(KNOWN)
    _send(service, BEFORE_READING, known)
    known |= {"execution": known["score"], "requestId": _request_id(service, known["score"])}
    for path in _reads():
        service.answer("GET", _filled(path, known))
    _be_refused(service, known["key"])
    _send(service, AFTER_READING, known)
    _walk_through_the_admin(service)


def _send(service: WholeService, calls: tuple[Call, ...], known: dict[str, str]) -> None:
    for call in calls:
        answer = service.answer(call.method, _filled(call.path, known), call.body)
        known |= {name: answer[key] for name, key in call.learns.items()}


def _request_id(service: WholeService, score: str) -> str:
    return str(service.answer("GET", f"/scores/{score}")["requestId"])


def _reads() -> Iterator[str]:
    for method, full_path in operations():
        path = full_path.removeprefix("/api/v1")
        if method == "GET":
            yield f"{path}?{QUERIES[path]}" if path in QUERIES else path


def _filled(path: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: urllib.parse.quote(known[found[1]]), path)


# ── What is refused ──────────────────────────────────────────────────────────────────────────────
def _be_refused(service: WholeService, hasty_key: str) -> None:
    hurried = {_status(service, "/api/v1/games", hasty_key) for _ in range(N_TO_BE_THROTTLED)}
    refused = {_status(service, "/api/v1/games", "nobody.knows-it") for _ in range(N_TO_BE_REFUSED)}
    nowhere = _status(service, "/api/v1/nothing-here", service.api_key)
    if (429 not in hurried, refused, nowhere) != (False, {401}, 404):
        raise RuntimeError(
            f"not as it should be: {hurried} in a hurry, {refused} by a key, {nowhere} nowhere"
        )


def _status(service: WholeService, path: str, key: str) -> int:
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        client.request("GET", path, headers={"X-API-Key": key})
        return client.getresponse().status
    finally:
        client.close()


# ── The admin ────────────────────────────────────────────────────────────────────────────────────
def _walk_through_the_admin(service: WholeService) -> None:
    """Be refused, log in, and open whatever the home page leads to."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    _log_in(browser, service, "of-somebody-else")
    home = _log_in(browser, service, service.demo["adminPassword"])
    pages = sorted(set(re.findall(r'href="(/admin/[^"#]*)"', home)))
    if len(pages) < 10:
        raise RuntimeError(f"the admin does not let in whom it should: {home[:500]}")
    for page in pages:
        _opened(browser, service.url + page.replace("&amp;", "&"))


def _log_in(browser: urllib.request.OpenerDirector, service: WholeService, password: str) -> str:
    address = f"{service.url}/admin/login/?next=/admin/"
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', _opened(browser, address))
    form = {"username": service.demo["adminUser"], "password": password, "csrfmiddlewaretoken": token}
    return _opened(browser, address, urllib.parse.urlencode(form).encode())


def _opened(browser: urllib.request.OpenerDirector, address: str, form: bytes | None = None) -> str:
    try:
        with browser.open(address, form, timeout=30) as page:
            return str(page.read().decode())
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{address}: {error.code}") from error
