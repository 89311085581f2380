"""Imports go one way, from the rooms above to the rooms below, and never in a circle. docs/concept.md draws the rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convlet

ROOT = Path(convlet.__file__).parent

ORDER = (
    *("errors", "random", "system", "records", "report.notebook"),
    *("layers", "network", "likeness", "data"),
    *("kernels.shapes", "kernels.target", "kernels.tuned", "kernels.registry"),
    *("kernels.vectors", "kernels.calling", "kernels.products", "kernels.maps", "kernels.threads", "kernels.compiler"),
    *("learning", "engine", "model", "training"),
    *("measure", "interpret", "evaluation", "plots", "export"),
    *("recipes", "runs", "trials", "estimator", "findings", "report", "cli"),
)
"""From the ground up: a file imports only from its own room and from those before it. `report.notebook` draws a small table
from plain rows; models show themselves with it, so it stands at the bottom and imports nothing."""

MOST_SINGLE_FILES = 8


def room_of(module: str) -> str:
    """The room of a module such as "convlet.kernels.maps.pool": the longest name in ORDER that begins it."""
    parts = module.removeprefix("convlet.").split(".")
    return next((".".join(parts[:n]) for n in (2, 1) if ".".join(parts[:n]) in ORDER), "")


def name_of(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """The modules of convlet that a file imports, wherever in the file the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("convlet.")}


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
INSIDE = {name: path for name, path in MODULES.items() if name not in ("convlet", "convlet.__main__")}


def upward(name: str, path: Path) -> list[str]:
    """The modules that a file imports from rooms above its own."""
    own = ORDER.index(room_of(name))
    return sorted(other for other in imported(path) if room_of(other) and ORDER.index(room_of(other)) > own)


@pytest.mark.parametrize("name", INSIDE)
def test_a_file_imports_only_from_rooms_below(name):
    if name != "convlet.kernels":  # the folder itself holds nothing
        assert upward(name, INSIDE[name]) == []


def test_every_file_stands_in_a_room():
    assert [name for name in INSIDE if not room_of(name) and name != "convlet.kernels"] == []
    assert [room for room in ORDER if not any(room_of(name) == room for name in INSIDE)] == []


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components of more than one)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = lowest[name] = len(index)
        stack.append(name)
        for other in sorted(arrows[name]):
            if other not in index:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], index[other])
        if lowest[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1 or name in arrows[name]:
                found.append(sorted(group))

    for name in arrows:
        if name not in index:
            visit(name)
    return found


def test_no_imports_go_in_a_circle():
    assert circles({name: imported(path) & set(MODULES) for name, path in INSIDE.items()}) == []


def test_few_files_stand_alone():
    assert len(list(ROOT.glob("*.py"))) <= MOST_SINGLE_FILES


def test_no_layer_knows_threads_or_numba():
    for path in (ROOT / "layers").glob("*.py"):
        assert not _foreign(path) & {"numba", "llvmlite", "threading", "concurrent"}, path


def test_only_kernels_speak_numba():
    for name, path in INSIDE.items():
        if not name.startswith("convlet.kernels"):
            assert "numba" not in _foreign(path), path


@pytest.mark.parametrize(
    "module", ["model.model", "model.model_file", "model.predicting", "interpret", "export.writing"]
)
def test_what_only_predicts_never_loads_what_trains(module):
    script = f"import sys, convlet.{module}; print([m for m in sys.modules if m.startswith('convlet.training')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _foreign(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def test_the_rule_notices_an_arrow_that_goes_up(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("def f():\n    from convlet.training import loop\n")
    assert upward("convlet.layers.wrong", path) == ["convlet.training.loop"]
    path.write_text("from convlet.kernels.compiler import cache\n")
    assert upward("convlet.kernels.maps.wrong", path) == ["convlet.kernels.compiler.cache"]


def test_the_rule_notices_a_circle():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []
