"""Which network is good enough for my images, and how wrong is it?

    python examples/compare_networks.py [DATA] [REPORT.html]

Six small networks on DATA (the 1,797 digits that scikit-learn brings, unless you name another), each trained on the
same images. The best is chosen on validation images; the test images then say how wrong it is. This is where the
project comes from: a comparison that anybody can repeat, with an honest error at its end.
"""

import sys
from pathlib import Path

from rich.console import Console

import convlet as cv
from convlet.findings.findings import findings
from convlet.recipes.presets import preset
from convlet.report.comparison import print_comparison
from convlet.report.page import render
from convlet.report.progress import LiveProgress
from convlet.trials.comparison import Comparison


def main(name: str = "digits", report: str | None = None) -> None:
    data = cv.load_data(name)

    # Nothing is trained before everything that can be refused has been looked at.
    comparison = Comparison(data, preset("six"))
    console = Console()
    with LiveProgress(console) as progress:
        result = comparison.run(progress)
    print_comparison(result, console)

    # The result is a dictionary, the same that `convlet compare --json` writes.
    best = next(row for row in result["results"] if row["label"] == result["best_label"])
    low, high = best["test_error_interval"]
    wrong = round(best["test_error"] * result["data"]["test_images"])
    print(f"\n{best['label']} has {wrong} of {result['data']['test_images']} test images wrong.")
    print(f"Its true error lies between {low:.2%} and {high:.2%}: intervals made this way are right 19 times of 20.")

    # Which images are they? `comparison.models` holds what was trained.
    model = next(model for model in comparison.models.values() if model.sha256() == best["sha256"])
    worst = cv.interpret.top_losses(model, data.test.images, data.test.labels, 3)
    for number, loss, taken in zip(worst.images, worst.losses, worst.predicted, strict=True):
        label = data.classes[data.test.labels[number]]
        print(f"test image {number}: a {label}, taken for a {data.classes[taken]} (loss {loss:.2f})")

    if report:
        page = render(findings(result, data, comparison.models.values()))
        Path(report).write_text(page, encoding="utf-8")
        print(f"report: {report}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
