"""Reading the declarations of a program: variables, parent_variables and inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from strategies.dsl.declarations import InputSpec, VariableSpec, VariableValue
from strategies.dsl.errors import Code
from strategies.dsl.fields import DATA_KEY
from strategies.dsl.limits import MAX_NAME
from strategies.dsl.reader import Place, Reader, closest
from strategies.dsl.values import PYTHON_TYPES, TYPE_NAMES, TypeName, shown, type_name

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BOUNDS: Final = ("min", "max", "step")


def read_variables(reader: Reader, raw: object, place: Place) -> dict[str, VariableSpec]:
    """Read `variables`: a value, or an object with the value and what an override may be."""
    specs = {}
    for name, value, at in _entries(reader, raw, place, "variables"):
        spec = _variable(reader, name, value, at)
        if spec is not None:
            specs[name] = spec
    return specs


def read_parent_variables(reader: Reader, raw: object, place: Place) -> dict[str, VariableValue]:
    """Read `parent_variables`: plain values only. Whether the parent knows them is checked where it is at hand."""
    return {
        name: value
        for name, value, at in _entries(reader, raw, place, "parent_variables")
        if reader.scalar(value, at, f"The variable {name}")
    }


def read_inputs(reader: Reader, raw: object, place: Place) -> dict[str, InputSpec]:
    """Read `inputs`: what the event data holds."""
    specs = {}
    declared = reader.mapping(raw, place, "inputs")
    for name, value in (declared or {}).items():
        at = _entry_place(place, "inputs", name)
        if not DATA_KEY.fullmatch(name) or len(name) > MAX_NAME:
            message = (
                f"An input's name is 1 to {MAX_NAME} letters, digits and underscores, not {shown(name)}."
            )
            reader.note(Code.DSL_SHAPE, message, at)
            continue
        spec = _input(reader, name, value, at)
        if spec is not None:
            specs[name] = spec
    return specs


def _entries(reader: Reader, raw: object, place: Place, key: str) -> Iterator[tuple[str, object, Place]]:
    for name, value in (reader.mapping(raw, place, key) or {}).items():
        at = _entry_place(place, key, name)
        if _NAME.fullmatch(name) and len(name) <= MAX_NAME:
            yield name, value, at
        else:
            message = f"A variable's name is a letter or underscore, then letters, digits and underscores, at most {MAX_NAME}: {shown(name)}."
            reader.note(Code.DSL_SHAPE, message, at)


def _entry_place(place: Place, key: str, name: str) -> Place:
    path = place.entry(key, ascii(name[:MAX_NAME])[1:-1])
    return Place(path, path)


def _variable(reader: Reader, name: str, raw: object, at: Place) -> VariableSpec | None:
    if not isinstance(raw, dict):
        if not reader.scalar(raw, at, f"The variable {name}"):
            return None
        return VariableSpec(name, _type_of(raw), raw)
    spec = reader.mapping(raw, at, f"The variable {name}")
    if spec is None or not reader.keys(spec, at, ("value",), (*_BOUNDS, "description")):
        return None
    value = spec["value"]
    description = None
    if spec.get("description") is not None:
        description = reader.text(spec["description"], at, "A description")
    if not reader.scalar(value, at, f"The variable {name}"):
        return None
    return _bounded(reader, spec, VariableSpec(name, _type_of(value), value, description=description), at)


def _bounded(reader: Reader, raw: Mapping[str, object], spec: VariableSpec, at: Place) -> VariableSpec | None:
    bounds: dict[str, int | float] = {}
    for key in _BOUNDS:
        bound = raw.get(key)
        if bound is None:
            continue
        if spec.type != "number" or type(bound) not in PYTHON_TYPES["number"]:
            reader.note(
                Code.DSL_SHAPE, f"{key} is a number, and for variables that are numbers.", at, key=key
            )
        elif isinstance(bound, int | float) and reader.number(bound, at, key):
            bounds[key] = bound
    if bounds.get("step", 1) <= 0 or bounds.get("min", 0) > bounds.get("max", bounds.get("min", 0)):
        reader.note(Code.DSL_SHAPE, "min is at most max, and step is above 0.", at, bounds=bounds)
        return None
    whole = VariableSpec(
        spec.name,
        spec.type,
        spec.default,
        bounds.get("min"),
        bounds.get("max"),
        bounds.get("step"),
        spec.description,
    )
    problem = whole.problem(whole.default, at.path, reader.limits.max_text_bytes)
    if problem is not None:
        reader.problems.append(problem)
    return whole


def _input(reader: Reader, name: str, raw: object, at: Place) -> InputSpec | None:
    what = f"The input {name}"
    spec = reader.mapping(raw, at, what)
    if spec is None or not reader.keys(spec, at, ("type",), ("default", "required", "description")):
        return None
    declared = spec["type"]
    kind: TypeName | None = next((known for known in TYPE_NAMES if known == declared), None)
    if kind is None:
        hint = closest(declared, TYPE_NAMES) if isinstance(declared, str) else None
        reader.note(
            Code.DSL_SHAPE, f"{what} has a type of {', '.join(TYPE_NAMES)}, not {shown(declared)}.", at, hint
        )
        return None
    if not isinstance(spec.get("required", False), bool):
        reader.note(Code.DSL_SHAPE, "required is true or false.", at, key="required")
    if spec.get("description") is not None:
        reader.text(spec["description"], at, "A description")
    default = spec.get("default")
    if default is None:
        return InputSpec(name, kind, spec.get("required") is True)
    if not reader.scalar(default, at, f"The default of {name}"):
        return None
    if type(default) not in PYTHON_TYPES[kind]:
        reader.note(Code.DSL_SHAPE, f"The default of {name} is a {kind}, not {type_name(default)}.", at)
    return InputSpec(name, kind, spec.get("required") is True, default)


def _type_of(value: VariableValue) -> TypeName:
    return next(name for name in TYPE_NAMES if type(value) in PYTHON_TYPES[name])
