"""What the difference of two programs says, and that it says the same from either side."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import dsl
from strategies.diffing import Change, Detail, Kind, diff

Json = dict[str, Any]


def rule(
    points: float, *, when: str = "user.measurements_count", at: float = 3, name: str | None = None
) -> Json:
    made: Json = {
        "type": "rule",
        "when": {
            "type": "compare",
            "op": "<",
            "left": {"type": "field", "path": when},
            "right": {"type": "literal", "value": at},
        },
        "then": [
            {
                "type": "assign_points",
                "value": {"type": "literal", "value": points},
                "case_name": f"Case{points}",
            }
        ],
    }
    return made | ({} if name is None else {"id": name})


def program(*rules: Json, **sections: object) -> Json:
    return {"type": "program", "rules": list(rules), **sections}


def full(before: Json, after: Json) -> list[Change]:
    return diff(before, after, kind=dsl.Kind.FULL)


def outline(changes: Iterable[Change]) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.section, str(each.kind), each.path_before, each.path_after) for each in changes]


def test_a_rule_is_added_where_it_stands() -> None:
    first, second, new = rule(1), rule(2), rule(30, when="user.points_total", name="rich")

    changes = full(program(first, second), program(new, first, second))

    assert outline(changes) == [("rules", "added", None, "rules/0")]
    assert changes[0].label == "Added rule rich: if user.points_total < 3: assign 30 points, case Case30"
    assert (changes[0].before, changes[0].after) == (None, new)


def test_a_removed_rule_moves_no_other() -> None:
    changes = full(program(rule(1), rule(2), rule(3)), program(rule(2), rule(3)))

    assert outline(changes) == [("rules", "removed", "rules/0", None)]


def test_a_changed_rule_is_known_by_its_id() -> None:
    other = rule(900, when="task.measurements_count", at=77, name="bonus")

    changes = full(program(rule(1, name="bonus")), program(other))

    assert outline(changes) == [("rules", "changed", "rules/0", "rules/0")]
    assert "Changed rule bonus: if user.measurements_count < 3" in changes[0].label
    assert "task.measurements_count < 77" in changes[0].label


def test_a_changed_rule_without_an_id_is_known_by_its_likeness() -> None:
    new = rule(7, when="user.streak_days", at=20)

    changes = full(program(rule(1), rule(2)), program(new, rule(1), rule(2, at=5)))

    assert outline(changes) == [
        ("rules", "added", None, "rules/0"),
        ("rules", "changed", "rules/1", "rules/2"),
    ]
    assert changes[1].details == (Detail("when/right/value", 3, 5),)
    assert not changes[1].moved


def test_one_moved_rule_leaves_the_others_in_place() -> None:
    rules = [rule(n) for n in range(5)]

    changes = full(program(*rules), program(*rules[1:], rules[0]))

    assert outline(changes) == [("rules", "moved", "rules/0", "rules/4")]
    assert changes[0].label.endswith("from place 1 to 5")


def test_of_two_rules_that_changed_places_neither_stays() -> None:
    changes = full(program(rule(1), rule(2)), program(rule(2), rule(1)))

    assert {each.kind for each in changes} == {Kind.MOVED}
    assert len(changes) == 2


def test_a_rule_can_be_changed_and_moved() -> None:
    rules = [rule(n, name=f"r{n}") for n in range(4)]

    changes = full(program(*rules), program(*rules[1:], rule(99, name="r0")))

    assert outline(changes) == [("rules", "changed", "rules/0", "rules/3")]
    assert changes[0].moved
    assert "moved from place 1 to 4" in changes[0].label


def test_every_section_has_its_changes() -> None:
    default = rule(5)["then"][0]
    before = program(
        default=None, variables={"gone": 1, "same": 2, "goal": 10}, inputs={"minutes": {"type": "number"}}
    )
    after = program(
        default=default,
        variables={"same": 2, "goal": {"value": 10, "max": 50}, "new": "x"},
        inputs={"minutes": {"type": "number", "required": True}},
        pre_rules=[
            {"type": "rule", "when": {"type": "literal", "value": True}, "then": [{"type": "return"}]}
        ],
        id="mine",
    )

    changes = full(before, after)

    assert outline(changes) == [
        ("pre_rules", "added", None, "pre_rules/0"),
        ("default", "added", None, "default"),
        ("variables", "changed", "variables/goal", "variables/goal"),
        ("variables", "removed", "variables/gone", None),
        ("variables", "added", None, "variables/new"),
        ("inputs", "changed", "inputs/minutes", "inputs/minutes"),
        ("program", "added", None, "id"),
    ]
    labels = [each.label for each in changes]
    assert "Added the default: assign 5 points, case Case5" in labels
    assert 'Added variable new: "x"' in labels
    assert 'Changed variable goal from 10 to {"max":50,"value":10}' in labels


def test_the_variables_given_to_a_parent_are_compared() -> None:
    before, after = program(parent_variables={"goal": 1}), program(parent_variables={"goal": 2})

    changes = diff(before, after, kind=dsl.Kind.EXTEND)

    assert outline(changes) == [
        ("parent_variables", "changed", "parent_variables/goal", "parent_variables/goal")
    ]
    assert changes[0].label == "Changed parent's variable goal from 1 to 2"


@pytest.mark.parametrize(("before", "after"), [(True, 1), (1, "1"), (0, False), (1, 1.5)])
def test_values_that_python_takes_for_equal_are_not(before: object, after: object) -> None:
    assert full(program(variables={"v": before}), program(variables={"v": after}))


def test_an_absent_section_is_an_empty_one() -> None:
    assert full(program(), program(pre_rules=[], post_rules=[], variables={}, default=None)) == []


def test_programs_that_do_not_validate_are_compared_without_words() -> None:
    changes = full({"rules": [{"type": "nothing", "a": 1}]}, {"rules": [3, None]})

    assert {each.section for each in changes} == {"rules"}


# ── Properties ───────────────────────────────────────────────────────────────────────────────────
RULES = st.builds(
    rule,
    st.integers(0, 3),
    when=st.sampled_from(["user.measurements_count", "user.points_total"]),
    at=st.sampled_from([1, 1.0, 2]),
    name=st.sampled_from([None, None, "a", "b", "c"]),
)
VALUES = st.sampled_from([True, False, 0, 1, 1.0, "1", {"value": 1}, {"value": True, "description": "d"}])
PROGRAMS = st.builds(
    lambda rules, optional: program(*rules, **optional),
    st.lists(RULES, max_size=7),
    st.fixed_dictionaries(
        {},
        optional={
            "default": st.none() | RULES.map(lambda made: made["then"][0]),
            "pre_rules": st.lists(RULES, max_size=2),
            "post_rules": st.lists(RULES, max_size=2),
            "variables": st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3),
            "inputs": st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3),
            "id": st.sampled_from("pq"),
        },
    ),
)


def normal(source: Json) -> bytes:
    """A program with every section, as canonical JSON: what two programs that say the same share."""
    empty: Json = {"default": None, "pre_rules": [], "post_rules": [], "variables": {}, "inputs": {}}
    return dsl.canonical_json(empty | source)


def turned_round(change: Change) -> Change:
    kinds = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    return replace(
        change,
        kind=kinds.get(change.kind, change.kind),
        path_before=change.path_after,
        path_after=change.path_before,
        before=change.after,
        after=change.before,
        was=change.now,
        now=change.was,
        details=tuple(Detail(each.path, each.after, each.before) for each in change.details),
    )


def unlabelled(changes: Iterable[Change]) -> list[str]:
    return sorted(repr(replace(each, label="")) for each in changes)


@given(PROGRAMS)
def test_nothing_differs_from_itself(source: Json) -> None:
    assert full(source, source) == []


@settings(max_examples=300)
@given(PROGRAMS, PROGRAMS)
def test_the_difference_is_empty_only_for_the_same_and_the_same_from_either_side(a: Json, b: Json) -> None:
    there, back = full(a, b), full(b, a)

    assert (there == []) == (normal(a) == normal(b))
    assert unlabelled(there) == unlabelled(turned_round(each) for each in back)


@given(PROGRAMS, PROGRAMS)
def test_every_rule_is_accounted_for_once(a: Json, b: Json) -> None:
    changes = [each for each in full(a, b) if each.section == "rules"]

    for path in ("path_before", "path_after"):
        named = [getattr(each, path) for each in changes if getattr(each, path)]
        assert len(named) == len(set(named))
    n_added = sum(each.kind is Kind.ADDED for each in changes)
    n_removed = sum(each.kind is Kind.REMOVED for each in changes)
    assert len(a["rules"]) - n_removed + n_added == len(b["rules"])


def test_hundreds_of_unlike_rules_are_compared_quickly() -> None:
    before = program(*(rule(n, at=n) for n in range(200)))
    after = program(*(rule(n + 1000, at=n + 0.5) for n in range(200)))

    assert len(full(before, after)) == 200
