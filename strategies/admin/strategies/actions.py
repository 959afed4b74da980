"""What is done to a strategy, each behind a page that says what it will mean."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from gameproject.lib.errors import Conflict, DomainError
from strategies import diffing, dsl, publishing, selectors, usage, variables
from strategies.admin.strategies.difference import changes_between
from strategies.admin.strategies.forms import CloneForm, new_id
from strategies.admin.strategies.json_text import write_json
from strategies.admin.strategies.overview import production_of, shown_versions
from strategies.admin.strategies.pages import (
    CREATE,
    OPERATE,
    WRITE,
    created_already,
    done,
    render,
    strategy_page,
    url,
    version_number,
    version_or_latest,
)
from strategies.admin.strategies.problems import ShownProblem, problems_of, shown_problems
from strategies.models import Strategy, StrategyVersion


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be different if a version went into production."""

    version: StrategyVersion
    replaced: StrategyVersion | None
    usage: usage.Usage
    changes: list[diffing.Change] = field(default_factory=list)
    errors: list[ShownProblem] = field(default_factory=list)
    warnings: list[ShownProblem] = field(default_factory=list)
    misfits: list[variables.Misfit] = field(default_factory=list)


# ── Publish ──────────────────────────────────────────────────────────────────────────────────────
@strategy_page(WRITE)
def publish(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    _require_own(strategy)
    if request.method == "POST":
        digest = request.POST.get("digest") or None
        version = publishing.publish_strategy(strategy=strategy, expected_digest=digest)
        done(request, strategy, f"Published version {version.number}. It scores from now on.")
        return redirect(url("change", strategy))
    draft = selectors.draft_of(strategy)
    if draft is None:
        raise Conflict("There is no draft to publish.", code="NO_DRAFT")
    return render(
        request,
        "publish",
        title=f"Publish version {draft.number} of {strategy.name}?",
        strategy=strategy,
        preview=_preview(strategy, draft, _validate_draft(strategy, draft)),
    )


def _validate_draft(strategy: Strategy, draft: StrategyVersion) -> dsl.Validation:
    return publishing.validate(
        realm=strategy.realm, kind=dsl.Kind(strategy.type), parent=strategy.parent, program=draft.program
    )


# ── Roll back ────────────────────────────────────────────────────────────────────────────────────
@strategy_page(OPERATE)
def roll_back(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    _require_own(strategy)
    if request.method == "POST":
        replaced = production_of(strategy)
        version = publishing.roll_back_strategy(
            strategy=strategy, number=version_number(request.POST.get("version"))
        )
        was = f" in place of version {replaced.version.number}" if replaced else ""
        done(request, strategy, f"Version {version.number} scores from now on{was}.")
        return redirect(url("change", strategy))
    production = selectors.production_alias(strategy).version
    return render(
        request,
        "rollback",
        title=f"Roll back {strategy.name}",
        strategy=strategy,
        versions=shown_versions(strategy).filter(published_at__isnull=False),
        production=production,
        preview=_chosen(strategy, request.GET["version"]) if "version" in request.GET else None,
    )


def _chosen(strategy: Strategy, number: str) -> Preview:
    version = selectors.version_by_number(strategy, version_number(number))
    return _preview(strategy, version, publishing.revalidate(version))


def _preview(strategy: Strategy, version: StrategyVersion, validation: dsl.Validation) -> Preview:
    alias = production_of(strategy)
    replaced = alias.version if alias else None
    text = write_json(version.program)
    program = validation.program
    return Preview(
        version=version,
        replaced=replaced,
        usage=usage.usage_of(strategy, realm_id=strategy.realm_id),
        changes=changes_between(replaced, version) if replaced else [],
        errors=_shown(validation.errors, text),
        warnings=_shown(validation.warnings, text),
        misfits=variables.misfits(program, strategy=strategy, realm_id=strategy.realm_id) if program else [],
    )


def _shown(problems: Iterable[dsl.Problem], text: str) -> list[ShownProblem]:
    return shown_problems([problem.as_json() for problem in problems], text)


# ── Archive ──────────────────────────────────────────────────────────────────────────────────────
@strategy_page(OPERATE)
def archive(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    _require_own(strategy)
    if strategy.archived_at is not None:
        messages.info(request, "The strategy is archived already.")
        return redirect(url("change", strategy))
    if request.method == "POST":
        # The page named who uses it.
        publishing.archive_strategy(strategy=strategy, force=True)
        done(request, strategy, "Archived. It no longer scores.")
        return redirect(url("change", strategy))
    return render(
        request,
        "archive",
        title=f"Archive {strategy.name}?",
        strategy=strategy,
        usage=usage.usage_of(strategy, realm_id=strategy.realm_id),
    )


# ── Clone ────────────────────────────────────────────────────────────────────────────────────────
@strategy_page(CREATE)
def clone(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    version = version_or_latest(strategy, request.GET.get("version"))
    form = CloneForm(
        request.POST or None,
        initial={"name": f"{strategy.name[:193]} (copy)", "new_id": new_id()},
        strategy=strategy,
    )
    problems: list[ShownProblem] = []
    if form.is_valid():
        try:
            copy = _clone(version, form)
        except DomainError as error:
            if error.code == "STRATEGY_CREATED":
                return created_already(request, form.cleaned_data["new_id"])
            problems = problems_of(error, write_json(version.program))
        else:
            message = f"Cloned version {version.number} of {strategy.slug} as {copy.slug}."
            done(request, copy, message, created=True)
            return redirect(url("change", copy))
    title = f"Clone version {version.number} of {strategy.name}"
    return render(
        request, "clone", title=title, strategy=strategy, version=version, form=form, problems=problems
    )


def _clone(version: StrategyVersion, form: CloneForm) -> Strategy:
    realm = version.strategy.realm or form.cleaned_data["realm"]
    copy = publishing.clone_strategy(
        realm=realm,
        version=version,
        name=form.cleaned_data["name"],
        strategy_id=form.cleaned_data["new_id"],
    )
    return copy.strategy


def _require_own(strategy: Strategy) -> None:
    if strategy.realm_id is None:
        raise selectors.built_in()
