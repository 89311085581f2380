"""How to do a run again, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping

from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.conditions import SettingValues
from convlet.records.data import DataFacts
from convlet.report.copies import reading_words
from convlet.report.page.view import View
from convlet.report.page.words import plural

NONE = {"batch": "all images", "threads": "all of the machine", "epsilon": "the optimizer's own"}
"""What it means where a setting is not given."""


def repeat_view(result: ComparisonResult) -> View:
    """What `repeat.html` shows: command, settings, machine, versions, data and the hashes of the models."""
    tables = [
        ("Settings", _lines(result["settings"])),
        ("Machine", _lines(result["machine"])),
        ("Versions", _lines(result["versions"])),
        ("Data", _data(result["data"])),
    ]
    if result["then"]:
        tables.append((f"Data of the second training: {result['then']['data']['name']}", _data(result["then"]["data"])))
    rows: list[tuple[str, str, NetworkResult]] = [(row["label"], "", row) for row in result["results"]]
    if result["then"]:
        rows.append((result["then"]["label"], f"trained on {result['then']['data']['name']}", result["then"]))
    return {
        "command": result.get("command"),
        "version": result["versions"]["convlet"],
        "tables": tables,
        "hashes": [
            {"label": label, "where": where, "sha256": row["sha256"], "settings": _own(row.get("settings", {}))}
            for label, where, row in rows
        ],
    }


def _lines(values: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _shown(value, name)) for name, value in values.items()]


def _shown(value: object, name: str = "") -> str:
    if value is None:
        return NONE.get(name, "-")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _own(settings: SettingValues) -> str:
    """The settings that are a network's own."""
    return ", ".join(f"{name.replace('_', ' ')} {_shown(value, name)}" for name, value in settings.items())


def _data(data: DataFacts) -> list[tuple[str, str]]:
    together = reading_words(data.get("reading"))
    return [
        ("name", data["name"]),
        ("source", data["source"]),
        ("images", f"{data['train_images']:,} training, {data['validation_images']:,} validation, "
         f"{data['test_images']:,} test"),
        ("shape", " × ".join(map(str, data["image_shape"]))),
        ("classes", plural(len(data["classes"]), "class", "classes")),
        *([("copies and groups", together)] if together else []),
        ("SHA-256", data["fingerprint"]),
    ]  # fmt: skip
