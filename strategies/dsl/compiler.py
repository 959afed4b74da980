"""The compiler: a program becomes one Python function of the same meaning as the interpreter gives it.

The function is built as a syntax tree, so that text of a strategy's author is never anything but a constant. The line
number of every expression is the number of its node: a failure's `tb_lineno` names the node, at no cost to the runs
that do not fail. A run that fails is run again by the interpreter, which gives the full error and trace; if the two
do not agree on code and node, that is DSL_UNEXPECTED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Final, NoReturn, TypeAlias, cast

from strategies.dsl.codegen import Generator
from strategies.dsl.errors import Code, Fault, RunError
from strategies.dsl.fields import field_default
from strategies.dsl.functions import FUNCTIONS, case_name_value, check_callback
from strategies.dsl.inputs import prepare_data
from strategies.dsl.interpreter import interpret
from strategies.dsl.limits import DEFAULT_LIMITS, Limits
from strategies.dsl.nodes import Compare
from strategies.dsl.outcome import Outcome
from strategies.dsl.program import Program
from strategies.dsl.tracing import Trace

Runner: TypeAlias = Callable[[Mapping[str, object], Mapping[str, object], Mapping[str, object]], Outcome]


def compile_program(program: Program, limits: Limits = DEFAULT_LIMITS) -> CompiledProgram:
    """Compile a program; RunError (DSL_PARENT_MISSING) for an EXTEND program without its parent."""
    return CompiledProgram(program, limits)


class CompiledProgram:
    """A program as a function: `run(facts, data, variables)` means what `interpret` means, ten times as fast.

    It takes the same arguments, changes none of them, and raises nothing but RunError, whose `trace` is complete.
    """

    __slots__ = ("_function", "_limits", "_places", "program", "run")

    run: Runner

    def __init__(self, program: Program, limits: Limits = DEFAULT_LIMITS) -> None:
        """Generate and compile the function."""
        if not program.runnable:
            raise RunError(Code.DSL_PARENT_MISSING, "An EXTEND program cannot run without its parent.")
        generator = Generator(program, limits)
        module = generator.function()
        self.program = program
        self._limits = limits
        self._places = generator.places
        self._function = FunctionType(_code(module, program), _globals(program, limits))
        self.run = self._runner()

    def _runner(self) -> Runner:
        """Return `run` as a function of its own: a method would have to look up its parts each time."""
        function = cast("Runner", self._function)
        completed = self._completed

        def run(
            facts: Mapping[str, object], data: Mapping[str, object], variables: Mapping[str, object]
        ) -> Outcome:
            try:
                try:
                    return function(facts, data, variables)
                except KeyError:
                    return function(*completed(facts, data, variables))
            except Exception as failure:
                raise self._explained(failure, facts, data, variables) from failure

        return run

    def _completed(
        self, facts: Mapping[str, object], data: Mapping[str, object], variables: Mapping[str, object]
    ) -> tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]]:
        """Return the arguments with what an absent key means laid in.

        The function reads keys as if all were there: asking first costs every run a tenth of its time, this costs the
        run of an event that lacks a key as much again.
        """
        program = self.program
        return (
            {path: facts.get(path, field_default(path)) for path in program.fields},
            {**dict.fromkeys(program.data_keys), **data},
            {**program.variables, **variables},
        )

    def failure_of(self, failure: Exception) -> tuple[Code, int, str]:
        """Return the code, level and path of a failure as the compiled function alone tells them."""
        if isinstance(failure, RunError):
            return failure.code, failure.level, failure.path
        traceback = failure.__traceback__
        line = 1
        while traceback is not None:
            if traceback.tb_frame.f_code is self._function.__code__:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        level, node = self._places[line - 1]
        if isinstance(failure, Fault):
            return failure.code, level.number, node.path
        return (
            _NATIVE.get((type(failure), isinstance(node, Compare)), Code.DSL_UNEXPECTED),
            level.number,
            node.path,
        )

    def _explained(
        self,
        failure: Exception,
        facts: Mapping[str, object],
        data: Mapping[str, object],
        variables: Mapping[str, object],
    ) -> RunError:
        """Run a failed run again by the interpreter, and return its error if the two agree."""
        code, level, path = self.failure_of(failure)
        trace = Trace()
        found = "no error"
        try:
            interpret(self.program, facts, data, variables, trace=trace, limits=self._limits)
        except RunError as error:
            if (error.code, error.level, error.path) == (code, level, path):
                return error
            found = f"{error.code} at {error.path}"
        message = f"The compiled program failed with {code} at {path}, the interpreter with {found}."
        params = {"compiled": str(code), "interpreted": found, "failure": repr(failure)[:200]}
        return RunError(
            Code.DSL_UNEXPECTED, message, params, path=path, node_id=path, level=level, trace=trace
        )


def _code(module: object, program: Program) -> CodeType:
    """Return the code of the only function of a module, without ever running the module."""
    compiled = compile(cast("str", module), f"<strategy {program.digest[:12]}>", "exec")
    return next(each for each in compiled.co_consts if isinstance(each, CodeType))


_NATIVE: Final[dict[tuple[type[Exception], bool], Code]] = {
    (ZeroDivisionError, False): Code.DSL_ARITH_DIV_BY_ZERO,
    (OverflowError, False): Code.DSL_NUMBER_RANGE,
    (TypeError, False): Code.DSL_ARITH_TYPE_MISMATCH,
    (TypeError, True): Code.DSL_COMPARE_TYPE_MISMATCH,
}
"""What Python's own errors mean, by whether the node is a comparison."""

_FAILURES: Final = {
    "bad_fact": Code.DSL_FACT_TYPE,
    "bad_variable": Code.DSL_VARIABLE_TYPE,
    "bad_operand": Code.DSL_ARITH_TYPE_MISMATCH,
    "bad_argument": Code.DSL_FUNC_ARGUMENT,
    "bad_order": Code.DSL_COMPARE_TYPE_MISMATCH,
    "out_of_range": Code.DSL_NUMBER_RANGE,
    "not_assigned": Code.DSL_ASSIGN_POINTS_NOT_NUMBER,
    "not_added": Code.DSL_ADD_POINTS_NOT_NUMBER,
    "not_set": Code.DSL_SET_POINTS_NOT_NUMBER,
}


def _fail(code: Code) -> NoReturn:
    raise Fault(code, code.description)


def _globals(program: Program, limits: Limits) -> dict[str, object]:
    """Return all that a generated function can see."""
    return {
        "__builtins__": {},
        "type": type,
        "int": int,
        "float": float,
        "str": str,
        "bool": bool,
        "list": list,
        "KeyError": KeyError,
        "new": tuple.__new__,
        "Outcome": Outcome,
        "prepare": partial(prepare_data, program),
        "round": round,
        "case_name": case_name_value,
        "check_callback": partial(check_callback, max_bytes=limits.max_callback_bytes),
        **{f"function_{name}": function for name, function in FUNCTIONS.items()},
        **{name: partial(_fail, code) for name, code in _FAILURES.items()},
    }
