"""Our language among its peers: the same strategy, compiled as scoring runs it, interpreted, traced, and the mix of both.

Vetoes are pre_rules, bonuses stand as add_points before the first-match rules, the cap is a post rule, facts are data.*.
"""
import sys
from pathlib import Path

import workload as w
from engines import engine

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from strategies.dsl import Kind, Trace, compile_program, interpret, validate  # noqa: E402

NAMES = {path: path.replace(".", "_") if not path.startswith("data.") else path[5:] for path in w.FIELDS}
TYPES = {"number": "number", "text": "text", "bool": "boolean"}


def _expr(n):
    t = n["type"]
    if t == "literal": return {"type": "literal", "value": n["value"]}
    if t == "field": return {"type": "field", "path": "data." + NAMES[n["path"]]}
    if t == "variable": return {"type": "variable", "name": n["name"]}
    if t == "points": return {"type": "field", "path": "result.points"}
    if t in ("compare", "arith"): return {"type": t, "op": n["op"], "left": _expr(n["left"]), "right": _expr(n["right"])}
    if t in ("and", "or"): return {"type": t, "args": [_expr(x) for x in n["args"]]}
    if t == "not": return {"type": "not", "arg": _expr(n["arg"])}
    if n["name"] in ("min", "max"): return {"type": "arith", "op": n["name"], "left": _expr(n["args"][0]), "right": _expr(n["args"][1])}
    return {"type": "func_call", "name": n["name"], "args": [_expr(x) for x in n["args"]]}


def _rule(r, then): return {"type": "rule", "id": r["name"], "when": _expr(r["when"]) if r["when"] else {"type": "literal", "value": True}, "then": then}


def program(inputs):
    guards, first, rest = w.PROGRAM["sections"]
    pre = [_rule(r, [{"type": "veto", "case_name": r["then"][0]["case_name"]}]) for r in guards["rules"]]
    add = [_rule(r, [_add(s, r["name"]) for s in r["then"]]) for r in rest["rules"][:-1]]
    match = [_rule(r, [{"type": "assign_points", "value": _expr(r["then"][0]["value"]), "case_name": r["then"][1]["case_name"]}]) for r in first["rules"]]
    cap = rest["rules"][-1]
    post = [_rule(cap, [{"type": "set_points", "value": _expr(cap["then"][0]["value"])}, _add(cap["then"][1], "")])]
    made = {"type": "program", "variables": w.V, "pre_rules": pre, "rules": add + match, "post_rules": post}
    if inputs: made["inputs"] = {NAMES[k]: {"type": TYPES[t], "required": True} for k, t in w.FIELDS.items()}
    checked = validate(made, kind=Kind.FULL)
    if not checked.valid: raise SystemExit(checked.problems)
    return checked.program


def _add(s, label):
    if s["type"] == "add_points": return {"type": "add_points", "value": _expr(s["value"]), "label": label}
    return {"type": "set_callback_data", "key": s["key"], "value": _expr(s["value"])}


def prepare(f): return {NAMES[k]: v for k, v in f.items()}
def normalise(o): return (0, o.case_name, {}, True) if o.kind == "veto" else (o.points, o.case_name, o.callback_data, False)


def _compiled(inputs):
    p = program(inputs); run, v = compile_program(p).run, p.variables
    return prepare, (lambda d: run({}, d, v)), normalise


@engine("a1", "ours, compiled", note="CompiledProgram.run, all checks on")
def _(): return _compiled(False)
@engine("a2", "ours, compiled, 19 inputs declared", note="the event is checked against its inputs")
def _(): return _compiled(True)
@engine("a3", "ours, interpreted")
def _():
    p = program(False); v = p.variables
    return prepare, (lambda d: interpret(p, {}, d, v)), normalise
@engine("a4", "ours, interpreted, traced", trace="every node", note="JSON of the trace is made after the answer is sent")
def _():
    p = program(False); v = p.variables
    return prepare, (lambda d: interpret(p, {}, d, v, trace=Trace(200))), normalise
@engine("a5", "ours, interpreted, traced, trace as JSON", trace="every node", note="entries made at once")
def _():
    p = program(False); v = p.variables
    def ev(d):
        t = Trace(200); o = interpret(p, {}, d, v, trace=t); t.entries
        return o
    return prepare, ev, normalise
@engine("a6", "ours, 5 % traced", trace="1 in 20", note="what production runs, trace as JSON included")
def _():
    p = program(False); run, v = compile_program(p).run, p.variables
    turn = [0]
    def ev(d):
        turn[0] += 1
        if turn[0] % 20: return run({}, d, v)
        t = Trace(200); o = interpret(p, {}, d, v, trace=t); t.entries
        return o
    return prepare, ev, normalise
