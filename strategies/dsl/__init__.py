"""The strategy language: pure Python, no Django, nothing of ours outside this package.

A strategy is JSON. `validate` makes a `Program` of it or says all that is wrong; `interpret` runs a program and can
write a trace; `compile_program` makes a function of the same meaning that is ten times as fast. docs/language.md
tells the language to its authors.
"""

from strategies.dsl.canonical import canonical_json, digest
from strategies.dsl.compiler import CompiledProgram, compile_program
from strategies.dsl.declarations import InputSpec, VariableSpec
from strategies.dsl.errors import Code, DslError, Problem, RunError, Severity, Stage
from strategies.dsl.explain import Explanation, explain
from strategies.dsl.fields import field_catalogue, field_default
from strategies.dsl.inputs import prepare_data
from strategies.dsl.interpreter import interpret
from strategies.dsl.library import LibraryProgram, builtin_programs, example_programs
from strategies.dsl.limits import DEFAULT_LIMITS, MAX_NUMBER, MAX_POINTS, Limits
from strategies.dsl.outcome import Outcome
from strategies.dsl.program import Cost, Kind, Program
from strategies.dsl.tracing import Trace
from strategies.dsl.tree import tree
from strategies.dsl.validate import Validation, validate

__all__ = [
    "DEFAULT_LIMITS",
    "MAX_NUMBER",
    "MAX_POINTS",
    "Code",
    "CompiledProgram",
    "Cost",
    "DslError",
    "Explanation",
    "InputSpec",
    "Kind",
    "LibraryProgram",
    "Limits",
    "Outcome",
    "Problem",
    "Program",
    "RunError",
    "Severity",
    "Stage",
    "Trace",
    "Validation",
    "VariableSpec",
    "builtin_programs",
    "canonical_json",
    "compile_program",
    "digest",
    "example_programs",
    "explain",
    "field_catalogue",
    "field_default",
    "interpret",
    "prepare_data",
    "tree",
    "validate",
]
