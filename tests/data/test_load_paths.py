"""No way of reading a file runs anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import load_paths


def run(folder, program=("-m", "tests.torture.load_paths")):
    return subprocess.run(
        [sys.executable, *program, str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_no_load_path_runs_code_reads_pickles_or_opens_sockets(tmp_path):
    load_paths.prepare(tmp_path)
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    read, refused = map(int, done.stdout.split())
    assert read + refused == len(list(tmp_path.iterdir()))
    assert read >= 12
    assert refused >= 5


@pytest.mark.parametrize(
    "act",
    [
        "exec('1')",
        "compile('1', '', 'eval')",
        "pickle.loads(pickle.dumps(print))",
        "socket.socket()",
        "os.system('true')",
        "subprocess.run(['true'])",
    ],
)
def test_the_hook_notices(tmp_path, act):
    modules = "import os, pickle, socket, subprocess, sys; from tests.torture import load_paths"
    done = run(tmp_path, ("-c", f"{modules}; sys.addaudithook(load_paths.forbid); {act}"))
    assert done.returncode == 3
    assert done.stdout.startswith("forbidden while loading: ")
