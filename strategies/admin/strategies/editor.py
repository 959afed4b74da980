"""Where a program is written: a new strategy, the draft, the next draft. What was typed is never lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from gameproject.lib.errors import Conflict, DomainError, JsonDict, Unprocessable
from strategies import diffing, dsl, publishing, selectors
from strategies.admin.strategies import simulating
from strategies.admin.strategies.forms import NewStrategyForm, StrategyForm, new_id
from strategies.admin.strategies.json_text import write_json
from strategies.admin.strategies.pages import (
    CREATE,
    WRITE,
    created_already,
    done,
    render,
    require,
    strategy_page,
    url,
    version_or_latest,
)
from strategies.admin.strategies.problems import (
    ShownProblem,
    problems_of,
    read_program,
    shown_problems,
)
from strategies.models import Realm, Strategy, StrategyVersion

MAX_PARENTS = 200
BLANK = {
    "type": "program",
    "rules": [],
    "default": {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": "Done"},
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was saved. `theirs` is another author's newer version, `changes` leads from it to what was typed."""

    problems: list[ShownProblem] = field(default_factory=list)
    message: str = ""
    theirs: StrategyVersion | None = None
    changes: list[diffing.Change] = field(default_factory=list)


# ── A new strategy ───────────────────────────────────────────────────────────────────────────────
def create(request: HttpRequest) -> HttpResponse:
    require(request, CREATE)
    form = NewStrategyForm(request.POST or None, initial=_new_strategy(request))
    refusal = None
    if form.is_valid():
        try:
            version = _create(form)
        except DomainError as error:
            if error.code == "STRATEGY_CREATED":
                return created_already(request, form.cleaned_data["new_id"])
            refusal = _refusal(error, form.cleaned_data["program"])
        else:
            message = f"Created {version.strategy.slug} with the draft of version 1."
            done(request, version.strategy, message, created=True)
            return redirect(url("edit", version.strategy))
    return render(
        request,
        "create",
        title="New strategy",
        form=form,
        refusal=refusal,
        templates=dsl.example_programs().values(),
        chosen=request.GET.get("template", ""),
        parents=_parents(Q()),
    )


def _new_strategy(request: HttpRequest) -> dict[str, object]:
    realms = list(Realm.objects.order_by("slug")[:2])
    initial = {"new_id": new_id(), "realm": realms[0].pk if len(realms) == 1 else None}
    shipped = dsl.example_programs().get(request.GET.get("template", ""))
    if shipped is None:
        return {**initial, "program": write_json(BLANK)}
    return {
        **initial,
        "name": shipped.name,
        "description": shipped.description,
        "type": shipped.kind.value,
        "parent": shipped.parent or "",
        "program": write_json(shipped.source),
    }


def _create(form: NewStrategyForm) -> StrategyVersion:
    given = form.cleaned_data
    return publishing.create_strategy(
        realm=given["realm"],
        name=given["name"],
        description=given["description"],
        kind=dsl.Kind(given["type"]),
        parent=parent_named(given["realm"], given["parent"]),
        program=read_program(given["program"]),
        strategy_id=given["new_id"],
    )


# ── The draft ────────────────────────────────────────────────────────────────────────────────────
@strategy_page(WRITE)
def edit(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    latest = selectors.latest_version(strategy)
    source = version_or_latest(strategy, request.GET.get("from"))
    form = StrategyForm(request.POST or None, initial=_opened(strategy, latest, source), strategy=strategy)
    refusal = None
    if request.method == "POST" and not simulating.is_asked_for(request) and form.is_valid():
        try:
            version = _save(strategy, form)
        except DomainError as error:
            refusal = _refusal(error, form.cleaned_data["program"], selectors.latest_version(strategy))
        else:
            done(request, version.strategy, f"Saved the draft of version {version.number}.")
            return redirect(url("edit", strategy))
    return render(
        request,
        "edit",
        title=f"Edit {strategy.name}",
        strategy=strategy,
        form=form,
        latest=latest,
        source=source,
        base=refusal.theirs.digest if refusal and refusal.theirs else form["base"].value(),
        refusal=refusal,
        problems=_known_problems(latest, source) if request.method == "GET" else [],
        parents=_parents(Q(realm=strategy.realm) | Q(realm=None)),
        panel=simulating.panel(request, strategy, lambda: _typed_program(request, strategy)),
    )


def _opened(strategy: Strategy, latest: StrategyVersion, source: StrategyVersion) -> dict[str, object]:
    return {
        "name": strategy.name,
        "description": strategy.description,
        "parent": strategy.parent.slug if strategy.parent else "",
        "program": write_json(source.program),
        "base": latest.digest,
    }


def _known_problems(latest: StrategyVersion, source: StrategyVersion) -> list[ShownProblem]:
    return shown_problems(source.problems, write_json(source.program)) if source == latest else []


def _save(strategy: Strategy, form: StrategyForm) -> StrategyVersion:
    parent = form.changed("parent") if "parent" in form.fields else None
    return publishing.edit_strategy(
        strategy=strategy,
        program=read_program(form.cleaned_data["program"]),
        name=form.changed("name"),
        description=form.changed("description"),
        parent=parent_named(strategy.realm, parent),
        expected_digest=form.cleaned_data["base"] or None,
    )


def _typed_program(request: HttpRequest, strategy: Strategy) -> dsl.Program:
    validation = publishing.validated(
        realm=strategy.realm,
        kind=dsl.Kind(strategy.type),
        parent=parent_named(strategy.realm, request.POST.get("parent")) or strategy.parent,
        program=read_program(request.POST.get("program", "")),
    )
    assert validation.program is not None  # noqa: S101  # `validated` raises where there is none
    return validation.program


# ── As it is typed ───────────────────────────────────────────────────────────────────────────────
def check_new(request: HttpRequest) -> HttpResponse:
    require(request, CREATE)
    realm = selectors.as_uuid(request.POST.get("realm", ""))
    return _checked(request, Realm.objects.filter(pk=realm).first() if realm else None, None)


@strategy_page(WRITE)
def check(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    return _checked(request, strategy.realm, strategy)


def _checked(request: HttpRequest, realm: Realm | None, strategy: Strategy | None) -> HttpResponse:
    """Answer with the problems of what is in the form, and the program as it would be laid out."""
    text = request.POST.get("program", "")
    try:
        program = read_program(text)
        parent = parent_named(realm, request.POST.get("parent")) or (strategy.parent if strategy else None)
        kind = dsl.Kind.parse(strategy.type if strategy else request.POST.get("type", ""))
        validation = publishing.validate(realm=realm, kind=kind, parent=parent, program=program)
    except (DomainError, ValueError) as error:
        return JsonResponse(_as_json(_said(error, text)))
    problems = shown_problems(publishing.problems_json(validation), text)
    answer = {**_as_json(problems), "cost": publishing.cost_json(validation.cost)}
    # What has no digest may be nested too deeply to be written.
    return JsonResponse(answer | ({"formatted": write_json(program)} if validation.digest else {}))


def _said(error: DomainError | ValueError, text: str) -> list[ShownProblem]:
    if isinstance(error, DomainError):
        return problems_of(error, text)
    return [ShownProblem("VALUE_INVALID", "Choose a type.", "", dsl.Severity.ERROR, "", None)]


def _as_json(problems: list[ShownProblem]) -> JsonDict:
    return {"problems": [problem.as_json() for problem in problems]}


# ── Shared ───────────────────────────────────────────────────────────────────────────────────────
def parent_named(realm: Realm | None, name: str | None) -> Strategy | None:
    """Find a parent that a realm may extend. Raises NotFound, for another realm's too."""
    if not name or realm is None:
        return None
    return selectors.strategy_by_name(realm.pk, name)


def _parents(seen: Q) -> list[Strategy]:
    rows = Strategy.objects.filter(seen, archived_at=None, aliases__isnull=False)
    return list(rows.select_related("realm").order_by("slug").distinct()[:MAX_PARENTS])


def _refusal(error: DomainError, text: str, latest: StrategyVersion | None = None) -> Refusal:
    if isinstance(error, Conflict) and error.code == "STRATEGY_CHANGED" and latest is not None:
        return Refusal(message=error.message, theirs=latest, changes=_changes(latest, text))
    message = error.message if isinstance(error, Unprocessable) else ""
    return Refusal(problems=problems_of(error, text), message=message)


def _changes(theirs: StrategyVersion, text: str) -> list[diffing.Change]:
    typed = read_program(text)
    kind = dsl.Kind(theirs.strategy.type)
    return diffing.diff(theirs.program, typed, kind=kind) if isinstance(typed, Mapping) else []
