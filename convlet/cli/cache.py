"""`convlet cache info|clear|warm`."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import click

from convlet.cli import options
from convlet.records.kernel_cache import CacheFacts

PLACE = "set CONVLET_CACHE to a folder that can be written and has room"


@click.group("cache")
def command() -> None:
    """Show, clear or fill the cache of compiled kernels."""


@command.command("info")
@click.option("--json", "json_file", metavar="FILE", help="Write the result to a JSON file.")
def info(json_file: str | None) -> None:
    """Show where compiled kernels are stored, and how many."""
    from rich.console import Console

    from convlet.kernels.compiler import place, upkeep
    from convlet.report.kernel_cache import print_cache

    options.check_file(json_file, "--json")
    _need_compiler()
    folder = place.folder()
    own = upkeep.Folder(None, 0, 0, 0, 0.0) if folder is None else upkeep.describe(folder)
    result: CacheFacts = {
        **own.facts(),
        "writable": upkeep.writable(),
        "others": [upkeep.describe(path).facts() for path in upkeep.others()],
        "days_kept": upkeep.DAYS_KEPT,
    }
    if json_file:
        options.write_json(json_file, result)
    print_cache(result, Console())


@command.command("clear")
def clear() -> None:
    """Remove all compiled kernels, also of other versions. They are compiled again when needed."""
    from convlet.kernels.compiler import place, upkeep
    from convlet.report.numbers import count, size

    _need_compiler()
    entries, total = upkeep.clear()
    click.echo(f"removed {count(entries)} compiled kernels, {size(total)}: {place.root() or 'there is no home folder'}")


@command.command("warm")
@click.argument("words", nargs=-1, metavar="[ARCHITECTURE]...")
@click.option("--preset", metavar="[six|six-linear|methods]", help="Preset networks.  [default: six]")
@click.option("--input", "input_shape", default="28x28x1", show_default=True, help=options.INPUT_HELP)
@click.option("--classes", type=int, default=10, show_default=True, help="Number of classes.")
@click.option(
    "--threads", type=int, help="Number of processes that compile at once.  [default: all available processors]"
)
def warm(words: tuple[str, ...], **values: Any) -> None:
    """Compile the kernels of networks or recipes now.

    Later commands then start at once, with every optimizer, and with uint8 or float32 images.
    """
    from rich.console import Console

    from convlet.errors import RunError, SettingsError
    from convlet.kernels.compiler import cache, place, upkeep
    from convlet.kernels.compiler.machine_code import compiled
    from convlet.learning.settings import Settings
    from convlet.recipes import presets
    from convlet.report.numbers import count, seconds
    from convlet.system.threads import available_threads
    from convlet.trials.choice import as_entry

    if words and values["preset"]:
        raise SettingsError(f"--preset {values['preset']} and architectures were both given; give one of them")
    shape = options.input_shape(values["input_shape"])
    entries = tuple(as_entry(word, shape, 1) for word in words) or presets.preset(values["preset"] or "six")
    threads = Settings(threads=values["threads"]).threads or available_threads()
    _need_compiler()
    kernels = _kernels(entries, shape, options.positive("--classes", values["classes"]))
    missing = [kernel for kernel in kernels if cache.read(kernel.symbol) is None]
    if missing and not upkeep.writable():
        raise RunError(f"{place.folder() or 'there is no home folder'}: compiled kernels cannot be kept; {PLACE}")
    began = perf_counter()
    with Console(stderr=True).status(f"compiling {count(len(missing))} kernels"):
        for _ in compiled(missing, threads):
            pass  # kept by now
    lost = sum(cache.read(kernel.symbol) is None for kernel in missing)
    if lost:
        raise RunError(f"{place.folder()}: {count(lost)} of {count(len(missing))} kernels could not be kept; {PLACE}")
    click.echo(
        f"compiled {count(len(missing))} kernels in {seconds(perf_counter() - began)}, "
        f"{count(len(kernels) - len(missing))} were there already: {place.folder()}"
    )


def _kernels(entries: Any, shape: tuple[int, int, int], classes: int) -> list[Any]:
    """What training and predicting run on bytes and on floats, with each optimizer, and what a report measures with."""
    import numpy as np

    from convlet.engine.choice import Training, kernels_of
    from convlet.kernels.compiler.kernel import Kernel
    from convlet.learning.optimizers import OPTIMIZERS
    from convlet.network.word import parse, with_head
    from convlet.recipes.presets import settings_for

    trained = kernels_of(
        Training(
            with_head(parse(entry.architecture), classes),
            np.zeros((1, *shape), pixel),
            optimizer(),
            settings_for(entry, 1, {}).shard,
        )
        for entry in entries
        for pixel in (np.uint8, np.float32)
        for optimizer in OPTIMIZERS.values()
    )
    return [*trained, Kernel("clocked"), Kernel("read_clock")]


def _need_compiler() -> None:
    """Refuse where nothing is compiled, so that nothing is kept either."""
    from convlet.engine.choice import REMEDY, VARIABLE, backend_name
    from convlet.errors import RunError, SettingsError
    from convlet.kernels.compiler.machine_code import obstacle

    if obstacle():
        raise RunError(f"{obstacle()}, so no kernels are compiled or kept; {REMEDY}")
    if backend_name() == "reference":
        raise SettingsError(f"{VARIABLE} is 'reference', which runs without compiled kernels; unset it")
