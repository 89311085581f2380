"""`convlet inspect`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options
from convlet.records.layers import Inspection, ModelFacts
from convlet.system import reading


@click.command("inspect")
@click.argument("what", metavar="MODEL|ARCHITECTURE")
@click.option("--input", "input_shape", default="28x28x1", show_default=True, help=options.INPUT_HELP)
@click.option("--classes", type=int, default=10, show_default=True, help="Number of classes.")
@click.option("--json", "json_file", metavar="FILE", help="Write the result to a JSON file.")
def command(**values: Any) -> None:
    """Show layers, shapes, parameters, memory and multiply-adds of a model file or an architecture string.

    A model file has its own input shape and classes; --input and --classes are then ignored.
    """
    from rich.console import Console

    from convlet.model import model_file
    from convlet.network.costs import describe
    from convlet.network.word import parse, with_head
    from convlet.report.layers import print_layers

    options.check_file(values["json_file"], "--json")
    what = architecture = values["what"]
    facts: ModelFacts = {}
    if not reading.is_missing(what) or what.endswith(".safetensors") or "/" in what:
        path = options.model_path(what)
        model = model_file.load(path)
        network, shape, architecture = model.network, model.input_shape, model.architecture
        facts = {
            "classes": list(model.classes),
            "sha256": model.sha256(),
            "members": model.members,
            "settings": model.settings,
            "preprocessing": model.preprocessing.as_dict(),
            "numerics": model.numerics,
            "file_bytes": path.stat().st_size,
            "arrays": {name: list(values.shape) for name, values in model.arrays().items()},
        }
    else:
        shape = options.input_shape(values["input_shape"])
        network = with_head(parse(what), options.positive("--classes", values["classes"]))
    rows = describe(network, shape)
    result: Inspection = {"architecture": architecture, **facts, "input_shape": list(shape), "layers": rows}
    if values["json_file"]:
        options.write_json(values["json_file"], result)
    print_layers(result, Console())
