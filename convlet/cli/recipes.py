"""`convlet recipes`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options


@click.command("recipes")
@click.argument("name", required=False)
@click.option("--input", "input_shape", default="28x28x1", show_default=True, help=options.INPUT_HELP)
@click.option("--train-images", type=int, default=60_000, show_default=True, help="Number of training images.")
@click.option(
    "--pictures", default="", metavar="KIND", help="What the images show: writing or objects.  [default: unknown]"
)
def command(name: str | None, **values: Any) -> None:
    """List the recipes of `convlet train --recipe NAME`; with NAME, show each of its choices and the reason."""
    from rich.console import Console

    from convlet.errors import SettingsError
    from convlet.recipes.recipe import KINDS, RECIPES, entry_for, recipe
    from convlet.report.recipes import print_recipe, print_recipes

    shape = options.input_shape(values["input_shape"])
    images = options.positive("--train-images", values["train_images"])
    if values["pictures"] not in KINDS:
        raise SettingsError(f"--pictures '{values['pictures']}': expected writing, objects or ''")
    console = Console()
    if name is None:
        print_recipes(list(RECIPES.values()), console)
        return
    chosen = recipe(name)
    print_recipe(chosen, entry_for(name, shape, images, values["pictures"]), console)
