"""Why final errors are not those where the learning curves end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def final_with(settings: Mapping[str, Any]) -> str:
    """What the final errors have and the curves have not, in words; "" if both are measured alike.

    settings : as `Settings.as_dict` gives them
    """
    found = [f"an ensemble of {settings['members']}"] if settings.get("members", 1) > 1 else []
    found += [f"test-time augmentation ({settings['views']})"] if settings.get("views") else []
    return " and ".join(found)


def final_line(settings: Mapping[str, Any], label: str = "") -> str:
    """One line that says it, of the network with this label; "" if there is nothing to say."""
    what = final_with(settings)
    whose = f"{label}: " if label else ""
    return f"{whose}final errors are measured with {what}, learning curves without" if what else ""


def of_rows(result: Mapping[str, Any]) -> dict[str, str]:
    """What the final errors of each network of a result have and its curves have not, by label; without the others."""
    found = {
        row["label"]: final_with({**result.get("settings", {}), **row.get("settings", {})}) for row in result["results"]
    }
    return {label: what for label, what in found.items() if what}
