"""A folder of pictures, a scikit-learn pipeline, and a network at its end.

    python examples/pictures_with_scikit_learn.py [FOLDER]

FOLDER has one sub-folder of pictures per class; without one, a small folder of drawn shapes is made first. The network
is a step like any other: its settings are searched with GridSearchCV, and what comes out is scored on pictures that the
search has never seen.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import convlet as cv

SIZE = 24
SHAPES = ("circle", "square", "triangle")
PICTURES = 80


def draw_shapes(folder: Path) -> None:
    """PICTURES of each shape, at random places and sizes, with noise."""
    draws = np.random.default_rng(0)
    for shape in SHAPES:
        (folder / shape).mkdir()
        for number in range(PICTURES):
            x, y = draws.uniform(4, 14, 2)
            side = draws.uniform(9, 16)
            picture = Image.new("L", (32, 32))
            pen = ImageDraw.Draw(picture)
            fill = int(draws.uniform(120, 255))
            if shape == "circle":
                pen.ellipse((x, y, x + side, y + side), fill=fill)
            elif shape == "square":
                pen.rectangle((x, y, x + side, y + side), fill=fill)
            else:
                pen.polygon([(x, y + side), (x + side / 2, y), (x + side, y + side)], fill=fill)
            pixels = np.asarray(picture, np.float64) + draws.normal(0, 25, (32, 32))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / shape / f"{number:03}.png")


def brightest_to_white(images: np.ndarray) -> np.ndarray:
    """A step of one's own: every picture stretched to the whole range of grey."""
    low, high = (end(images, axis=(1, 2, 3), keepdims=True).astype(np.float32) for end in (np.min, np.max))
    return (images - low) / np.maximum(high - low, 1)


def main(folder: Path) -> None:
    data = cv.load_data(folder, size=(SIZE, SIZE), validation=0)
    names = np.array(data.classes)
    X, y = data.train.images, names[data.train.labels]
    print(f"{len(X)} pictures to learn from, {len(data.test)} to test with, classes {', '.join(names)}")

    pipeline = Pipeline(
        [
            ("stretch", FunctionTransformer(brightest_to_white)),
            ("network", cv.ConvNetClassifier(epochs=40, random_state=0)),
        ]
    )
    choices = {"network__architecture": ["dense32-relu", "conv8-relu-pool-conv16-relu-pool"]}
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, choices, cv=folds).fit(X, y)
    for choice, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        print(f"{choice['network__architecture']:>34}: {score:.1%} right in cross-validation")

    print(f"\nchosen: {search.best_params_['network__architecture']}; on pictures it has never seen:\n")
    print(classification_report(names[data.test.labels], search.predict(data.test.images)))

    # what the network learned is an ordinary model: it can be looked into, saved and loaded elsewhere
    model = search.best_estimator_.named_steps["network"].model_
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "pictures.safetensors"
        cv.save_model(model, path)
        again = cv.load_model(path)
        print(f"saved: {again.parameter_count:,} parameters in {path.stat().st_size:,} bytes")
    stretched = brightest_to_white(data.test.images)
    assert (names[again.predict(stretched)] == search.predict(data.test.images)).all()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            shapes = Path(made) / "shapes"
            shapes.mkdir()
            draw_shapes(shapes)
            main(shapes)
