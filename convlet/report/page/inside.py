"""The inside of a network as a page shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.records.findings import Costs, ExplainedMistake, InsideClass, LayerMaps, Study
from convlet.report.numbers import count, size
from convlet.report.page import pictures
from convlet.report.page.view import View

MOST_FILTERS = 64

MAP_COLUMNS = 8
"""Square maps in a row."""


def inside_view(study: Study) -> View | None:
    """What `inside.html` shows; None without the model."""
    found, test = study["inside"], study["of_test"]
    if found is None or test is None:
        return None
    classes = study["data"]["classes"]
    reach = pictures.Range.of(test["images"])
    return {
        "filters": _filters(found["filters"]),
        "classes": [_of_class(item, classes, reach) for item in found["classes"]],
        "of_all": len(found["classes"]) == len(classes),
        "looked": found["looked"],
        "mistakes": [_mistake(item, classes, reach) for item in found["mistakes"]],
        "has_cam": any(item["cam"] is not None for item in found["classes"]),
        "has_drawn": any(item["drawn"] is not None for item in found["classes"]),
        "layers": _layers(found["layers"]),
    }


def _filters(weights: Any) -> View | None:
    """The filters of the first convolution as one picture."""
    if weights is None or weights.shape[0] < 2:
        return None
    height, width, channels, filters = weights.shape
    shown = min(filters, MOST_FILTERS)
    columns = min(8 if shown <= 32 else 16, shown)
    kept = weights[..., :shown]
    colour = channels == 3
    drawn = pictures.filters_in_colour(kept, columns) if colour else pictures.filters(kept.mean(axis=2), columns)
    return {
        "picture": drawn,
        "columns": columns,
        "shown": shown,
        "of": filters,
        "size": f"{height} × {width}",
        "colour": colour,
        "mean": channels not in (1, 3),
        "units": columns * width,
    }


def _plain(pixels: Any, reach: pictures.Range) -> str:
    return pictures.picture(reach.bytes(pixels))


def _without_outliers(pixels: Any) -> pictures.Range:
    """A range in which a few extreme pixels do not make all others grey."""
    low, high = (float(end) for end in np.percentile(pixels, (0.5, 99.5)))
    return pictures.Range(low, high if high > low else low + 1)


def _overlay(pixels: Any, cam: Any, reach: pictures.Range) -> str | None:
    if cam is None:
        return None
    return pictures.overlay(reach.bytes(pixels), cam)


def _of_class(item: InsideClass, classes: list[str], reach: pictures.Range) -> View:
    drawn = item["drawn"]
    return {
        "class": classes[item["class"]],
        "number": item["number"],
        "picture": _plain(item["pixels"], reach),
        "saliency": None if item["saliency"] is None else pictures.heat(item["saliency"]),
        "cam": _overlay(item["pixels"], item["cam"], reach),
        "mean": None if item["mean"] is None else _plain(item["mean"], reach),
        "mean_of": _mean_of(*item["mean_of"]),
        "drawn": None if drawn is None else _plain(drawn, _without_outliers(drawn)),
        "silent": item["cam"] is not None and not item["cam"].max() > 0,
        "maps": [_maps(layer) for layer in item["maps"]],
    }


def _mean_of(used: int, of: int) -> str:
    """Which training images a mean is made of."""
    return "of the training images" if used == of else f"of the first {used:,} training images"


def _maps(layer: LayerMaps) -> View:
    """The maps of one layer: in two rows if there are many, in more rows if they are wide."""
    values = layer["values"]
    height, width, shown = values.shape
    stretch = pictures.stretch(height, width)
    columns = min(shown, max(2, round(MAP_COLUMNS / stretch)))
    return {
        "name": layer["name"],
        "picture": pictures.strip(values, columns),
        "units": round(columns * stretch, 2),
        "shown": shown,
        "of": layer["of"],
        "size": f"{layer['size'][0]} × {layer['size'][1]}",
        "answers": float(np.abs(layer["values"]).max()) > 0,
    }


def _mistake(item: ExplainedMistake, classes: list[str], reach: pictures.Range) -> View:
    return {
        "number": item["number"],
        "name": item["name"],
        "label": classes[item["label"]],
        "predicted": classes[item["predicted"]],
        "picture": _plain(item["pixels"], reach),
        "saliency": pictures.heat(item["saliency"]),
        "cam": _overlay(item["pixels"], item["cam"], reach),
        "label_cam": _overlay(item["pixels"], item["label_cam"], reach),
        "silent": [cam is not None and not cam.max() > 0 for cam in (item["cam"], item["label_cam"])],
    }


def _layers(found: Costs) -> View:
    """What each layer costs, as numbers and as shares of all layers."""
    rows = found["rows"]
    adds = sum(row["multiply_adds"] for row in rows) or 1
    times = [(row["forward_seconds"] or 0.0) + (row["backward_seconds"] or 0.0) for row in rows]
    timed = all(row["forward_seconds"] is not None for row in rows)
    return {
        "compiled": found["compiled"],
        "rows": [
            {
                "token": row["token"],
                "shape": " × ".join(map(str, row["output_shape"])),
                "parameters": count(row["parameters"]),
                "memory": size(row["activation_bytes"]),
                "multiply_adds": count(row["multiply_adds"]),
                "adds_share": round(row["multiply_adds"] / adds, 4),
                "forward": _microseconds(row["forward_seconds"]),
                "backward": _microseconds(row["backward_seconds"]),
                "time_share": round(time / (sum(times) or 1.0), 4),
            }
            for row, time in zip(rows, times, strict=True)
        ],
        "parameters": count(sum(row["parameters"] for row in rows)),
        "memory": size(sum(row["activation_bytes"] for row in rows)),
        "multiply_adds": count(sum(row["multiply_adds"] for row in rows)),
        "forward": _microseconds(sum(row["forward_seconds"] or 0.0 for row in rows) if timed else None),
        "backward": _microseconds(sum(row["backward_seconds"] or 0.0 for row in rows) if timed else None),
    }


def _microseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1e6 * seconds:,.1f} µs"
