"""What differs between two programs, rule by rule. Pure: JSON in, changes out.

Rules have no names that must be unique, so the ones that correspond are found: by their id, where it occurs once on
either side; by being equal; and last by likeness, the most alike first. Everything here treats both sides alike,
so that the difference from b to a is the difference from a to b turned round.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import zip_longest
from typing import Final

from strategies import dsl
from strategies.dsl.nodes import Rule
from strategies.dsl.wording import condition_text, statement_text

RULE_SECTIONS: Final = ("pre_rules", "rules", "post_rules")
NAMED_SECTIONS: Final = ("variables", "inputs", "parent_variables")
MAX_DETAILS: Final = 50
MAX_WORDS: Final = 300
ALIKE: Final = 0.4
"""The share of what two rules say that must be common to both, for one to count as the other, changed."""


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Detail:
    """A value within a changed part; a path or value is None on the side that lacks it."""

    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Change:
    """A part that differs. `moved` says that a changed rule also stands elsewhere among those that stayed.

    `was` and `now` are the two sides in words, None on the side that lacks it.
    """

    section: str
    kind: Kind
    path_before: str | None
    path_after: str | None
    before: object
    after: object
    label: str
    was: str | None
    now: str | None
    moved: bool = False
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class _Item:
    """A rule at its place."""

    index: int
    source: object

    @cached_property
    def text(self) -> str:
        return _text(self.source)

    @cached_property
    def id(self) -> str | None:
        label = self.source.get("id") if isinstance(self.source, Mapping) else None
        return label if isinstance(label, str) else None

    @cached_property
    def said(self) -> Counter[tuple[str, str]]:
        """What a rule says, without the ids: every value with the key that it stands under."""
        return Counter(_said(self.source, ""))

    @cached_property
    def n_said(self) -> int:
        return self.said.total()


_Pair = tuple[_Item, _Item]


def diff(before: Mapping[str, object], after: Mapping[str, object], *, kind: dsl.Kind) -> list[Change]:
    """Compare two programs of a strategy. Nothing is listed if and only if they say the same.

    Sections come in the order of a run, declarations last; a section that is absent is an empty one.
    """
    words = _Words(_sentences(before, kind), _sentences(after, kind))
    changes = [
        *_rules("pre_rules", before, after, words),
        *_rules("rules", before, after, words),
        *_default(before, after, words),
        *_rules("post_rules", before, after, words),
    ]
    for section in NAMED_SECTIONS:
        changes += _named(section, _mapping(before, section), _mapping(after, section), f"{section}/")
    known = {*RULE_SECTIONS, *NAMED_SECTIONS, "default"}
    rest_before, rest_after = (
        {key: source[key] for key in source if key not in known} for source in (before, after)
    )
    return [*changes, *_named("program", rest_before, rest_after, "")]


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────
def _rules(
    section: str, before: Mapping[str, object], after: Mapping[str, object], words: "_Words"
) -> Iterator[Change]:
    old, new = _items(before, section), _items(after, section)
    pairs = _correspond(old, new)
    moved = _moved(pairs)
    partner = {right.index: left for left, right in pairs}
    stayed = {left.index for left, _ in pairs}
    for item in old:
        if item.index not in stayed:
            path = f"{section}/{item.index}"
            was = words.before(path, item.id)
            yield Change(section, Kind.REMOVED, path, None, item.source, None, f"Removed {was}", was, None)
    for item in new:
        path = f"{section}/{item.index}"
        left = partner.get(item.index)
        if left is None:
            now = words.after(path, item.id)
            yield Change(section, Kind.ADDED, None, path, None, item.source, f"Added {now}", None, now)
        elif left.text != item.text or item.index in moved:
            yield _changed_rule(section, left, item, words, moved=item.index in moved)


def _changed_rule(section: str, left: _Item, right: _Item, words: "_Words", *, moved: bool) -> Change:
    old_path, new_path = f"{section}/{left.index}", f"{section}/{right.index}"
    was, now = words.before(old_path, left.id), words.after(new_path, right.id)
    where = f"from place {left.index + 1} to {right.index + 1}"
    label = f"Moved {now} {where}"
    change = Change(
        section, Kind.MOVED, old_path, new_path, left.source, right.source, label, was, now, moved
    )
    if left.text == right.text:
        return change
    label = f"Changed {was} to {now}" if was != now else f"Changed {now}"
    return replace(
        change,
        kind=Kind.CHANGED,
        label=f"{label}, moved {where}" if moved else label,
        details=_details(left.source, right.source),
    )


def _correspond(old: list[_Item], new: list[_Item]) -> list[_Pair]:
    """Pair the rules of both sides, each at most once; in the order of the old side."""
    pairs = _same_key(old, new, "id")
    for pair_up in (_equal, _alike):
        rest_old = _without(old, (left for left, _ in pairs))
        rest_new = _without(new, (right for _, right in pairs))
        pairs += pair_up(rest_old, rest_new)
    return sorted(pairs, key=lambda pair: pair[0].index)


def _same_key(old: list[_Item], new: list[_Item], key: str) -> list[_Pair]:
    """Pair by a key that occurs once on either side."""
    sides = []
    for items in (old, new):
        counts = Counter(getattr(item, key) for item in items)
        sides.append({getattr(item, key): item for item in items if counts[getattr(item, key)] == 1})
    left, right = sides
    return [(left[value], right[value]) for value in left if value is not None and value in right]


def _equal(old: list[_Item], new: list[_Item]) -> list[_Pair]:
    """Pair equal rules, the first with the first."""
    waiting: dict[str, list[_Item]] = {}
    for item in reversed(new):
        waiting.setdefault(item.text, []).append(item)
    return [(item, waiting[item.text].pop()) for item in old if waiting.get(item.text)]


def _alike(old: list[_Item], new: list[_Item]) -> list[_Pair]:
    """Pair the most alike, then the nearest. Ties are between pairs that do not stand in each other's way."""
    ranked = sorted(
        (-likeness, abs(left.index - right.index), left.index + right.index, left.index, right.index)
        for left in old
        for right in new
        if (likeness := _likeness(left, right)) >= ALIKE
    )
    lefts, rights = {item.index: item for item in old}, {item.index: item for item in new}
    return [(lefts.pop(i), rights.pop(j)) for *_, i, j in ranked if i in lefts and j in rights]


def _likeness(left: _Item, right: _Item) -> float:
    """Return the share of what is said on either side that is said on both."""
    theirs = right.said
    common = sum(min(n, theirs[said]) for said, n in left.said.items() if said in theirs)
    return common / max(left.n_said + right.n_said - common, 1)


def _moved(pairs: Sequence[_Pair]) -> set[int]:
    """Find the pairs that left the order of the others, by their index on the new side.

    Those stay that belong to every longest run in which both sides have the same order: where two rules have
    changed places, neither stays, as nothing says which one it was that moved.
    """
    order = [right.index for _, right in pairs]
    upto = [1] * len(order)
    for i, value in enumerate(order):
        upto[i] += max((upto[k] for k in range(i) if order[k] < value), default=0)
    onward = [1] * len(order)
    for i in reversed(range(len(order))):
        onward[i] += max((onward[k] for k in range(i + 1, len(order)) if order[k] > order[i]), default=0)
    longest = max(upto, default=0)
    in_some = [i for i in range(len(order)) if upto[i] + onward[i] - 1 == longest]
    rivals = Counter(upto[i] for i in in_some)
    stays = {order[i] for i in in_some if rivals[upto[i]] == 1}
    return set(order) - stays


# ── The default, and what is declared by name ────────────────────────────────────────────────────
def _default(before: Mapping[str, object], after: Mapping[str, object], words: "_Words") -> Iterator[Change]:
    old, new = before.get("default"), after.get("default")
    if _text(old) == _text(new):
        return
    was, now = words.before("default", None), words.after("default", None)
    if old is None:
        label = f"Added the default: {now}"
        yield Change("default", Kind.ADDED, None, "default", None, new, label, None, now)
    elif new is None:
        label = f"Removed the default: {was}"
        yield Change("default", Kind.REMOVED, "default", None, old, None, label, was, None)
    else:
        label = f"Changed the default: {was} to {now}"
        yield Change(
            "default",
            Kind.CHANGED,
            "default",
            "default",
            old,
            new,
            label,
            was,
            now,
            details=_details(old, new),
        )


def _named(
    section: str, before: Mapping[str, object], after: Mapping[str, object], prefix: str
) -> Iterator[Change]:
    noun = {"variables": "variable ", "inputs": "input ", "parent_variables": "parent's variable "}.get(
        section, ""
    )
    for name in sorted({*before, *after}):
        path, what = prefix + name, noun + name
        old, new = before.get(name), after.get(name)
        was, now = _shown(old), _shown(new)
        if name not in after:
            label = f"Removed {what}, which was {was}"
            yield Change(section, Kind.REMOVED, path, None, old, None, label, f"{what}: {was}", None)
        elif name not in before:
            label = f"Added {what}: {now}"
            yield Change(section, Kind.ADDED, None, path, None, new, label, None, f"{what}: {now}")
        elif _text(old) != _text(new):
            label = f"Changed {what} from {was} to {now}"
            words, details = (f"{what}: {was}", f"{what}: {now}"), _details(old, new)
            yield Change(section, Kind.CHANGED, path, path, old, new, label, *words, details=details)


# ── Words ────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class _Words:
    """The rules and defaults of both sides in words, by path."""

    old: Mapping[str, str]
    new: Mapping[str, str]

    def before(self, path: str, name: str | None) -> str:
        return _called(self.old.get(path), path, name)

    def after(self, path: str, name: str | None) -> str:
        return _called(self.new.get(path), path, name)


def _called(words: str | None, path: str, name: str | None) -> str:
    if path == "default":
        return words or path
    rule = f"rule {name}" if name else "the rule"
    return f"{rule}: {words}" if words else f"{rule} ({path})"


def _sentences(source: Mapping[str, object], kind: dsl.Kind) -> dict[str, str]:
    """Put rules and the default into words; none of them where the program does not validate by itself."""
    program = dsl.validate(source, kind=kind).program
    if program is None:
        return {}
    root = program.root
    words = {rule.path: _rule_text(rule) for rule in (*root.pre_rules, *root.rules, *root.post_rules)}
    if root.default is not None:
        words["default"] = _cut(statement_text(root.default))
    return words


def _rule_text(rule: Rule) -> str:
    parts: list[str] = []
    for branch in rule.branches:
        lead = "otherwise" if branch.when is None else f"if {condition_text(branch.when)}"
        then = "; ".join(statement_text(statement) for statement in branch.then)
        parts.append(f"{'else ' if parts and branch.when is not None else ''}{lead}: {then}")
    return _cut(", ".join(parts))


def _shown(value: object) -> str:
    return _cut(_text(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────
def _text(value: object) -> str:
    """Write canonical JSON: Python's own equality takes 1 for true."""
    return dsl.canonical_json(value).decode()


def _items(source: Mapping[str, object], section: str) -> list[_Item]:
    rules = source.get(section)
    return [_Item(i, rule) for i, rule in enumerate(rules)] if isinstance(rules, list) else []


def _mapping(source: Mapping[str, object], section: str) -> Mapping[str, object]:
    declared = source.get(section)
    return declared if isinstance(declared, Mapping) else {}


def _without(items: list[_Item], taken: Iterator[_Item]) -> list[_Item]:
    indices = {item.index for item in taken}
    return [item for item in items if item.index not in indices]


def _said(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "id":
                yield from _said(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, key)
    else:
        yield key, _text(value)


def _details(before: object, after: object) -> tuple[Detail, ...]:
    return tuple(_leaves(before, after, ""))[:MAX_DETAILS]


def _leaves(before: object, after: object, path: str) -> Iterator[Detail]:
    """Yield the innermost values that differ; a path is relative to the part that changed, "" for all of it."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.get("type") == after.get("type"):
        for name in sorted({*before, *after}):
            yield from _leaves(before.get(name), after.get(name), f"{path}/{name}".lstrip("/"))
    elif isinstance(before, list) and isinstance(after, list):
        for i, (old, new) in enumerate(zip_longest(before, after)):
            yield from _leaves(old, new, f"{path}/{i}".lstrip("/"))
    elif _text(before) != _text(after):
        yield Detail(path, before, after)
