"""Wall seconds and peak memory of a whole command, from start to table, in processes of their own.

    python benchmarks/whole_command.py [--threads 2] [--runs 5] [--cold] [--json FILE] [--write] [-- COMMAND ...]

COMMAND is what follows `convlet`; `compare mnist --epochs 1` where none is given. It runs once unmeasured, so that its
kernels are compiled; with --cold it is measured with an empty kernel cache too. Every run must end well, and a
comparison must give the same networks, to the last bit, each time. Peak memory is the system's count for the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Spread, Table, options
from networks import targets

DEFAULT = ("compare", "mnist", "--epochs", "1")
COLUMNS = ("command", "kernels", "seconds", "peak memory MB", "at most")


def one_run(words, folder, cache):
    """Wall seconds, peak bytes and the SHA-256 of each network; exits if the command fails."""
    results, errors = Path(folder) / "results.json", Path(folder) / "errors"
    command = [sys.executable, "-m", "convlet", *words]
    compares = words[0] == "compare" and "--json" not in words
    if compares:
        command += ["--json", str(results)]
    environment = os.environ | ({"CONVLET_CACHE": str(cache)} if cache else {})
    with errors.open("w") as file:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read_text()}")
    networks = [row["sha256"] for row in json.loads(results.read_text())["results"]] if compares else []
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), networks


def main():
    parser = options(__doc__, runs=5)
    parser.add_argument("--cold", action="store_true", help="measure it with an empty kernel cache too")
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="what follows `convlet`")
    given = parser.parse_args()
    words = given.words or list(DEFAULT)
    if words[0] == "compare" and "--threads" not in words:
        words += ["--threads", str(given.threads)]
    table = Table("whole-command", COLUMNS, given, more={"runs": given.runs})
    with tempfile.TemporaryDirectory() as folder:
        expected = one_run(words, folder, None)[2]
        report(table, words, "compiled before", [one_run(words, folder, None) for _ in range(given.runs)], expected)
        if given.cold:
            caches = [Path(folder) / f"cache-{run}" for run in range(given.runs)]
            report(table, words, "compiled in the run", [one_run(words, folder, own) for own in caches], expected)
    table.done()


def report(table, words, kernels, runs, expected):
    """A row from each run's seconds, peak bytes and networks; exits unless every run gave the expected networks."""
    if any(networks != expected for _, _, networks in runs):
        raise SystemExit("a run gave other networks than the first; the same command must give the same bits")
    seconds, peak = (Spread(tuple(own[place] for own in runs)) for place in (0, 1))
    wanted, goal = targets("whole-command"), "-"
    if tuple(words[: len(DEFAULT)]) == DEFAULT and kernels == "compiled before":
        goal = f"{wanted['seconds']:.0f} s, {wanted['megabytes']:.0f} MB"
    cells = [f"convlet {' '.join(words)}", kernels, seconds.shown(), peak.shown(1e-6), goal]
    table.row(cells, command=words, kernels=kernels, seconds=seconds, peak_bytes=peak, networks=expected)


if __name__ == "__main__":
    main()
