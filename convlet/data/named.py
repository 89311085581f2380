"""Data sets by name: what there is, where it lies, and how it gets there.

Each downloadable set has one folder under CONVLET_DATA, else under the user's cache. A file found there is checked
when it is read (see `idx`); a file downloaded is checked against its published MD5 before it gets its name.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from convlet.data import idx
from convlet.data.dataset import ImageSet, Rows
from convlet.errors import DataError, DownloadError

TIMEOUT_SECONDS = 20.0
"""A mirror that sends nothing for so long is given up."""

SLOWEST = 2**10
"""Bytes a second: a mirror that is slower, once TIMEOUT_SECONDS have passed, is given up too."""

MOST_BYTES = 2**28
"""Of one file; a mirror that sends more is given up."""


@dataclass(frozen=True)
class Named:
    """A data set that is known by name.

    files : file name to MD5 of the official file; empty for a set that needs no download
    mirrors : addresses that end where a file name begins, tried in turn
    pictures : what they show, see `Dataset`
    """

    name: str
    summary: str
    licence: str
    classes: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    mirrors: tuple[str, ...] = ()
    pictures: str = ""


DIGITS = tuple(str(number) for number in range(10))

NAMED = (
    Named(
        "digits",
        "1,797 handwritten digits, 8x8 grey, shipped with scikit-learn",
        "CC BY 4.0",
        DIGITS,
        pictures="writing",
    ),
    Named(
        "mnist",
        "70,000 handwritten digits, 28x28 grey (LeCun, Cortes, Burges)",
        "CC BY-SA 3.0",
        DIGITS,
        (
            ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        "writing",
    ),
    Named(
        "fashion-mnist",
        "70,000 pictures of clothing, 28x28 grey (Xiao, Rasul, Vollgraf 2017)",
        "MIT",
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        (
            ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        "objects",
    ),
)

BY_NAME = {named.name: named for named in NAMED}


def folder_of(name: str) -> Path:
    """Where a downloadable set lies or will lie."""
    root = os.environ.get("CONVLET_DATA")
    if root:
        return Path(root) / name
    from platformdirs import user_cache_path

    try:
        return user_cache_path("convlet") / "data" / name
    except RuntimeError:
        raise DataError("there is no home folder to keep data sets in; set CONVLET_DATA to a folder for them") from None


def is_present(named: Named) -> bool:
    """Whether the set can be loaded without a download."""
    return not named.files or all(idx.find(folder_of(named.name), file[:-3]) for file, _ in named.files)


def load(name: str, offline: bool = False) -> tuple[str, tuple[str, ...], dict[str, ImageSet]]:
    """Source, classes and parts ("train", and "test" where the set has one) of a named set."""
    named = BY_NAME[name]
    if not named.files:
        return "scikit-learn", named.classes, {"train": _digits()}
    folder = get(named, offline)
    try:
        return str(folder), named.classes, idx.load(folder, len(named.classes))
    except DataError as error:
        raise DataError(f"{error}; 'convlet data get {name}' replaces what is damaged") from None


def _digits() -> ImageSet:
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)
    labels = found.target.astype(np.int64)
    return ImageSet(pixels[..., np.newaxis], labels, Rows.all_of("digits", len(labels)))


def get(named: Named, offline: bool = False, say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of a downloadable set, with every file in it; downloads those that are missing.

    Raises
    ------
    DataError : files are missing and `offline` forbids a download, or the folder cannot be made
    DownloadError : no mirror delivered a file with the published checksum
    """
    folder = folder_of(named.name)
    missing = [(file, md5) for file, md5 in named.files if idx.find(folder, file[:-3]) is None]
    if missing and offline:
        raise DataError(
            f"'{named.name}' is not in {folder} and --offline forbids a download; "
            f"run 'convlet data get {named.name}' once, or put {missing[0][0]} there"
        )
    for file, md5 in missing:
        say(f"downloading {file}")
        _download(named, file, md5, folder)
    return folder


def mend(named: Named, say: Callable[[str], None] = lambda line: None) -> None:
    """Remove each file of a set that cannot be read, so that `get` downloads it again."""
    folder = folder_of(named.name)
    for file, _ in named.files:
        path = idx.find(folder, file[:-3])
        if path is None:
            continue
        try:
            idx.read(path, 3 if "idx3" in file else 1)
        except DataError as error:
            say(f"{error}; it is removed")
            path.unlink()


class _GivenUp(Exception):
    """Why a mirror was given up."""


def _download(named: Named, file: str, md5: str, folder: Path) -> None:
    """One file, from the first mirror that has it whole: a temporary file, its checksum, then its name."""
    import pooch
    import requests

    # its own lines would stand between ours; what went wrong is said below
    pooch.get_logger().setLevel(logging.CRITICAL)
    failures = []
    for mirror in named.mirrors:
        try:
            pooch.retrieve(mirror + file, f"md5:{md5}", file, folder, downloader=_fetch)
            return
        except ValueError:
            failures.append(f"{mirror} sent other bytes than the published ones (checksum); they were removed")
        except _GivenUp as error:
            failures.append(f"{mirror} was given up ({error})")
        except (requests.RequestException, requests.packages.urllib3.exceptions.HTTPError) as error:
            failures.append(f"{mirror} failed ({_reason(error)})")
        except OSError as error:
            raise DataError(
                f"{folder}: cannot be written ({error.strerror or error}); set CONVLET_DATA to a folder that can"
            ) from None
    raise DownloadError(
        f"{file} of '{named.name}' could not be downloaded: {'; '.join(failures)}. "
        f"Check the network, or put the file into {folder}"
    )


def _fetch(address: str, place: str, _: Any) -> None:
    """Copy what an address sends into the file `place`, for as long as it keeps coming."""
    import requests

    began = monotonic()
    with requests.get(address, stream=True, timeout=TIMEOUT_SECONDS) as answer, open(place, "wb") as file:
        answer.raise_for_status()
        # what has come, not a full buffer: a mirror that drips must not hold us. Nor is anything inflated
        while part := answer.raw.read1(2**16, decode_content=False):
            file.write(part)
            got, seconds = file.tell(), monotonic() - began
            if got > MOST_BYTES:
                raise _GivenUp(f"more than {MOST_BYTES:,} bytes")
            if seconds > TIMEOUT_SECONDS and got < SLOWEST * seconds:
                raise _GivenUp(f"{got:,} bytes in {seconds:.0f} s")


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return type(error).__name__
