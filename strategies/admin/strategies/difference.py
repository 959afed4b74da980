"""What differs between two versions, rule by rule."""

from django.http import HttpRequest, HttpResponse

from strategies import diffing, dsl, selectors
from strategies.admin.strategies.pages import VIEW, render, strategy_page, version_number
from strategies.models import Strategy, StrategyVersion


@strategy_page(VIEW)
def difference(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    numbers = (version_number(request.GET.get(side)) for side in ("a", "b"))
    before, after = (selectors.version_by_number(strategy, number) for number in numbers)
    return render(
        request,
        "difference",
        title=f"{strategy.name}: version {before.number} and version {after.number}",
        strategy=strategy,
        before=before,
        after=after,
        changes=changes_between(before, after),
    )


def changes_between(before: StrategyVersion, after: StrategyVersion) -> list[diffing.Change]:
    return diffing.diff(before.program, after.program, kind=dsl.Kind(after.strategy.type))
