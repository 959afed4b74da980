"""The tables of docs/metrics.md, written from the code: what stands in which table, and where, is the page's own affair."""

import re
from typing import Any, Final, NamedTuple, Self

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from gameproject.lib.postgresql import base as _database  # noqa: F401  # it brings its metrics
from observability import figures

OURS: Final = ("scoring_", "dsl_", "django_db_")
ROW: Final = re.compile(r"^\| `(\w+)` \| (?:counter|gauge|histogram) \|.*\n", re.MULTILINE)


class Described(NamedTuple):
    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @classmethod
    def of_process(cls, metric: Any) -> Self:
        """Describe what processes count, by the name that is scraped."""
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        return cls(name, family.type, metric._labelnames, family.documentation)  # noqa: SLF001  # nothing else tells

    @property
    def row(self) -> str:
        labels = "".join(f" `{label}`," for label in self.labels).rstrip(",")
        return f"| `{self.name}` | {self.kind} |{labels} | {self.meaning} |\n"


def described() -> dict[str, Described]:
    """Return all metrics of the service by their names: what is counted, and what is read."""
    counted = [Described.of_process(each) for each in _registered() if isinstance(each, MetricWrapperBase)]
    read = [Described(each.name, "gauge", each.labels, each.meaning) for each in figures.described]
    return {each.name: each for each in counted + read if each.name.startswith(OURS)}


def _registered() -> list[Any]:
    return list(REGISTRY._collector_to_names)  # noqa: SLF001  # `collect` leaves out the labels of what has no series


def rewrite(page: str) -> str:
    """Write each row anew: what is gone is left out, what is new comes last. Raises ValueError for a page without rows."""
    metrics = described()
    new = [metrics[name].row for name in sorted(metrics.keys() - set(ROW.findall(page)))]
    *_, last = ROW.finditer(page)
    page = page[: last.end()] + "".join(new) + page[last.end() :]
    return ROW.sub(lambda row: metrics[row[1]].row if row[1] in metrics else "", page)
