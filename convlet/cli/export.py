"""`convlet export`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from convlet.cli import data_options, model_data, options
from convlet.cli.values import Values


@click.command("export")
@click.argument("model")
@click.option("--to", "target", required=True, metavar="[onnx|torch]", help="Format to write.")
@click.option(
    "--output", metavar="FILE", help="File to write.  [default: in the current folder, named after the model]"
)
@click.option(
    "--check", metavar="DATA", help="Check the export on 20 images of this data.  [default: on synthetic images]"
)
@click.option(
    "--layout", type=click.Choice(["nhwc", "nchw"]), help="Order of the input's axes in onnx.  [default: nhwc]"
)
@click.option(
    "--input", "element", type=click.Choice(["uint8", "float32"]), help="Type of the input in onnx.  [default: uint8]"
)
@options.add(options.DATA[2:])
def command(**values: Any) -> None:
    """Export MODEL to other programs: an ONNX file, or a PyTorch module with its weights in a second file.

    The export is first run on 20 images. If its predictions differ from the model's, nothing is written. MODEL is a
    model file or a run folder. The options below --check say how its DATA is read.
    """
    from convlet.export.targets import target
    from convlet.export.writing import checked
    from convlet.model import model_file
    from convlet.report.plain import plain

    _check_data_options(values)
    name = values["target"]
    output = values["output"] or _named_after(values["model"], target(name).suffixes[0], name)
    model = model_file.load(options.model_path(values["model"]))
    given = {"layout": values["layout"], "input": values["element"]}
    work = checked(model, output, name, called=f"--output {output}", **given)
    done = work(_images(values, model) if values["check"] else None)
    click.echo(plain(f"exported: {' and '.join(map(str, done.files))}"))
    click.echo(f"proof: {done.agreement}")
    for note in done.notes:
        click.echo(note)


def _check_data_options(values: Values) -> None:
    """Refuse options that say how data is read if there is no data."""
    from convlet.errors import SettingsError

    given = click.get_current_context().get_parameter_source
    for name in ("size", "offline", *data_options.NAMES):
        if not values["check"] and given(name) is ParameterSource.COMMANDLINE:
            raise SettingsError(f"--{name.replace('_', '-')} belongs to --check DATA; give both or neither")


def _named_after(model: str, suffix: str, target: str) -> str:
    """The name of a run's folder or of a model file, with the suffix; that of Python code can be imported."""
    path = Path(model).resolve()
    name = path.stem if path.suffix == ".safetensors" else path.name
    return f"{re.sub(r'[^A-Za-z0-9]', '_', name)}_{target}{suffix}" if suffix == ".py" else f"{name}{suffix}"


def _images(values: Values, model: Any) -> Any:
    """Images of the data to check with: up to 20 of the test images, else of the validation or training images."""
    import numpy as np

    from convlet.export.proof import MOST_IMAGES

    data = model_data.load_as_trained(values["check"], values, model)
    model_data.check_shape(model, data, values["check"])
    images = next(part.images for _, part in reversed(list(data.parts)) if len(part))
    chosen = np.linspace(0, len(images) - 1, min(MOST_IMAGES, len(images))).round().astype(int)
    return model_data.in_channels(images[chosen], model.input_shape[2])
