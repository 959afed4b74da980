"""Random valid programs, and facts, data and variables to run them on.

Hypothesis draws a seed and a size, and everything follows from these: drawing every node of a program by Hypothesis
takes a hundred times as long as running it. A failure shrinks to the smallest size that still shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from strategies.dsl import Kind, Program
from strategies.dsl.fields import FACTS
from strategies.dsl.tests.writing import (
    Json,
    add,
    arith,
    assign,
    both,
    call,
    callback,
    compare,
    either,
    field,
    leave,
    lit,
    negated,
    program,
    set_case,
    set_data,
    set_points,
    valid,
    var,
    veto,
)

DATA_KEYS = ("a", "b", "c", "d", "e")
NAMES = ("v", "w", "x")
CASES = ("A", "B", "Été", "a case of two words")
RESULTS = ("result.points", "result.case_name", "parent.points", "parent.case_name")

NUMBERS = (
    0,
    1,
    -1,
    2,
    5,
    100,
    0.0,
    -0.0,
    0.5,
    0.1,
    1e-7,
    1e15,
    -1e15,
    10**15,
    999_999_999_999.9999995,
    -3.5,
    7,
)
TEXTS = ("", "a", "b", "12", "+7", "-0", "1_000", "9" * 31, "9" * 12, "A", "line\n", "é")
WILD: tuple[object, ...] = (
    10**400,
    -(10**16),
    1e300,
    2e15,
    float("inf"),
    float("nan"),
    "x" * 9000,
    "y" * 9000,
    "\0" * 1400,
    [],
    [1],
    [0, 2],
    {},
    {"k": 1},
)
LONG = ("x" * 9000, "\0" * 1400, "é" * 4096)
TYPES = ("number", "text", "boolean")


def number(rng: Random) -> int | float:
    """Return a number: a special one, a small integer, or any within the range."""
    kind = rng.randrange(4)
    if kind < 2:
        return rng.choice(NUMBERS)
    return rng.randint(-50, 50) if kind == 2 else rng.uniform(-1, 1) * 10 ** rng.randint(0, 15)


def scalar(rng: Random) -> object:
    """Return any value that a literal can have, a number most often."""
    kind = rng.randrange(8)
    if kind < 4:
        return number(rng)
    return (rng.choice(TEXTS), rng.choice(TEXTS), rng.random() < 0.5, None)[kind - 4]


def of_type(rng: Random, type_: str) -> object:
    return {"number": number(rng), "text": rng.choice(TEXTS), "boolean": rng.random() < 0.5}[type_]


def same_type(rng: Random, value: object) -> object:
    return of_type(
        rng, "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    )


@dataclass
class Author:
    """Writes the parts of one program; `declared` are its variables."""

    rng: Random
    size: int
    declared: tuple[str, ...]
    section: str = "rules"
    budget: int = 0

    def leaf(self) -> Json:
        kind = self.rng.randrange(12)
        if kind < 4:
            return lit(scalar(self.rng))
        if kind < 6 and self.declared:
            return var(self.rng.choice(self.declared))
        if kind < 9:
            return field("data." + self.rng.choice(DATA_KEYS))
        if self.section == "post_rules" and kind == 9:
            return field(self.rng.choice(RESULTS))
        return field(self.rng.choice(sorted(FACTS)))

    def operand(self) -> Json:
        """Return a leaf that is most likely a number, or arithmetic would nearly always fail."""
        if self.rng.randrange(5) == 0:
            return self.leaf()
        counts = [path for path, spec in FACTS.items() if spec.type == "number" and spec.default is not None]
        return self.rng.choice((lit(2), lit(0.5), lit(7), field(self.rng.choice(counts))))

    def expression(self, depth: int) -> Json:
        self.budget -= 1
        kind = self.rng.randrange(10) if depth > 0 and self.budget > 0 else 0
        if kind < 3:
            return self.operand()
        if kind < 7:
            op = self.rng.choice(("+", "-", "*", "/", "min", "max"))
            return arith(self.expression(depth - 1), op, self.expression(depth - 1))
        name, arity = self.rng.choice((("int", 1), ("clamp", 3), ("round", 2), ("abs", 1)))
        args = [self.expression(depth - 1) for _ in range(arity)]
        if name == "round" and self.rng.randrange(4):
            args[1] = lit(self.rng.randint(0, 9))
        return call(name, *args)

    def condition(self, depth: int) -> Json:
        self.budget -= 1
        kind = self.rng.randrange(10) if depth > 0 and self.budget > 0 else 9
        if kind < 5:
            op = self.rng.choice(("<", "<=", "==", "!=", ">=", ">"))
            return compare(self.expression(depth - 1), op, self.expression(depth - 1))
        if kind < 8:
            args = [self.condition(depth - 1) for _ in range(self.rng.randint(1, 4))]
            return self.rng.choice((both, either))(*args)
        return negated(self.condition(depth - 1)) if kind == 8 else self.leaf()

    def statement(self) -> Json:
        value = self.expression(self.rng.randint(0, self.size))
        case = self.rng.choice(CASES)
        kind = self.rng.randrange(10)
        if self.section == "pre_rules":
            if kind < 6:
                return set_data(self.rng.choice(DATA_KEYS), value)
            return (callback("pre", value), callback("é\n", self.leaf()), leave(), veto(case))[kind - 6]
        if self.section == "post_rules":
            if kind < 5:
                return set_points(value)
            name = self.rng.choice((field("data.a"), field("data.b"), field("result.case_name"), value))
            return (set_case(name), set_case(lit("Q")), callback("post", self.leaf()), leave(), leave())[
                kind - 5
            ]
        if kind < 7:
            return assign(value, case) if kind < 4 else add(value, case)
        given = self.rng.choice((self.leaf(), field("data.a")))
        return (callback("k", given), leave(), veto(case))[kind - 7]

    def statements(self) -> list[Json]:
        return [self.statement() for _ in range(self.rng.randint(1, 3))]

    def rule(self) -> Json:
        self.budget = 12 * self.size
        made: Json = {"type": "rule", "when": self.condition(self.size), "then": self.statements()}
        if self.rng.randrange(3) == 0:
            made["else_if"] = [
                {"when": self.condition(2), "then": self.statements()} for _ in range(self.rng.randint(1, 2))
            ]
        if self.rng.randrange(4) == 0:
            made["else"] = self.statements()
        return made

    def rules(self, section: str) -> list[Json]:
        self.section = section
        return [self.rule() for _ in range(self.rng.randint(0, self.size))]


def random_program(rng: Random, size: int, deepest: int = 3) -> Program:
    """Return a random valid program: FULL, or in half the cases EXTEND around up to `deepest` parents."""
    author, source = _begun(rng, size)
    source["rules"] = author.rules("rules") or [author.rule()]
    if rng.random() < 0.5:
        author.section = "default"
        source["default"] = author.statement()
    made = valid(source)
    for _ in range(rng.randint(0, deepest) if rng.random() < 0.5 else 0):
        _, source = _begun(rng, max(1, size - 1), typed=False)
        chosen = [name for name in made.variables if rng.random() < 0.5]
        source["parent_variables"] = {name: same_type(rng, made.variables[name]) for name in chosen}
        made = valid(source, Kind.EXTEND, made)
    return made


def _begun(rng: Random, size: int, *, typed: bool = True) -> tuple[Author, Json]:
    """Return a program without body: its variables, inputs, pre and post rules."""
    declared = tuple(name for name in NAMES if rng.random() < 0.5)
    author = Author(rng, size, declared)
    source = program(variables={name: of_type(rng, rng.choice(TYPES)) for name in declared})
    if typed and rng.random() < 0.3:
        source["inputs"] = {key: _input(rng) for key in DATA_KEYS}
    for section in ("pre_rules", "post_rules"):
        if rng.random() < 0.5:
            source[section] = author.rules(section)
    return author, source


def _input(rng: Random) -> Json:
    type_ = rng.choice(TYPES)
    made: Json = {"type": type_}
    if rng.random() < 0.5:
        made["default"] = of_type(rng, type_)
    return made | {"required": True} if rng.random() < 0.2 else made


def random_arguments(
    rng: Random, made: Program
) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    """Return facts, data and variables for a run: of the promised types mostly, some absent, some wild."""
    tame = rng.random() < 0.5
    facts = {path: _fact(rng, path) for path in FACTS if rng.random() < 0.95}
    data = {key: _datum(rng, made, key, tame=tame) for key in DATA_KEYS if tame or rng.random() < 0.9}
    variables: dict[str, object] = dict(made.variables)
    for name, value in made.variables.items():
        if rng.random() < 0.5:
            variables[name] = same_type(rng, value) if rng.random() < 0.98 else scalar(rng)
    if variables and rng.random() < 0.1:
        del variables[rng.choice(sorted(variables))]
    return facts, data, variables


def _fact(rng: Random, path: str) -> object:
    spec = FACTS[path]
    # One fact in a few hundred breaks the catalogue's promise: that must be an error in both executors
    if rng.random() < 0.003:
        return rng.choice((*WILD, None, True, "text"))
    if spec.default is None and rng.random() < 0.3:
        return None
    return rng.randint(0, 40) if spec.type == "number" and rng.random() < 0.6 else of_type(rng, spec.type)


def _datum(rng: Random, made: Program, key: str, *, tame: bool) -> object:
    declared = made.inputs.get(key)
    if key == "a" and (declared is None or declared.type == "text") and rng.random() < 0.1:
        # Callback data that is too large is rare otherwise
        return rng.choice(LONG)
    if declared is not None and (tame or rng.random() < 0.9):
        return of_type(rng, declared.type)
    if tame:
        return number(rng)
    return rng.choice(WILD) if rng.random() < 0.15 else scalar(rng)
