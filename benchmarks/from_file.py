"""One epoch on a memory-mapped file of images, in a process of its own: speed and peak memory, as JSON.

    python benchmarks/from_file.py IMAGES.npy ARCHITECTURE THREADS

`scaling.py` runs it. Peak memory is what the system counts for the process, everything included; `baseline_bytes` is
the same after training on one batch that lies in memory, so the difference is what more images cost.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

import numpy as np

from convlet import Settings, train
from convlet.data import ImageSet
from networks import CLASSES, headed

BATCH = 128


def peak_bytes():
    """The most memory this process has had.

    Linux lets a process begin with its parent's peak in `ru_maxrss`; /proc knows its own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kept if sys.platform == "darwin" else kept * 1024


def main():
    path, word, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    settings = Settings(epochs=1, batch=BATCH, threads=threads)
    names = tuple(map(str, range(CLASSES)))

    def trained(images):
        labels = (np.arange(len(images)) % CLASSES).astype(np.uint8)
        return train(headed(word), ImageSet(images, labels), classes=names, settings=settings)

    images = np.load(path, mmap_mode="r")
    trained(images[:BATCH].copy())
    baseline = peak_bytes()
    result = trained(images)
    found = {
        "images": len(images),
        "images_per_second": result.images_per_second,
        "baseline_bytes": baseline,
        "peak_bytes": peak_bytes(),
        "file_bytes": images.nbytes,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
