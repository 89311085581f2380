"""How many near copies are found, and how many different pictures are taken for copies.

    python benchmarks/near_copies.py FOLDER [IMAGES]

FOLDER holds photographs as JPEG files (as of CIFAR-10), in one folder a class, all of one size. IMAGES of them (default
1,500) are saved again, resized or brightened, and searched among all. MNIST and Fashion-MNIST are searched if present.
CPU seconds are those of all threads; reading the files is not in them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from PIL import Image

from convlet import data
from convlet.data import named, near


def saved(image: Image.Image, quality: int) -> Image.Image:
    """The picture as JPEG of this quality."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def changed(image: Image.Image, change: str, value: float) -> Any:
    """The pixels (H, W, 3) of a copy of a picture."""
    size = image.size
    if change == "quality":
        image = saved(image, int(value))
    elif change == "size":
        image = saved(image.resize(tuple(round(side * value) for side in size), Image.Resampling.BICUBIC), 95)
    else:
        image = Image.fromarray(np.clip(np.asarray(image) * value, 0, 255).astype(np.uint8))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


CHANGES = (("quality", 75), ("quality", 85), ("quality", 95), ("size", 0.9), ("size", 1.1), ("light", 0.95))


def main(folder: str, count: int) -> None:
    """Print the figures of docs/pictures.md."""
    files = sorted(Path(folder).rglob("*.jpg"))
    every = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    labels = np.unique([file.parent.name for file in files], return_inverse=True)[1]
    began = process_time()
    found = near.pairs([every], [labels])
    print(
        f"{len(files):,} photographs: {len(np.unique(found)):,} near copies, {process_time() - began:.1f} CPU seconds"
    )
    chosen = np.random.default_rng(0).choice(len(files), count, replace=False)
    pictures = [Image.open(files[number]).convert("RGB") for number in chosen]
    for change, value in (*CHANGES, ("light", 1.05)):
        copies = np.stack([changed(image, change, value) for image in pictures])
        hits = {tuple(pair) for pair in near.pairs([every, copies], [labels, labels[chosen]]).tolist()}
        right = sum((int(number), len(files) + place) in hits for place, number in enumerate(chosen))
        print(f"{change} {value:g}: {100 * right / count:.1f} % of {count:,} copies found")
    for name in ("mnist", "fashion-mnist"):
        if named.is_present(named.BY_NAME[name]):
            images = data.load(name, offline=True, validation=0).train
            began = process_time()
            found = near.pairs([images.images], [images.labels])
            cost = process_time() - began
            print(f"{name}: {len(np.unique(found)):,} of {len(images):,} near copies, {cost:.1f} CPU seconds")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_500)
