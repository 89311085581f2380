"""`convlet inspect` in a terminal."""

from __future__ import annotations

from rich.console import Console

from convlet.records.layers import Inspection, ModelFacts
from convlet.report.numbers import count, size
from convlet.report.tables import add, say, show, table


def print_layers(result: Inspection, console: Console) -> None:
    """Print what `convlet inspect --json` writes."""
    say(console, result["architecture"], "bold")
    say(console, f"images {' x '.join(map(str, result['input_shape']))}")
    made = table(
        [
            ("layer", False),
            ("output", True),
            ("parameters", True),
            ("activations", True),
            ("multiply-adds", True),
        ]
    )
    for row in result["layers"]:
        shape = " x ".join(map(str, row["output_shape"]))
        cells = [row["token"], shape, count(row["parameters"]), size(row["activation_bytes"])]
        add(made, [*cells, count(row["multiply_adds"])])
    rows = result["layers"]
    parameters = sum(row["parameters"] for row in rows)
    activations, work = (sum(row["activation_bytes"] for row in rows), sum(row["multiply_adds"] for row in rows))
    add(made, ["total for an image", "", count(parameters), size(activations), count(work)], "bold")
    show(console, made)
    members = result.get("members", 1)
    each = f" in each of {members} members, which predict together" if members > 1 else ""
    say(console, f"parameters take {size(4 * parameters)}{each}")
    if "classes" in result:
        _print_file(result, console)


def _print_file(result: ModelFacts, console: Console) -> None:
    """What only a model file has."""
    names = ", ".join(result["classes"][:20]) + (", ..." if len(result["classes"]) > 20 else "")
    say(console, f"classes: {names}")
    kept = result["preprocessing"]
    for name, values in (("mean", kept["mean"]), ("std", kept["std"])):
        say(console, f"{name} of the pixels: {', '.join(f'{value:.6g}' for value in values)}")
    say(console, "trained with " + ", ".join(f"{name} {value}" for name, value in result["settings"].items()))
    say(console, f"file of {size(result['file_bytes'])}, numerics version {result['numerics']}")
    say(console, f"SHA-256 of the weights: {result['sha256']}")
