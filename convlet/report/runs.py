"""`convlet runs` in a terminal."""

from __future__ import annotations

from rich.console import Console

from convlet.records.run import RunFacts
from convlet.report.numbers import percent
from convlet.report.tables import add, say, show, table

STYLES = {"finished": "", "running": "green", "stopped": "yellow", "failed": "red", "damaged": "red"}


def print_runs(runs: list[RunFacts], folder: str, console: Console) -> None:
    """Print what `convlet runs --json` writes."""
    if not runs:
        say(console, f"there are no runs in {folder}; 'convlet train' makes one")
        return
    columns = [("run", False), ("data", False), ("network", False), ("state", False)]
    made = table([*columns, ("validation", True), ("test error", True)])
    for run in runs:
        networks = run["networks"]
        shown = "".join(networks) if len(networks) <= 1 else f"{len(networks)} networks"
        state = f"{run['state']}: {run['detail']}" if run["detail"] else run["state"]
        errors = ["" if run[key] is None else percent(run[key]) for key in ("validation_error", "test_error")]
        add(made, [run["run"], run["data"] or "", shown, state, *errors], STYLES[run["state"]])
    show(console, made)
    stopped = next((run for run in runs if run["state"] == "stopped"), None)
    if stopped is not None:
        say(console, f"go on with: convlet {stopped['kind']} --resume {stopped['run']}")
