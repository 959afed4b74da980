"""The runbook leads somewhere: each alert has its section, each query runs, each link is one."""

import re
import textwrap

import pytest
from django.db import connection
from django.urls import resolve

from ops.local.run import ROOT
from ops.monitoring.catalogue import alerts, unknown

PAGE = (ROOT / "docs" / "runbook.md").read_text()
FENCE = re.compile(r"^ *```(sql|promql)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
PARTS = ["Means", "Felt by", "Look", "Do", "Over"]


def fenced(language: str) -> list[str]:
    return [textwrap.dedent(text) for found, text in FENCE.findall(PAGE) if found == language]


def test_every_alert_has_its_section_and_no_other_has() -> None:
    sections = dict(SECTION.findall(PAGE))
    assert set(sections) == {alert.name for alert in alerts()}
    parts = {name: re.findall(r"^- \*\*(.+?)\*\*:", text, re.MULTILINE) for name, text in sections.items()}
    assert {name: found for name, found in parts.items() if found != PARTS} == {}


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
