"""The arrays in .npz, .npy and .mat files, by their headers first: shapes are compared before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import IO, Any

import numpy as np

from convlet.data import npy
from convlet.data.dataset import Array
from convlet.data.tree import INFLATES, METHODS, Item, Tree
from convlet.errors import DataError

MOST_BYTES = 4 * 2**30
"""What the arrays may take when inflated, as the archive's own directory says."""

MOST_FILES = 1000
"""Entries of an archive."""

MATLAB_KINDS = {
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{"double": 8, "single": 4, "logical": 1, "char": 4},
}
"""Classes of MATLAB arrays that are read, and the bytes of a value."""


@dataclass(frozen=True)
class Found:
    """An array that is declared in a file.

    name : its own name; the name of the file where an array has none
    shown : file and array, for errors
    read : reads it
    columns_first : MATLAB's order, in which images are often counted by the last axis
    file : the name of its file without the end
    """

    name: str
    shown: str
    shape: tuple[int, ...]
    is_text: bool
    read: Callable[[], Array]
    columns_first: bool = False
    file: str = ""


def declared(tree: Tree, item: Item, most: int | None = None) -> list[Found]:
    """The arrays that a file declares.

    Raises
    ------
    DataError : another format, damaged, objects instead of numbers, or too large
    """
    most = MOST_BYTES if most is None else most
    reader = {".npz": _npz, ".npy": _npy, ".mat": _mat}[item.suffix]
    shown = tree.shown(item)
    try:
        return [replace(one, file=_stem(item)) for one in reader(tree, item, most)]
    except npy.Unreadable as error:
        raise DataError(f"{shown} {error}") from None
    except (DataError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # zipfile, zlib and SciPy raise many kinds where a file is damaged
        what = "MATLAB file" if item.suffix == ".mat" else f"{item.suffix} archive"
        raise DataError(f"{shown}: is no {what}, or a damaged one ({str(error)[:200]})") from None


def _npz(tree: Tree, item: Item, most: int) -> list[Found]:
    shown, length = tree.shown(item), tree.size(item)
    found = []
    with tree.opened(item, "an .npz archive") as file, zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_FILES:
            raise DataError(f"{shown}: holds {len(infos):,} files; at most {MOST_FILES:,} are read")
        size = sum(info.file_size for info in infos)
        if size > most:
            raise DataError(f"{shown}: holds {size:,} bytes; at most {most:,} are read")
        for info in infos:
            name = info.filename.removesuffix(".npy")
            _check_entry(shown, info, length)
            try:
                with archive.open(info) as inner:
                    header = npy.header(inner, info.file_size)
            except npy.Unreadable as error:
                raise DataError(f"{shown}: {info.filename} {error}") from None
            found.append(
                Found(
                    _stem(item) if name.startswith("arr_") and len(infos) == 1 else name,
                    f"{shown}: {name}",
                    header.shape,
                    header.dtype.kind in "US",
                    _reading_npz(tree, item, info),
                )
            )
    return found


def _check_entry(shown: str, info: zipfile.ZipInfo, length: int) -> None:
    """Refuse, before it is opened, an entry that the archive's own bytes cannot hold."""
    if info.compress_type not in METHODS or info.flag_bits & 1:
        raise DataError(f"{shown}: {info.filename} is encrypted or packed in an unknown way; write it with numpy.savez")
    if info.compress_size > length or info.file_size > INFLATES * info.compress_size + 64:
        raise DataError(
            f"{shown}: {info.filename} declares {info.file_size:,} bytes, more than the archive can hold; get it again"
        )


def _reading_npz(tree: Tree, item: Item, info: zipfile.ZipInfo) -> Callable[[], Array]:
    def read() -> Array:
        shown = tree.shown(item)
        try:
            with (
                tree.opened(item, "an .npz archive") as file,
                zipfile.ZipFile(file) as archive,
                archive.open(info) as inner,
            ):
                return npy.read(inner, info.file_size)
        except npy.Unreadable as error:
            raise DataError(f"{shown}: {info.filename} {error}") from None
        except (DataError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # zipfile and zlib raise many kinds where an archive is damaged
            raise DataError(f"{shown}: is no .npz archive, or a damaged one ({error})") from None

    return read


def _npy(tree: Tree, item: Item, most: int) -> list[Found]:
    size = tree.size(item)
    if size > most:
        raise DataError(f"{tree.shown(item)}: has {size:,} bytes; at most {most:,} are read")
    with tree.opened(item, "an .npy array") as file:
        header = npy.header(file, size)

    def read() -> Array:
        with tree.opened(item, "an .npy array") as file:
            try:
                return npy.read(file, size)
            except npy.Unreadable as error:
                raise DataError(f"{tree.shown(item)} {error}") from None

    return [Found(_stem(item), tree.shown(item), header.shape, header.dtype.kind in "US", read)]


def _mat(tree: Tree, item: Item, most: int) -> list[Found]:
    from scipy.io import whosmat

    shown, length = tree.shown(item), tree.size(item)
    with tree.opened(item, "a MATLAB file") as file:
        start = file.read(128)
        if start[:8] == b"\x89HDF\r\n\x1a\n" or b"MATLAB 7.3" in start:
            raise DataError(f"{shown}: is a MATLAB file of version 7.3 (HDF5); save it with '-v7', or as .npz")
        if not start.startswith(b"MATLAB 5.0"):
            raise DataError(f"{shown}: is no MATLAB file of version 5; save it with '-v7', or as .npz")
        file.seek(0)
        infos = whosmat(_seekable(file))
    found, size = [], 0
    for name, shape, kind in infos:
        if kind not in MATLAB_KINDS or name.startswith("__"):
            continue
        shape = tuple(int(side) for side in shape)
        size += prod(shape) * MATLAB_KINDS[kind]
        found.append(Found(name, f"{shown}: {name}", shape, kind == "char", _reading_mat(tree, item, name), True))
    if size > min(most, INFLATES * length):
        raise DataError(f"{shown}: declares {size:,} bytes, more than it can hold or than the {most:,} that are read")
    return found


def _reading_mat(tree: Tree, item: Item, name: str) -> Callable[[], Array]:
    def read() -> Array:
        from scipy.io import loadmat

        shown = tree.shown(item)
        try:
            with tree.opened(item, "a MATLAB file") as file:
                return np.asarray(loadmat(_seekable(file), variable_names=[name])[name])
        except (DataError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # whatever SciPy raises, the file made it raise
            raise DataError(f"{shown}: is no MATLAB file, or a damaged one ({str(error)[:200]})") from None

    return read


def _seekable(file: IO[bytes]) -> Any:
    return file if file.seekable() else io.BytesIO(file.read())


def _stem(item: Item) -> str:
    return item.name.rpartition(".")[0]
