"""The headline figures in words, the same in the terminal and in the report."""

from __future__ import annotations

from convlet.records.evaluation import Headline
from convlet.report.numbers import count, percent


def headline_lines(found: Headline | None) -> list[str]:
    """What stands beside an error: one line an idea, for `convlet.evaluation.headline.headline`; empty for None."""
    if found is None:
        return []
    if found["too_few"]:
        return [
            f"{count(found['wrong'])} of {count(found['images'])} images are wrong; these are too few to say how "
            "good the network is"
        ]
    baseline, worst = found["baseline"], found["worst"]
    lines = [
        f"accuracy {percent(found['accuracy'])}, balanced accuracy {percent(found['balanced_accuracy'])}; macro "
        f"precision {percent(found['macro_precision'])}, recall {percent(found['macro_recall'])}, "
        f"F1 {percent(found['macro_f1'])}"
    ]
    said = f"baseline, always '{baseline['class']}': error {percent(baseline['error'])}"
    if found["uneven"]:
        said += f", balanced error {percent(baseline['balanced_error'])}; the network's balanced error is "
        said += percent(found["balanced_error"])
        lines.append(said)
        lines.append(
            f"worst class '{worst['class']}': recall {percent(worst['recall'])} of {count(worst['images'])} images"
        )
    else:
        lines.append(said)
    if not found["better_than_baseline"]:
        lines.append(f"no better than always '{baseline['class']}'")
    if found["absent"]:
        shown = ", ".join(found["absent"][:5]) + (", ..." if len(found["absent"]) > 5 else "")
        lines.append(f"no images of {count(len(found['absent']))} classes ({shown}): nothing is known of them")
    return lines


def is_bad(line: str) -> bool:
    """Whether a line is one to be seen first."""
    return line.startswith(("no better", "no images of")) or "too few" in line
