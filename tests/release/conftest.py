"""The archives of a release, built once: what pip would get, outside the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent

FILES = (
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md"),
    *("pyproject.toml", "setup.py", ".ci/run"),
)
FOLDERS = ("benchmarks", "convlet", "docs", "examples", "tests")
LEFT_OUT = ("__pycache__", "node_modules", "*.pyc")


class Archives(NamedTuple):
    """The two files of a release, and the folder they were built from."""

    wheel: Path
    source: Path
    tree: Path


def run(command, folder, **environment):
    """What a command prints; it must succeed."""
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(tree):
    """The files below a folder, as paths relative to it."""
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def archives(tmp_path_factory):
    """Built from a copy: setuptools writes into the folder it builds from, and reads there what it once wrote."""
    place = tmp_path_factory.mktemp("release")
    tree, built = place / "tree", place / "built"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in FILES:
        (tree / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    before = files(tree)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", built, tree], place)
    for path in files(tree) - before:
        (tree / path).unlink()
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    assert len(list(built.iterdir())) == 2
    return Archives(wheel, source, tree)
