"""Imports between rooms go one way: cli -> report, compare -> classifier -> training -> layers -> kernels."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import convlet

ROOT = Path(convlet.__file__).parent

MAY_IMPORT = {
    "errors": set(),
    "system": {"errors"},
    "random": {"errors"},
    "atomic": {"errors"},
    "limits": set(),
    "kernels": {"errors", "limits"},
    "layers": {"errors", "kernels"},
    "architecture": {"errors", "layers"},
    "sealed_file": {"layers"},
    "likeness": {"errors"},
    "model_header": {"errors", "architecture", "data", "layers", "likeness", "sealed_file", "training"},
    "data": {"errors", "random"},
    "training": {"errors", "limits", "random", "architecture", "layers_table", "layers", "kernels", "likeness", "data"},
    "model_file": {"errors", "atomic", "model_header", "sealed_file", "training"},
    "checkpoint_file": {"errors", "atomic", "sealed_file", "training"},
    "checkpoints": {"errors", "atomic", "checkpoint_file", "layers", "model_file", "training"},
    "lock": {"errors"},
    "run_folder": {"errors", "atomic", "checkpoints", "layers", "model_file", "training"},
    "run_list": {"errors", "checkpoint_file", "checkpoints", "lock", "run_folder"},
    "plots": {"errors", "evaluation", "interpret", "layers", "thumbnails", "training"},
    "interpret": {"errors", "random", "layers", "trace_cost", "training"},
    "trace_cost": {"layers", "training"},
    "headline": set(),
    "mistakes": set(),
    "evaluation": {"errors", "headline", "mistakes"},
    "predicting": {"errors", "data", "likeness", "training"},
    "findings": {
        "errors",
        "architecture",
        "data",
        "evaluation",
        "headline",
        "interpret",
        "layers",
        "mistakes",
        "thumbnails",
        "trace_cost",
        "training",
    },
    "machine": {"training"},
    "presets": {"errors", "training"},
    "recipes": {"errors", "architecture", "presets", "training"},
    "benchmark": {"random", "architecture", "layers", "machine", "training"},
    "layers_table": {"architecture", "layers"},
    "classifier_inputs": {"classifier_parameters", "data", "likeness"},
    "classifier_parameters": {"recipes", "training"},
    "classifier_callbacks": set(),
    "classifier_training": {"errors", "architecture", "classifier_parameters", "data", "model_file", "training"},
    "classifier": {
        *("architecture", "classifier_inputs", "classifier_callbacks", "classifier_parameters"),
        *("classifier_training", "layers_table", "recipes", "training"),
    },
    "trial": {"errors", "architecture", "data", "evaluation", "headline", "mistakes", "run_folder", "training"},
    "compare": {
        *("errors", "architecture", "data", "evaluation", "machine", "presets", "random", "recipes", "run_folder"),
        *("training", "trial"),
    },
    "report": {"errors", "thumbnails"},
    "thumbnails": set(),
    "cli": {
        *("errors", "atomic", "architecture", "data", "evaluation", "machine", "model_file", "presets"),
        *("recipes", "likeness", "mistakes", "predicting"),
        *(
            "benchmark",
            "checkpoints",
            "compare",
            "findings",
            "limits",
            "lock",
            "report",
            "run_folder",
            "run_list",
            "training",
            "trial",
            "kernels",
        ),
    },
}
"""What each room may import, itself, `errors` and `system` aside. layers -> kernels is allowed by the rule, though no layer needs it."""


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    """The rooms that a file imports, wherever in the file the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("convlet."):
                room = room_of(name)
                if (ROOT / room).is_dir() or (ROOT / f"{room}.py").exists():
                    found.add(room)
    return found


FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or not path.stem.startswith("__"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    everywhere = {room} if room in ("errors", "system") else {room, "system", "errors"}
    assert imported(path) - everywhere <= MAY_IMPORT[room]


def test_every_room_has_its_rule():
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES}
    assert rooms == set(MAY_IMPORT)


def test_no_layer_knows_threads_or_numba():
    for path in (ROOT / "layers").glob("*.py"):
        words = {name.split(".")[0] for name in _modules(path)}
        assert not words & {"numba", "llvmlite", "threading", "concurrent"}, path


def test_only_kernels_speak_numba():
    for path in FILES:
        if path.parent.name != "kernels":
            assert "numba" not in {name.split(".")[0] for name in _modules(path)}, path


def _modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_the_rule_notices_an_arrow_that_goes_back(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("def f():\n    from convlet.training import train\n")
    assert not imported(path) <= MAY_IMPORT["layers"]
