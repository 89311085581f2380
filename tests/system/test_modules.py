"""Nothing in the current folder is ever run: not by a command, not by the processes that a command starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import convlet
from convlet.cli.main import COMMANDS
from convlet.system.modules import safe_path
from tests.data.files import write_idx

ROOT = Path(convlet.__file__).parent.parent
PLANTED = """import os, sys
with open(os.environ["MARK"], "a") as file:
    file.write(f"{__name__} in {sys.argv}\\n")
raise SystemExit(f"{__name__} was run")
"""
NAMES = ("json", "numpy", "numba", "llvmlite", "sitecustomize", "usercustomize", "click", "rich", "typing", "pickle")
ALL = """import sys
from convlet.cli.main import main
from convlet.kernels.compiler import helpers
started = []
start = helpers._start
helpers._start = lambda count: started.extend(start(count)) or started
words = ["conv2-pool"]
many = ["--epochs", "1", "--threads", "2", "--quiet"]
for given in [
    ["train", "idx", "-a", *words, *many, "--output", "run"],
    ["train", "--resume", "run"],
    ["compare", "idx", *words, *many, "--json", "out.json"],
    ["recipes"],
    ["evaluate", "run/model.safetensors", "idx"],
    ["predict", "run/model.safetensors", "picture.png"],
    ["export", "run/model.safetensors", "--to", "onnx"],
    ["inspect", "run/model.safetensors"],
    ["benchmark", *words, "--input", "8x8x1", "--batch", "8"],
    ["report", "run"],
    ["runs", "."],
    ["cache", "info"],
    ["cache", "clear"],
    ["data", "list"],
    ["data", "info", "idx"],
]:
    print("ended", given[0], main(given))
print("helpers", len(started))
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder with a stranger's modules beside his pictures; the file that they would write."""
    from PIL import Image

    folder = tmp_path / "strange"
    write_idx(folder / "idx", images=90, test_images=30, size=(8, 8))
    Image.new("L", (8, 8), 100).save(folder / "picture.png")
    for name in NAMES:
        (folder / f"{name}.py").write_text(PLANTED)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path / "cold"))
    monkeypatch.delenv("CONVLET_BACKEND", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path / "mark"


def run(*command, **environment):
    given = [sys.executable, *map(str, command)]
    return subprocess.run(given, capture_output=True, text=True, timeout=300, env=os.environ | environment)


def test_no_command_runs_what_lies_in_the_current_folder(planted):
    (Path.cwd() / "convlet.py").write_text(PLANTED)
    done = run("-P", "-c", ALL)
    assert not planted.exists(), planted.read_text()
    assert done.returncode == 0, done.stderr
    ended = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("ended ")]
    assert {name for name, code in ended if code == "0"} == set(COMMANDS)
    assert [code for _, code in ended if code != "0"] == []
    assert int(done.stdout.split("helpers ")[-1]) >= 2


@pytest.mark.parametrize("path", [None, "", ":", os.pathsep.join(["", str(ROOT)]), str(ROOT)])
def test_python_m_does_not_run_it_either(planted, path):
    """`typing` and the like are loaded by Python itself before it comes to us, so they are not planted here."""
    os.unlink("typing.py")
    outside = {} if path is None else {"PYTHONPATH": path}
    if path is not None:  # Python runs this one at its start, before any program
        os.unlink("sitecustomize.py")
        os.unlink("usercustomize.py")
    done = run("-m", "convlet", "runs", ".", **outside)
    assert not planted.exists(), planted.read_text()
    assert (done.returncode, done.stderr) == (0, "")
    assert "there are no runs in ." in done.stdout


@pytest.mark.parametrize("given", [None, "", ":", "."])
def test_the_current_folder_is_left_out(monkeypatch, tmp_path, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), ".", "some", str(tmp_path / "some"), "/lib", None])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if given is not None:
        monkeypatch.setenv("PYTHONPATH", given)
    assert safe_path() == [str(tmp_path / "some"), "/lib"]


def test_the_current_folder_stays_where_it_was_asked_for_by_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/lib"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/other", str(tmp_path)]))
    assert safe_path() == [str(tmp_path), "/lib"]


def test_a_current_folder_that_was_removed_is_no_failure(monkeypatch):
    def gone():
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", gone)
    monkeypatch.setattr(sys, "path", ["", "/lib"])
    assert safe_path() == ["/lib"]
