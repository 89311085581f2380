"""`convlet train --find-lr`."""

from __future__ import annotations

from convlet.cli import starting
from convlet.cli.values import Values


def find_and_show(values: Values) -> None:
    """Find a learning rate and show how the loss went."""
    from rich.console import Console

    from convlet.network.word import parse, with_head
    from convlet.report.rates import print_rates
    from convlet.trials.rate_finder import find_rate

    plan = starting.planned(values)
    data, word, settings, start = plan.data, plan.architecture, plan.settings, plan.start
    network = with_head(parse(word), len(data.classes))
    console = Console()
    with console.status("compiling") as status:

        def told(step: int, steps: int) -> None:
            status.update(f"step {step} of {steps}")

        begun = {"start": start, "freeze": values["freeze"]}
        scan = find_rate(network, data.train, classes=data.classes, settings=settings, on_step=told, **begun)
    print_rates(scan, f"{word} on {data.name}, {settings.optimizer}", console)
