"""What a model can be exported to, and the contract of each target.

A target is a module with `TARGET`. Adding one is a row in HOMES, that module, and a rule for each operation; what a
target has no rule for it refuses by name (`rule_for`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from convlet.errors import ArchitectureError, InputError, SettingsError
from convlet.export.graph import Graph
from convlet.export.operations import Operation
from convlet.export.proof import Proof
from convlet.layers.base import Array

HOMES = {"onnx": "convlet.export.onnx_file", "torch": "convlet.export.torch_module"}
"""The module of each target."""

Options = Mapping[str, str]
Files = dict[str, bytes]
"""The bytes of each file by its suffix, as in {".py": ..., ".safetensors": ...}."""


@dataclass(frozen=True)
class Target:
    """How a graph becomes files, and how they are run.

    Parameters
    ----------
    suffixes : of the files it writes, the main one first
    named_by_suffix : whether the main file must have its suffix, because the others are found by it
    packages : what must be installed, to write and to run
    remedy : how they are installed
    options : the values of each option, the default first
    carries : which of `Graph.EXTRAS` go along
    check : refuses, before any work, what the target cannot carry
    build : (graph, options, the proof to keep) -> files; the same input gives the same bytes
    run : (files, graph, options, images (n, H, W, C)) -> logits float32 (n, classes), computed by what was built
    """

    suffixes: tuple[str, ...]
    packages: tuple[str, ...]
    remedy: str
    options: Mapping[str, tuple[str, ...]]
    check: Callable[[Graph, Options], None]
    build: Callable[[Graph, Options, Proof], Files]
    run: Callable[[Files, Graph, Options, Array], Array]
    carries: frozenset[str] = frozenset()
    named_by_suffix: bool = False


def target(name: str) -> Target:
    """Return the target of this name, with its packages at hand.

    Raises
    ------
    SettingsError : there is no such target
    InputError : a package is missing
    """
    if name not in HOMES:
        close = get_close_matches(str(name), HOMES, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise SettingsError(f"unknown target {name!r:.60}: expected {' or '.join(HOMES)}{hint}")
    found: Target = importlib.import_module(HOMES[name]).TARGET
    for package in found.packages:
        try:
            importlib.import_module(package)
        except ImportError:
            raise InputError(f"exporting to {name} needs {package}; install it with: {found.remedy}") from None
    return found


def checked_options(name: str, known: Mapping[str, tuple[str, ...]], given: Mapping[str, Any]) -> dict[str, str]:
    """Return a value for each option of a target: what was given, unless it is None, else the default.

    Raises
    ------
    SettingsError : an option that the target does not have, or another value
    """
    chosen = {option: values[0] for option, values in known.items()}
    for option, value in given.items():
        if value is None:
            continue
        if option not in known:
            has = f"it has {' and '.join(known)}" if known else "it has no options"
            raise SettingsError(f"the target {name} has no option '{option}'; {has}")
        if value not in known[option]:
            raise SettingsError(f"{option} must be {' or '.join(known[option])}, but got {value!r:.60}")
        chosen[option] = value
    return chosen


Rule = TypeVar("Rule")


def rule_for(rules: Mapping[type[Operation], Rule], operation: Operation, target: str) -> Rule:
    """Return a target's rule for an operation; ArchitectureError naming both if there is none."""
    rule = rules.get(type(operation))
    if rule is None:
        kind = type(operation).__name__
        raise ArchitectureError(
            f"layer {operation.name} cannot be exported to {target}, which has no rule for {kind}; "
            "replace the layer, or export to another target"
        )
    return rule
