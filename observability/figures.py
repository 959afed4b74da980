"""Gauges that are read when somebody scrapes, described before anything is read: docs/metrics.md is written from this."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    meaning: str
    labels: tuple[str, ...]

    def of(self, values: Mapping[tuple[str, ...], float]) -> Metric:
        """Return it with values by those of its labels. Without any, it is absent."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family


described: list[Figure] = []


def figure(name: str, meaning: str, *labels: str) -> Figure:
    """Describe a gauge, once and for all."""
    described.append(Figure(name, meaning, labels))
    return described[-1]
