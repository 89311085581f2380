"""Whether a value is what a record says: the keys that it must have, none that it does not know, and their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict


def keys(record: Any) -> tuple[set[str], set[str]]:
    """The keys that a record must have, and those that it may have."""
    hints = get_type_hints(record, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired} | record.__optional_keys__
    return set(hints) - optional, optional


def faults(value: Any, hint: Any, place: str = "") -> list[str]:
    """What in a value is not as its type says, each with its place; nothing if all is."""
    kind, parts = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return []
    if is_typeddict(hint):
        return _record(value, hint, place)
    if kind in (Union, UnionType):
        each = [faults(value, part, place) for part in parts]
        return [] if [] in each else min(each, key=len)
    if kind is Literal:
        return [] if value in parts else [f"{place}: {value!r} is none of {parts}"]
    if kind in (list, Sequence):
        if not isinstance(value, list | tuple):
            return [f"{place}: {type(value).__name__} is not a list"]
        return [fault for k, item in enumerate(value) for fault in faults(item, parts[0], f"{place}[{k}]")]
    if kind in (dict, Mapping):
        if not isinstance(value, dict):
            return [f"{place}: {type(value).__name__} is not a dictionary"]
        return [fault for name, item in value.items() for fault in faults(item, parts[1], f"{place}.{name}")]
    plain = (kind or hint) if hint is not None else NoneType
    allowed = (int, float) if plain is float else (plain,)
    right = isinstance(value, allowed) and not (isinstance(value, bool) and plain is not bool)
    return [] if right else [f"{place}: {type(value).__name__} is not {plain.__name__}"]


def _record(value: Any, record: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {type(value).__name__} is not a {record.__name__}"]
    required, optional = keys(record)
    hints = get_type_hints(record)
    found = [f"{place}.{name}: is missing" for name in sorted(required - set(value))]
    found += [f"{place}.{name}: is unknown to {record.__name__}" for name in sorted(set(value) - required - optional)]
    known = [name for name in value if name in hints]
    return found + [fault for name in known for fault in faults(value[name], hints[name], f"{place}.{name}")]
