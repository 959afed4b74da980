"""The shipped strategies are as dsl.md describes them."""

from __future__ import annotations

import pytest

from strategies.dsl import Kind, Program, builtin_programs, example_programs, validate
from strategies.dsl.tests.writing import run

DEFAULT = builtin_programs()["default"].program
EFFORT = builtin_programs()["constant_effort"].program


@pytest.mark.parametrize(
    ("figures", "points", "case"),
    [
        ((0, 0, None, None, 0, 0), 1, "BasicEngagement"),
        ((1, 5, 1, 9, 0, 0), 1, "BasicEngagement"),
        ((2, 2, 5, 10, 0, 0), 1, "default"),
        ((2, 3, 5, 10, 0, 0), 11, "PerformanceBonus"),
        ((3, 3, 10, 5, 3, 5), 3, "IndividualOverGlobal"),
        ((3, 3, 10, 5, 2, 9), 15, "PeakPerformerBonus"),
        ((3, 3, 10, 5, 2, 15), 7, "GlobalAdvantageAdjustment"),
        ((3, 3, 10, 5, 5, 3), 8, "IndividualAdjustment"),
        ((3, 3, 10, 5, 5, 5), 1, "default"),
        ((3, 3, 10, 10, 0, 10), 1, "default"),
        ((3, 3, None, None, 1, 5), 1, "default"),
    ],
)
def test_default(figures: tuple[object, ...], points: int, case: str) -> None:
    paths = (
        "task.measurements_count",
        "user.measurements_count",
        "user.avg_time",
        "all.avg_time",
        "user.last_window_diff",
        "user.new_last_window_diff",
    )
    facts = dict(zip(paths, figures, strict=True))
    assert run(DEFAULT, facts=facts)[:3] == ("award", points, case)


def test_default_has_the_variables_of_the_specification() -> None:
    assert DEFAULT.variables == {
        "variable_basic_points": 1,
        "variable_bonus_points": 10,
        "variable_individual_over_global_points": 3,
        "variable_peak_performer_bonus_points": 15,
        "variable_global_advantage_adjustment_points": 7,
        "variable_individual_adjustment_points": 8,
    }


@pytest.mark.parametrize(
    ("n", "points", "case"),
    [
        (0, 1, "BasicReward"),
        (1, 2, "ConstantEffortReward"),
        (6, 7, "ConstantEffortReward"),
        (57, 57, "ConstantEffortReward"),
        (99, 100, "ConstantEffortReward"),
        (1000, 100, "ConstantEffortReward"),
    ],
)
def test_constant_effort(n: int, points: int, case: str) -> None:
    outcome = run(EFFORT, facts={"user.recent_measurements_count": n})
    assert outcome[:3] == ("award", points, case)


def test_a_variable_of_a_built_in_can_be_overridden() -> None:
    variables = EFFORT.resolve_variables({"variable_max_points": 10})
    assert run(EFFORT, facts={"user.recent_measurements_count": 50}, variables=variables).points == 10


def example(slug: str) -> Program:
    return example_programs()[slug].program


@pytest.mark.parametrize(
    ("slug", "facts", "data", "answer"),
    [
        ("engagement", {"user.measurements_count": 2}, {}, ("award", 1, "BasicEngagement")),
        ("engagement", {"user.measurements_count": 3}, {}, ("no_award", 0, None)),
        ("task_completion", {"user.measurements_count": 0}, {}, ("award", 5, "FirstCompletion")),
        ("task_completion", {"user.measurements_count": 1}, {}, ("award", 2, "TaskCompleted")),
        ("speed_bonus", {"user.avg_time": 7.9, "all.avg_time": 10}, {}, ("award", 10, "SpeedBonus")),
        ("speed_bonus", {"user.avg_time": 8, "all.avg_time": 10}, {}, ("no_award", 0, None)),
        ("speed_bonus", {"user.avg_time": None, "all.avg_time": 10}, {}, ("no_award", 0, None)),
        ("weekend_bonus", {"event.is_weekend": True}, {}, ("award", 1.5, "WeekendBonus")),
        ("weekend_bonus", {"event.is_weekend": False}, {}, ("award", 1, "BasicEngagement")),
        ("citizen_science", {"task.measurements_count": 1}, {}, ("award", 5, "TaskCompleted-Onboarding")),
        (
            "citizen_science",
            {"task.measurements_count": 2},
            {"priority_zone": 1},
            ("award", 25, "PriorityZoneBonus"),
        ),
        ("citizen_science", {"task.measurements_count": 2}, {"streak_days": 3}, ("award", 15, "StreakBonus")),
        (
            "citizen_science",
            {"task.measurements_count": 2},
            {"streak_days": 20},
            ("award", 50, "StreakBonus"),
        ),
        (
            "citizen_science",
            {"task.measurements_count": 2},
            {"streak_days": 2},
            ("award", 2, "TaskCompleted"),
        ),
    ],
)
def test_example(
    slug: str, facts: dict[str, object], data: dict[str, object], answer: tuple[object, ...]
) -> None:
    assert run(example(slug), data, facts)[:3] == answer


def test_the_speed_bonus_waits_for_a_mean_time_instead_of_failing() -> None:
    # Arithmetic with null is an error, and a new task has no mean time yet
    assert run(example("speed_bonus"), facts={"user.avg_time": None, "all.avg_time": None}).kind == "no_award"


def test_every_shipped_program_is_valid_without_a_warning_and_listed() -> None:
    shipped = {**builtin_programs(), **example_programs()}
    assert sorted(shipped) == [
        "citizen_science",
        "constant_effort",
        "default",
        "engagement",
        "speed_bonus",
        "task_completion",
        "weekend_bonus",
    ]
    for each in shipped.values():
        parent = builtin_programs()[each.parent].program if each.parent else None
        validation = validate(each.source, kind=each.kind, parent=parent)
        assert validation.problems == (), each.slug
        assert each.name
        assert each.description
        assert (each.kind is Kind.EXTEND) == (each.parent is not None)
