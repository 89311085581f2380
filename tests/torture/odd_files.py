"""Every file argument of every command as what is no file: refused in one line, soon, and in little memory.

The commands and their parameters come from click's own definitions, so a new one cannot be forgotten: each parameter of
text must stand in `ROLES` below, or among `NO_FILES`.

`python -m tests.torture.odd_files [processes]`: with `processes`, each command in a process of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import click

from convlet.cli import main
from convlet.cli.main import cli
from tests.data.files import write_idx
from tests.torture.trial import Memory, Outcome, report

SECONDS = 5.0
"""A refusal may take so long, in a process of its own too."""

LARGE = 2**30

DATA, MODEL, PICTURE, RUN, RUNS, FILE, FOLDER = "data", "model", "picture", "run", "runs", "file", "folder"
READ = (DATA, MODEL, PICTURE, RUN)

ROLES = {
    ("compare", "data"): DATA,
    ("compare", "then_data"): DATA,
    ("compare", "json_file"): FILE,
    ("compare", "report_file"): FILE,
    ("compare", "output"): FOLDER,
    ("compare", "resume"): RUN,
    ("train", "data"): DATA,
    ("train", "output"): FOLDER,
    ("train", "resume"): RUN,
    ("train", "start"): MODEL,
    ("evaluate", "model"): MODEL,
    ("evaluate", "data"): DATA,
    ("evaluate", "json_file"): FILE,
    ("evaluate", "relabel_csv"): FILE,
    ("predict", "model"): MODEL,
    ("predict", "images"): PICTURE,
    ("predict", "json_file"): FILE,
    ("predict", "csv_file"): FILE,
    ("export", "model"): MODEL,
    ("export", "check"): DATA,
    ("export", "output"): FILE,
    ("inspect", "what"): MODEL,
    ("inspect", "json_file"): FILE,
    ("benchmark", "json_file"): FILE,
    ("report", "run"): RUN,
    ("report", "data"): DATA,
    ("report", "then"): DATA,
    ("report", "output"): FILE,
    ("runs", "folder"): RUNS,
    ("runs", "json_file"): FILE,
    ("cache info", "json_file"): FILE,
    ("data info", "name"): DATA,
    ("data info", "json_file"): FILE,
    **{(command, "labels"): DATA for command in ("compare", "train", "evaluate", "export", "data info")},
}
"""What a parameter names."""

NO_FILES = frozenset(
    (
        *("architecture", "architectures", "words", "preset", "recipe", "input_shape", "pictures"),
        *("file_column", "label_column", "label_pattern", "group_pattern"),
        *("optimizer", "schedule", "augment", "class_weights", "monitor", "keep", "views"),
        *("on_nonfinite", "target"),
    )
)
"""Parameters of text that name no file, of any command."""

ALSO_NO_FILES = {("recipes", "name"), ("data get", "name")}

BASE = {
    "compare": ["compare", "idx", "pool", "--epochs", "1", "--quiet"],
    "train": ["train", "idx", "-a", "pool", "--epochs", "1", "--quiet"],
    "evaluate": ["evaluate", "run/model.safetensors", "idx"],
    "predict": ["predict", "run/model.safetensors", "picture.png"],
    "export": ["export", "run/model.safetensors", "--to", "onnx", "--output", "out.onnx", "--check", "idx"],
    "inspect": ["inspect", "run/model.safetensors"],
    "benchmark": ["benchmark", "pool", "--input", "8x8x1"],
    "report": ["report", "run"],
    "runs": ["runs", "."],
    "cache info": ["cache", "info"],
    "data info": ["data", "info", "idx"],
}
"""Each command as it works, in the folder that `workplace` makes."""


def commands() -> Iterator[tuple[str, click.Parameter]]:
    """Every command by its words, with each of its parameters of text."""
    context = click.Context(cli)

    def walk(command: click.Command, words: list[str]) -> Iterator[tuple[str, click.Parameter]]:
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                yield from walk(command.get_command(context, name), [*words, name])
            return
        for parameter in command.params:
            if isinstance(parameter.type, click.types.StringParamType | click.File | click.Path):
                yield " ".join(words), parameter

    yield from walk(cli, [])


def unknown() -> list[str]:
    """Parameters that stand in no list above."""
    every = [(command, parameter.name) for command, parameter in commands()]
    known = {*ROLES, *ALSO_NO_FILES}
    return [f"{c}: {name}" for c, name in every if (c, name) not in known and name not in NO_FILES]


def with_argument(command: str, parameter: click.Parameter, value: str) -> list[str]:
    """The command with this value of one parameter."""
    words = ["report", "cmp"] if parameter.name == "then" else list(BASE[command])
    if isinstance(parameter, click.Option):
        return [*words, parameter.opts[0], value]
    place = {"images": "picture.png", "data": "idx", "name": "idx", "run": "run", "folder": "."}
    wanted = place.get(parameter.name, "run/model.safetensors")
    at = words.index(wanted, len(command.split()))
    return [*words[:at], value, *words[at + 1 :]]


def odd(folder: Path) -> dict[str, Path]:
    """What is no file of ours, by name."""
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link-to-pipe").symlink_to("pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "lost").symlink_to("nothing")
    (folder / "empty").mkdir()
    (folder / "own-inside").mkdir()
    (folder / "own-inside" / "again").symlink_to(".")
    with open(folder / "large", "wb") as file:
        file.truncate(LARGE)
    shutil.copyfile("picture.png", folder / "secret")
    os.chmod(folder / "secret", 0)
    shutil.copytree("run", folder / "secret-folder")
    os.chmod(folder / "secret-folder", 0)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str((folder / "socket").relative_to(Path.cwd())))
    found = {path.name: path for path in sorted(folder.iterdir())}
    found |= {"in a loop": folder / "loop" / "x", "in a file": Path("picture.png/x"), "long": Path("n" * 300)}
    return found | {f"/dev/{name}": Path("/dev", name) for name in ("zero", "full", "tty", "random", "null")}


HARMLESS = {
    RUNS: {"empty", "own-inside"},
    FILE: {"large", "secret", "lost"},
    FOLDER: {"empty", "lost", "secret-folder", "own-inside"},
}
"""What is right in some places: a folder without runs, a file that is replaced, an empty folder for results.

A folder without permissions is made anew for each place; root may do too much with it here.
"""


def cases(things: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """Each command with each odd thing in the place of each of its files."""
    for command, parameter in commands():
        role = ROLES.get((command, parameter.name))
        for name, path in things.items():
            if role is not None and name not in HARMLESS.get(role, ()):
                yield f"{command}, {parameter.name}: {name}", with_argument(command, parameter, str(path))


def inner_cases(things: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """Commands on a run folder, a folder of IDX files and one of pictures, in which one file is an odd thing."""
    uses = {
        "run": {
            "config.json": (["report"], ["train", "--resume"]),
            "result.json": (["report"], ["train", "--resume"]),
            "model.safetensors": (["report"], ["train", "--resume"], ["inspect"]),
            ".lock": (["train", "--resume"],),
        },
        "idx": {
            "train-images-idx3-ubyte.gz": (["data", "info"],),
            "t10k-labels-idx1-ubyte.gz": (["data", "info"],),
        },
        "classes": {"a/1.png": (["data", "info"],)},
    }
    for folder, files in uses.items():
        for file, ways in files.items():
            for name in ("pipe", "link-to-pipe", "loop", "large", "secret", "empty", "/dev/zero", "/dev/tty"):
                if file == "a/1.png" and name == "empty":
                    continue  # an empty folder beside pictures is none of them
                if file == ".lock" and name in ("large", "secret"):
                    continue  # whatever a lock's file holds, it can be locked
                copy = Path(f"inner-{folder}")
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(folder, copy)
                (copy / file).unlink(missing_ok=True)
                (copy / file).symlink_to(things[name].absolute())
                for words in ways:
                    yield f"{' '.join(words)} {folder}, {file}: {name}", [*words, str(copy)]


def workplace() -> None:
    """A run, data and a picture in the current folder."""
    from PIL import Image

    write_idx(Path("idx"), images=90, test_images=30, size=(8, 8))
    for name in ("a", "b"):
        Path("classes", name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (8, 8), 40 * number).save(f"classes/{name}/{number}.png")
    shutil.copyfile("classes/a/1.png", "picture.png")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*BASE["train"], "--output", "run"]) == 0
        assert main([*BASE["compare"], "--then", "idx", "--output", "cmp"]) == 0
        for words in (BASE[name] for name in BASE if name != "benchmark"):  # it measures for seconds
            assert main(words) == 0, words


@contextlib.contextmanager
def ordinary_permissions() -> Iterator[None]:
    """Permissions as they are for everybody: root reads every file, unless it gives that up (capabilities 1 and 2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    before, less = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    if sys.platform != "linux" or libc.capget(header, before):
        yield
        return
    less[:] = before[:]
    less[0] &= ~0b110
    libc.capset(header, less)
    try:
        yield
    finally:
        libc.capset(header, before)


def _give_up() -> None:
    """What root starts gets every permission again; this takes two of them from the list (PR_CAPBSET_DROP)."""
    if sys.platform == "linux":
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def here(words: list[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a command in this process; one that does not come back is cut off."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), ordinary_permissions():
        signal.alarm(20)  # it ends this process, and with it the trial
        code = main(words)
        signal.alarm(0)
    return code, out.getvalue(), err.getvalue()


def apart(words: list[str]) -> tuple[int, str, str]:
    """The same in a process of its own."""
    command = [sys.executable, "-P", "-m", "convlet", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, preexec_fn=_give_up)
    return done.returncode, done.stdout, done.stderr


def failure(words: list[str], how) -> str | None:
    """What is wrong with how a command refuses; None if nothing is."""
    began = perf_counter()
    try:
        code, out, err = how(words)
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    seconds = perf_counter() - began
    if words[:2] == ["data", "info"] and code == 0 and "cannot be read: 1 (" in out:
        return None if seconds <= SECONDS else f"took {seconds:.1f} s"  # a survey names what cannot be read
    if code != 2:
        return f"exit code {code}: {err[-300:]}{out[-300:]}"
    lines = err.splitlines()
    if len(lines) != 1 or not lines[0].startswith("convlet: ") or len(lines[0]) > 1500:
        return f"not one line: {err[-500:]!r}"
    if "damaged" in err and not any("large" in word or "inner" in word for word in words):
        return f"is called damaged: {err}"
    if out:
        return f"has output: {out[-300:]!r}"
    return f"took {seconds:.1f} s" if seconds > SECONDS else None


def main_trial(processes: bool) -> Outcome:
    """Every case; see the module."""
    os.environ.pop("CONVLET_BACKEND", None)  # nothing is kept in the cache of the reference engine
    outcome, how = Outcome(), apart if processes else here
    for name in unknown():
        outcome.tried(f"{name}: is neither in ROLES nor in NO_FILES")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        workplace()
        things = odd(Path.cwd() / "odd")
        memory = Memory()
        for make in (cases, inner_cases):
            for name, words in make(things):
                wrong = failure(words, how)
                outcome.tried(wrong and f"{name}: {wrong}")
        memory.check(outcome)
        if processes:
            outcome.notes = f"at most {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB a process"
        left = [path.name for path in Path.cwd().rglob(".convlet-*")]
        outcome.failures += [f"left behind: {name}" for name in left]
        os.chmod(things["secret-folder"], 0o700)
        os.chdir("/")
    return outcome


if __name__ == "__main__":
    report(main_trial("processes" in sys.argv[1:]))
