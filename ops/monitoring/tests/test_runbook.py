"""The runbook leads somewhere: each alert has its section, each query runs, each link is one."""

import re
import textwrap

import pytest
from django.db import connection
from django.urls import resolve

from observability import partitions
from ops.local.run import ROOT
from ops.monitoring.catalogue import alerts, unknown

PAGE = (ROOT / "docs" / "runbook.md").read_text()
FENCE = re.compile(r"^ *```(sql|promql)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
PARTS = ["Means", "Felt by", "Look", "Do", "Over"]
PROCEDURES = [
    "Wrong points",
    "A failing strategy",
    "Stop a strategy",
    "The trace queue is saturated",
    "The broker is down",
    "The database is slow",
    "Disk full",
    "The audit chain is broken",
    "Restore a backup",
]


def fenced(language: str) -> list[str]:
    return [textwrap.dedent(text) for found, text in FENCE.findall(PAGE) if found == language]


def test_every_alert_has_its_section_and_no_other_has() -> None:
    sections = dict(SECTION.findall(PAGE))
    assert set(sections) == {alert.name for alert in alerts()}
    parts = {name: re.findall(r"^- \*\*(.+?)\*\*:", text, re.MULTILINE) for name, text in sections.items()}
    assert {name: found for name, found in parts.items() if found != PARTS} == {}


SHOWN = r"`/admin/|```sql|```promql|`[^`]*(?:scoring|dsl|slo)[_:]|`/readyz`|`docker compose "


def test_every_alert_leads_to_something_to_look_at() -> None:
    looks = {
        name: text.partition("**Look**")[2].partition("**Do**")[0] for name, text in SECTION.findall(PAGE)
    }
    assert [name for name, look in looks.items() if not re.search(SHOWN, look)] == []


def test_the_runbook_has_a_procedure_for_each_trouble() -> None:
    procedures = re.findall(r"^### (.+)$", PAGE.partition("## Procedures")[2], re.MULTILINE)
    assert procedures == PROCEDURES


def test_partitions_to_be_dropped_are_called_as_the_runbook_says() -> None:
    named = set(re.findall(r"(\w+)_YYYYMMDD", PAGE))
    by_day = {table.table for table in partitions.TABLES if type(table) is partitions.ByDay}
    assert named
    assert named <= by_day


@pytest.mark.django_db
@pytest.mark.parametrize("statement", fenced("sql"), ids=lambda text: text.split("FROM")[1].split()[0])
def test_a_statement_of_the_runbook_runs(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_promql_of_the_runbook_asks_for_what_is_there() -> None:
    inline = re.findall(r"`((?:[\w:. ]+\()*(?:scoring|dsl|slo)[_:][^`]*)`", PAGE)
    asked = [*fenced("promql"), *inline]
    assert len(asked) > 20
    assert {each: unknown(each) for each in asked if unknown(each)} == {}


def test_links_into_the_admin_lead_to_pages() -> None:
    paths = re.findall(r"`(/admin/[^`?]*)", PAGE)
    assert len(paths) > 10
    for path in paths:
        resolve(path)


def test_links_within_the_page_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert [target for target in re.findall(r"\]\(#([^)]+)\)", PAGE) if target not in anchors] == []
