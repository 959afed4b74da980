"""Checking an event's data against the inputs that a program declares."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.dsl.declarations import InputSpec
from strategies.dsl.errors import Code, RunError
from strategies.dsl.program import Program
from strategies.dsl.values import PYTHON_TYPES, shown, type_name


def prepare_data(program: Program, data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the event data with the defaults of the chain's inputs laid in; `data` itself is never changed.

    Both executors call this first, so that it is part of a run. Without declared inputs the same object comes back.
    A null counts as absent; an absent one without a default is null. Raises RunError at `inputs/NAME`:
    DSL_INPUT_MISSING, DSL_INPUT_TYPE.
    """
    if not program.inputs:
        return data
    prepared = dict(data)
    for name, spec in program.inputs.items():
        prepared[name] = _prepared(spec, data.get(name))
    return prepared


def _prepared(spec: InputSpec, value: object) -> object:
    if value is None:
        if spec.required:
            raise _failure(Code.DSL_INPUT_MISSING, f"The event lacks data.{spec.name}.", spec, value)
        return spec.default
    if type(value) in PYTHON_TYPES[spec.type]:
        return value
    message = f"data.{spec.name} is a {spec.type}, not {shown(value)}."
    raise _failure(Code.DSL_INPUT_TYPE, message, spec, value)


def _failure(code: Code, message: str, spec: InputSpec, value: object) -> RunError:
    path = f"inputs/{spec.name}"
    params = {"input": spec.name, "expected": spec.type, "got": type_name(value)}
    return RunError(code, message, params, path=path, node_id=path)
