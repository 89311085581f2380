"""`convlet cache info` in a terminal."""

from __future__ import annotations

from rich.console import Console

from convlet.records.kernel_cache import CacheFacts
from convlet.report.numbers import count, size
from convlet.report.tables import say


def print_cache(result: CacheFacts, console: Console) -> None:
    """Print what `convlet cache info --json` writes."""
    say(console, f"folder   {result['path'] or 'none: there is no home folder'}")
    damaged = f", {count(result['damaged'])} of them damaged: compiled again when needed" if result["damaged"] else ""
    say(console, f"kernels  {count(result['entries'])}, {size(result['bytes'])}{damaged}")
    remedy = "no: every process compiles its own; set CONVLET_CACHE to a folder that can be written"
    say(console, f"written  {'yes' if result['writable'] else remedy}")
    others = result["others"]
    if others:
        entries, total = sum(one["entries"] for one in others), sum(one["bytes"] for one in others)
        say(
            console,
            f"stale    {count(entries)} kernels, {size(total)} in {count(len(others))} folders of other versions; "
            f"removed after {result['days_kept']} days without use, or by 'convlet cache clear'",
        )
