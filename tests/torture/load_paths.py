"""Every way in which a file is read, good and damaged, under an audit hook that ends the process at the first forbidden
event: no code is run or compiled, no module imported, no pickle read, no process or socket opened.

    python -m tests.torture.load_paths FOLDER

reads the files in FOLDER that `prepare` has put there. Everything is read once before the hook is set, so that what
Python itself imports on first use is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORBIDDEN = {"exec", "compile", "import", "pickle", "marshal", "socket", "subprocess", "ctypes", "pty", "code"}
FORBIDDEN_CALLS = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "os.startfile"}


def readers() -> dict[str, Callable[[Path], Any]]:
    """For each kind of file what reads it; the kind is the beginning of the file's name."""
    from convlet import data
    from convlet.data import idx, pictures
    from convlet.model import model_file

    return {
        "model": model_file.load,
        "labels": lambda path: idx.read(path, 1),
        "archive": data.load,
        "picture": pictures.read,
        "folder": data.load,
    }


def prepare(folder: Path) -> None:
    """Good files of every kind, and of each a copy with a byte changed in its middle."""
    import gzip

    import numpy as np
    from PIL import Image

    from convlet.model import model_file
    from tests.data.files import idx_bytes
    from tests.model_files import make

    model_file.save(make("conv3-bn-relu-pool", (8, 8, 1)), folder / "model.safetensors")
    labels = np.arange(90) % 3
    (folder / "labels").write_bytes(idx_bytes(labels))
    (folder / "labels.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    images = (np.arange(90 * 64) % 251).astype(np.uint8).reshape(90, 8, 8)
    np.savez(folder / "archive.npz", images=images, labels=labels, classes=np.array(["a", "b", "c"]))
    np.savez(folder / "archive-objects.npz", images=np.array([{"a": 1}], object), labels=labels)
    for kind in ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm"):
        Image.fromarray(images[0]).convert("RGB").save(folder / f"picture.{kind}")
    for path in list(folder.iterdir()):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x55
        path.with_name(f"{path.stem}-damaged{path.suffix}").write_bytes(data)
    for number, name in enumerate(("a", "b")):
        (folder / "folder" / name).mkdir(parents=True)
        Image.fromarray(images[number]).save(folder / "folder" / name / "1.png")


def read_all(folder: Path) -> tuple[int, int]:
    """Read everything: how many files gave a value, and how many a clean error."""
    from convlet.errors import ConvletError

    known, read, refused = readers(), 0, 0
    for path in sorted(folder.iterdir()):
        kind = path.name.split(".")[0].split("-")[0]
        try:
            known[kind](path)
            read += 1
        except ConvletError:
            refused += 1
    return read, refused


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """End the process at a forbidden event."""
    if event.split(".")[0] in FORBIDDEN or event in FORBIDDEN_CALLS:
        print(f"forbidden while loading: {event} {arguments!r:.300}", flush=True)
        import os

        os._exit(3)


def main(folder: Path) -> None:
    before = read_all(folder)
    sys.addaudithook(forbid)
    after = read_all(folder)
    print(*after if after == before else ("differs",))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
