"""The kernel cache: what is written reads again, everything else does not; one line of log where nothing can be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import convlet
from convlet.errors import RunError
from convlet.kernels.compiler import cache, helpers, machine_code, upkeep
from convlet.kernels.compiler import place as cache_place
from convlet.kernels.compiler.entry import read_from
from convlet.kernels.compiler.kernel import Kernel
from tests import torture_cache
from tests.kernels import naive
from tests.kernels.harness import run

COMPILED = ("a_function", bytes(range(256)))
SHORT = ("f", b"code")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache of the test's own."""
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "_said", [])
    return tmp_path / "kernels" / cache_place.fingerprint()


def entry(place, symbol="one"):
    return place / f"{symbol}.o"


def test_what_is_written_reads_again(place):
    assert cache.read("one") is None
    cache.write("one", COMPILED)
    cache.write("two", SHORT)
    assert (cache.read("one"), cache.read("two")) == (COMPILED, SHORT)
    assert sorted(path.name for path in place.iterdir()) == ["one.o", "two.o"]


def test_no_damaged_entry_reads(place):
    cache.write("one", SHORT)
    whole = entry(place).read_bytes()
    for length in range(len(whole)):
        entry(place).write_bytes(whole[:length])
        assert cache.read("one") is None, length
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        entry(place).write_bytes(changed)
        assert cache.read("one") is None, bit
    entry(place).write_bytes(whole + b"\0")
    assert cache.read("one") is None
    entry(place).write_bytes(whole)
    assert cache.read("one") == SHORT


def test_another_kernels_entry_does_not_read_under_this_name(place):
    cache.write("one", COMPILED)
    shutil.copy(entry(place), entry(place, "two"))
    assert cache.read("two") is None


def test_an_entry_of_another_fingerprint_does_not_read(place):
    other = place.parent / ("0" * 32)
    cache.write("one", COMPILED)
    shutil.copytree(place, other)
    assert read_from(other, "one") is None


def test_a_folder_in_place_of_an_entry_is_said_once(place, caplog):
    entry(place).mkdir(parents=True)
    assert cache.read("one") is None
    for _ in range(3):
        cache.write("one", COMPILED)
    assert caplog.messages == [
        f"{place}: compiled kernels cannot be kept (Is a directory), so every process compiles its own; "
        "set CONVLET_CACHE to a folder that can be written"
    ]
    assert [path.name for path in place.iterdir()] == ["one.o"]


def test_a_place_that_cannot_be_written_is_said_once(place, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path / "file" / "below"))
    for symbol in ("one", "two"):
        cache.write(symbol, COMPILED)
        assert cache.read(symbol) is None
    assert caplog.messages == [
        f"{cache_place.folder()}: compiled kernels cannot be kept (Not a directory), so every process compiles its own; "
        "set CONVLET_CACHE to a folder that can be written"
    ]
    assert not upkeep.writable()


@pytest.mark.parametrize("home", [None, Path("~/.cache/convlet")], ids=["refused", "not expanded"])
def test_without_a_home_folder_kernels_live_in_memory(place, home, monkeypatch, caplog):
    def user_cache_path(name):
        if home is None:
            raise RuntimeError("could not determine the home directory")
        return home

    monkeypatch.delenv("CONVLET_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_path", user_cache_path)
    assert cache_place.folder() is None
    assert cache.read("one") is None
    cache.write("one", COMPILED)
    cache.write("two", COMPILED)
    assert caplog.messages == [
        "there is no home folder to keep compiled kernels in; set CONVLET_CACHE to a folder for them"
    ]
    assert (upkeep.others(), upkeep.writable(), upkeep.clear()) == ([], False, (0, 0))


def test_nothing_is_kept_once_a_source_was_edited(place, monkeypatch):
    monkeypatch.setattr(cache_place, "current_fingerprint", lambda: "f" * 32)
    cache.write("one", COMPILED)
    assert not place.exists()


def test_an_edit_in_another_file_is_never_served_old_code(tmp_path):
    """relu stands in activation.py; its zero stands in elementary.py."""
    shutil.copytree(Path(convlet.__file__).parent, tmp_path / "convlet")
    (tmp_path / "program.py").write_text(
        "import sys, numpy as np\n"
        "from convlet.kernels.compiler import cache\n"
        "from convlet.kernels.compiler.kernel import Kernel\n"
        "from convlet.kernels.compiler.machine_code import caller\n"
        "from convlet.kernels.shapes import Grid, MapShape, RowsShape\n"
        "x, y, frame = np.array([1, 3], np.float32), np.zeros(2, np.float32), np.zeros(32, np.int64)\n"
        "frame[0] = 1\n"
        "sizes = MapShape(1, 2, 1, Grid(2, 2, 1), Grid(2, 2, 1), function='relu').sizes\n"
        "operands = np.array([n for value in (x.ctypes.data, y.ctypes.data, *sizes) for n in (16, value)])\n"
        "kernel = Kernel('activate', RowsShape('relu'))\n"
        "there = cache.read(kernel.symbol) is not None\n"
        "caller(kernel)(operands.ctypes.data, frame.ctypes.data)\n"
        "print(*y.tolist(), there)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "CONVLET_CACHE": str(tmp_path / "cache")}

    def came():
        command = [sys.executable, str(tmp_path / "program.py")]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert came() == "1.0 3.0 False\n"
    assert came() == "1.0 3.0 True\n"
    elementary = tmp_path / "convlet" / "kernels" / "vectors" / "elementary.py"
    before = elementary.read_text()
    elementary.write_text(before.replace("np.float32(0)", "np.float32(2)"))
    edited = came()
    assert edited.endswith(" False\n")
    assert not edited.startswith("1.0 3.0")
    elementary.write_text(before)
    assert came() == "1.0 3.0 True\n"


def case(name="store_logits", seed=1):
    return getattr(naive, name)(np.random.default_rng(seed))


def equal(expected):
    return all(np.allclose(came, wanted, atol=1e-5) for came, wanted in expected)


def test_a_damaged_entry_is_compiled_again(place, monkeypatch):
    kernel, operands, fields, expected = case()
    cache.write(kernel.symbol, ("wrong", b"no object file"))
    path = entry(place, kernel.symbol)
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr(machine_code, "_addresses", {})
    run(kernel, operands, **fields)
    assert equal(expected)
    name, code = cache.read(kernel.symbol)
    assert kernel.symbol in name
    assert len(code) > 100


NO_JIT = """
from numba import config, njit
from convlet.kernels.compiler.compile import compile_kernel
from tests.kernels.compiler.test_cache import case
for name in ("store_logits", "conv", "sgd"):
    compile_kernel(case(name)[0])
assert config.DISABLE_JIT == 1
assert not hasattr(njit(lambda x: x), "signatures")
print("compiled")
"""


def test_kernels_compile_although_numba_is_told_not_to():
    """People set NUMBA_DISABLE_JIT to debug functions of their own. It neither reaches ours nor changes for theirs."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", NO_JIT], capture_output=True, text=True, env=environment)
    assert (done.stdout, done.returncode) == ("compiled\n", 0), done.stderr


STRANGE_FOLDER = """
import os, sys, types
sys.modules["yaml"] = types.SimpleNamespace(safe_load=lambda file: {"opt": "0"})
from convlet.kernels.compiler.compile import compile_kernel
from convlet.kernels.compiler.machine_code import obstacle
from tests.kernels.compiler.test_cache import case
kernel, level = case()[0], lambda: int(config.OPT)
assert obstacle() is None
compile_kernel(kernel)
from numba import config
ours = level()
config.reload_config()  # as somebody's own function does when Numba compiles it
theirs = level()
compile_kernel(kernel)
print(ours, theirs, level(), os.path.exists(".numba_config.yaml"))
"""


def test_numbas_settings_in_the_current_folder_do_not_change_our_kernels(place, tmp_path):
    """Such a file may have come with a stranger's pictures, and kernels are kept for every folder."""
    (tmp_path / ".numba_config.yaml").write_text("opt: 0")
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "CONVLET_CACHE": str(tmp_path / "cold")}
    command = [sys.executable, "-W", "error", "-c", STRANGE_FOLDER]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("3 0 3 True\n", 0), done.stderr


def test_helpers_compile_what_this_process_would(place):
    kernels = [case(name)[0] for name in ("store_logits", "pack", "copy")]
    done = helpers.compile_together(kernels, 2)
    assert set(done) == set(kernels)
    for kernel in kernels:
        assert cache.read(kernel.symbol) == done[kernel]
        name, code = done[kernel]
        assert machine_code._link(name, code) != 0
    assert helpers.compile_together(kernels, 1) == done  # read, not compiled


@pytest.mark.parametrize(
    "start",
    [
        "raise SystemExit",
        "print('hello', flush=True); import time; time.sleep(0.1)",
        helpers.START.replace("help_out()", "place.fingerprint = lambda: 'another'; help_out()").replace(
            "import help_out", "import place, help_out"
        ),
    ],
    ids=["ends early", "speaks of something else", "has other sources"],
)
def test_helpers_that_do_not_help_are_no_failure(place, start, monkeypatch):
    monkeypatch.setattr(helpers, "START", start)
    assert helpers.compile_together([case()[0]], 2) == {}


def test_a_kernel_that_does_not_compile_is_left_out(place):
    wrong, right = Kernel("conv", "no shape"), case()[0]
    assert set(helpers.compile_together([wrong, right], 1)) == {right}


@pytest.mark.parametrize("executable", ["", "/nowhere/python"])
def test_where_no_helper_can_be_started_kernels_are_compiled_here(place, executable, monkeypatch):
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(machine_code, "_addresses", {})
    monkeypatch.setattr(machine_code, "WORTH_HELPERS", 1)
    monkeypatch.setattr(machine_code, "compiled_here", set())
    kernel, operands, fields, expected = case()
    assert list(machine_code.addresses([kernel], processes=2)) == [kernel]
    run(kernel, operands, **fields)
    assert equal(expected)


@pytest.mark.parametrize(("free", "started"), [(None, 8), (2**40, 8), (600 * 2**20, 2), (100 * 2**20, 0)])
def test_helpers_are_as_many_as_the_memory_holds(place, free, started, monkeypatch):
    counts = []
    monkeypatch.setattr(helpers, "available_bytes", lambda: free)
    monkeypatch.setattr(helpers, "_start", lambda count: counts.append(count) or [])
    assert helpers.compile_together([case()[0]], 64) == {}
    assert counts == [started]


@pytest.mark.parametrize(
    ("missing", "processes", "before", "helped"),
    [(3, 2, 0, False), (4, 1, 0, True), (15, 2, 1, False), (16, 1, 1, False), (16, 2, 1, True)],
)
def test_helpers_are_asked_where_they_are_faster(place, missing, processes, before, helped, monkeypatch):
    asked = []
    monkeypatch.setattr(machine_code, "compiled_here", set(range(before)))
    monkeypatch.setattr(helpers, "compile_together", lambda kernels, count: asked.append(count) or {})
    monkeypatch.setattr(machine_code, "compile_kernel", lambda kernel: SHORT)
    kernels = [Kernel("copy", number) for number in range(missing)]
    assert dict(machine_code.compiled(kernels, processes)) == dict.fromkeys(kernels, SHORT)
    assert asked == ([processes] if helped else [])


def stale(place, name, days):
    folder = place.parent / (name * 32)
    folder.mkdir(parents=True)
    (folder / "one.o").write_bytes(b"12345")
    (folder / "killed.part").write_bytes(b"123")
    before = time.time() - days * 86400
    os.utime(folder, (before, before))
    return folder


def test_a_new_fingerprint_removes_what_nobody_used_for_long(place):
    old, recent = stale(place, "a", 31), stale(place, "b", 29)
    foreign = place.parent / "something else"
    foreign.mkdir()
    cache.write("one", COMPILED)
    assert not old.exists()
    assert recent.exists()
    assert foreign.exists()


def test_a_folder_in_use_does_not_grow_old(place):
    cache.write("one", COMPILED)
    before = time.time() - 20 * 86400
    os.utime(place, (before, before))
    cache._mark_used.cache_clear()
    cache.read("one")
    assert upkeep.describe(place).days_unused < 1


def test_describe_counts_entries_and_damage(place):
    cache.write("one", COMPILED)
    cache.write("two", SHORT)
    total = sum(path.stat().st_size for path in place.iterdir())
    entry(place).write_bytes(entry(place).read_bytes()[::-1])
    found = upkeep.describe(place)
    assert (found.path, found.entries, found.bytes, found.damaged) == (str(place), 2, total, 1)
    assert upkeep.describe(place.parent / "nothing").entries == 0


def test_clear_removes_what_is_ours(place):
    cache.write("one", COMPILED)
    other = stale(place, "c", 3)
    (other / "notes.txt").touch()
    size = entry(place).stat().st_size
    assert upkeep.others() == [other]
    assert upkeep.clear() == (2, size + 5)
    assert not place.exists()
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


def test_what_cannot_be_removed_is_named(place, monkeypatch):
    def refuse(self, **options):
        raise PermissionError(13, "Permission denied")

    cache.write("one", COMPILED)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RunError) as caught:
        upkeep.clear()
    assert str(caught.value) == f"{place}: cannot be removed: Permission denied"


def test_random_damages_never_change_a_result(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path))
    counts = torture_cache.damages(tmp_path, 18, ["store_logits", "copy", "pack"])
    assert counts == {"damages": 18, "wrong results": 0, "read all the same": 0, "not kept again": 0}


def test_processes_that_begin_at_once_on_an_empty_cache_agree(tmp_path):
    counts = torture_cache.cold_starts(tmp_path, rounds=1, processes=8)
    assert counts == {
        "rounds": 1,
        "processes": 8,
        "failed": 0,
        "lines of log": 0,
        "damaged entries": 0,
        "different results": 1,
    }


def test_where_nothing_can_be_kept_results_are_the_same_with_one_line_of_log(tmp_path):
    (tmp_path / "file").touch()
    kept, lost = torture_cache.begin(tmp_path / "folder"), torture_cache.begin(tmp_path / "file" / "below")
    (wanted, silence), (came, line) = kept.communicate(), lost.communicate()
    assert (came, kept.returncode, lost.returncode, silence) == (wanted, 0, 0, "")
    assert line.count("\n") == 1
    assert "compiled kernels cannot be kept (Not a directory), so every process compiles its own" in line


def test_the_counts_of_the_torture_tell_what_went_wrong():
    damaged = dict.fromkeys(("damages", "wrong results", "read all the same", "not kept again"), 0)
    cold = dict.fromkeys(("rounds", "processes", "failed", "lines of log", "damaged entries"), 0)
    right = {"damaged entries": damaged, "cold starts": cold | {"different results": 1}}
    assert torture_cache.wrong(right) == 0
    assert torture_cache.wrong(right | {"cold starts": cold | {"different results": 2}}) == 1
    assert torture_cache.wrong(right | {"damaged entries": damaged | {"wrong results": 3}}) == 3


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_refused_thread_leaves_its_kernels_to_the_others(place, allowed, monkeypatch):
    start, left = threading.Thread.start, allowed

    def refused(thread):
        nonlocal left
        if thread._target is helpers._employ:
            if not left:
                raise RuntimeError("can't start new thread")
            left -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    kernels = [Kernel("walk"), Kernel("read_clock")]
    assert set(helpers.compile_together(kernels, 2)) == set(kernels if allowed else [])
