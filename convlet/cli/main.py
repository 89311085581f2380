"""The group of commands, and how an error becomes one line and an exit code.

Exit codes: 0 done; 1 failed while running; 2 the input cannot be used; 130 interrupted; 143 asked to end (SIGTERM).
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

from convlet import __version__
from convlet.cli import streams
from convlet.errors import ConvletError
from convlet.system.limits import check_address_space

COMMANDS = {
    "compare": ("convlet.cli.compare", "Train several networks and pick the best on validation data."),
    "train": ("convlet.cli.train", "Train one network."),
    "recipes": ("convlet.cli.recipes", "List the recipes: what they choose, and why."),
    "evaluate": ("convlet.cli.evaluate", "Show error rate, confusion matrix and worst mistakes of a model."),
    "predict": ("convlet.cli.predict", "Predict the classes of image files."),
    "export": ("convlet.cli.export", "Export a model to ONNX or PyTorch."),
    "inspect": ("convlet.cli.inspect", "Show layers, shapes, parameters, memory and cost."),
    "benchmark": ("convlet.cli.benchmark", "Measure images per second and percent of the machine's peak."),
    "report": ("convlet.cli.report", "Write the report of a run again, as one HTML file."),
    "runs": ("convlet.cli.runs", "List the runs in a folder with their state and results."),
    "cache": ("convlet.cli.cache", "Show, clear or fill the cache of compiled kernels."),
    "data": ("convlet.cli.data", "List, download or describe data sets."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line; loads a command's file when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"unknown command '{args[0]}': expected {', '.join(COMMANDS)}{hint}")
        return super().resolve_command(context, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convlet")
def cli() -> None:
    """Train convolutional networks for small images on the CPU.

    Start with 'convlet compare': it trains six small networks on handwritten digits in seconds, offline.

    Exit codes: 0 success, 1 failure, 2 invalid input, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM).
    """
    check_address_space()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    if os.environ.get("COLUMNS", "1").strip().lstrip("0") == "":
        del os.environ["COLUMNS"]  # containers give 0 for "unknown"; Rich would print into no columns at all
    given = list(sys.argv[1:] if arguments is None else arguments)
    with streams.leaving():
        return _code(given)


def _code(given: list[str]) -> int:
    """Run a command, say in one line what went wrong, and give the exit code."""
    try:
        with streams.checked():
            done = cli.main(given, prog_name="convlet", standalone_mode=False, obj=given)
        return int(done) if isinstance(done, int) else 0
    except ConvletError as error:
        return _say(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _say(" ".join(error.format_message().split()), error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        from convlet.cli.signals import INTERRUPTED, TERMINATED, Terminated

        asked = isinstance(error.__cause__ or error, Terminated)  # click wraps what interrupts it
        return _say("asked to end" if asked else "interrupted", TERMINATED if asked else INTERRUPTED)
    except BrokenPipeError:
        return 1  # whoever read our output has gone; nobody is told
    except MemoryError:
        return _say("there is not enough memory for this; use fewer images, a smaller --batch or a smaller network", 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{_reason(error)}", 1)
    except ImportError as error:
        return _say(f"a library cannot be loaded: {_cause(error)}; install convlet again, or raise 'ulimit -v'", 1)


def _cause(error: BaseException) -> str:
    """The first line of what began it: a missing package, or a library that the system refuses to load."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _reason(error: OSError) -> str:
    """The system's words, or ours where they would say nothing."""
    if error.errno == errno.EMFILE:
        return "this process has too many files open; raise 'ulimit -n'"
    if error.errno == errno.ENOENT and not error.filename and not _is_here():
        return "the current folder was removed; go to another one"
    return error.strerror or str(error)


def _is_here() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _say(message: str, code: int) -> int:
    from convlet.report.plain import plain

    click.echo(f"convlet: {plain(message)}", err=True)
    return code
