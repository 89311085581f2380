"""What lies in a folder or in a zip archive: one list of files, each opened in the same guarded way.

A link to a folder that is already being walked is passed over, and so are hidden folders and those that macOS adds to
archives. Nothing of an archive is unpacked to disk, so a name such as `../../x` in it is only a name.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from convlet.errors import DataError
from convlet.system import reading

MOST_FILES = 2_000_000
MOST_DEPTH = 16
"""Folders inside folders."""

MOST_ZIPPED = 300_000
"""Files in a zip archive; its list of files is read as a whole."""

MOST_LIST_BYTES = 32 * 2**20
"""That list."""

INFLATES = 1032
"""Deflate makes at most so many bytes out of one."""

IN_MEMORY = 64 * 2**20
"""Files of an archive up to this size are inflated at once; larger ones piece by piece."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Item:
    """One file below the root of a tree.

    parts : the names of its folders, then its own
    kind : "file", or what else it is, as `reading.kind` says; None for a link that leads nowhere
    """

    parts: tuple[str, ...]
    kind: str | None = "file"

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """The end of its name from the last dot on, in small letters; "" without one."""
        stem, dot, end = self.parts[-1].rpartition(".")
        return f".{end.lower()}" if dot and stem else ""


class Tree:
    """Files below a folder.

    root : the folder, or the archive
    items : its files, by their folders and names
    hidden : the folders that were not looked into
    empty : the folders with nothing in them
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.items: list[Item] = []
        self.hidden: list[str] = []
        self.empty: list[tuple[str, ...]] = []
        self._walk(root, (), {_identity(root)})
        self.items.sort(key=lambda item: item.parts)

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go what is open."""

    def shown(self, item: Item) -> str:
        """The path of a file, for people."""
        return os.path.join(self.root, *item.parts)

    @contextmanager
    def opened(self, item: Item, what: str, most: int | None = None) -> Iterator[IO[bytes]]:
        """A file open for reading; parameters and errors as of `reading.opened`."""
        with reading.opened(self.shown(item), what, most, DataError) as file:
            yield file

    def size(self, item: Item) -> int:
        """The bytes of a file; 0 if it cannot be seen."""
        try:
            return os.stat(self.shown(item)).st_size
        except OSError:
            return 0

    def start(self, item: Item, count: int) -> bytes:
        """Its first bytes; raises DataError if it cannot be read."""
        handle = reading.open_regular(self.shown(item), "a picture", None, DataError)
        try:
            return os.read(handle, count)
        except OSError as error:
            raise DataError(f"{self.shown(item)}: {reading.reason(error)}") from None
        finally:
            os.close(handle)

    def _walk(self, folder: Path | str, above: tuple[str, ...], open_folders: set[tuple[int, int]]) -> None:
        try:
            found = list(os.scandir(folder))
        except OSError as error:
            reason = reading.reason(error).replace("no such file", "no such folder")
            raise DataError(f"{folder}: {reason}") from None
        if not found and above:
            self.empty.append(above)
        for entry in found:
            parts = (*above, entry.name)
            if not _is_folder(entry):
                plain = entry.is_file(follow_symlinks=False)
                self._add(Item(parts, "file" if plain else reading.kind(entry.path)))
                continue
            inside = {_identity(entry.path)}
            if is_hidden(entry.name) or inside & open_folders or len(parts) > MOST_DEPTH:
                self.hidden.append("/".join(parts))
            else:
                self._walk(entry.path, parts, open_folders | inside)

    def _add(self, item: Item) -> None:
        self.items.append(item)
        if len(self.items) > MOST_FILES:
            raise DataError(f"{self.root}: holds more than {MOST_FILES:,} files; give a folder with fewer")


class FileTree(Tree):
    """A tree of one file, which is also its root."""

    def __init__(self, path: Path) -> None:
        self.root = path
        self.items = [Item((path.name,))]
        self.hidden, self.empty = [], []

    def shown(self, item: Item) -> str:
        return str(self.root)


class ZipTree(Tree):
    """Files in a zip archive; it stays open until `close`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.items = []
        self.hidden = []
        self.empty = []
        self._stack = ExitStack()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        self.items.sort(key=lambda item: item.parts)

    def _open(self) -> None:
        file = self._stack.enter_context(reading.opened(self.root, "a zip archive", None, DataError))
        self._length = reading.size(file)
        try:
            _check_list(self.root, file, self._length)
            self._archive = self._stack.enter_context(zipfile.ZipFile(file))
            entries = self._archive.infolist()
        except DataError:
            raise
        except Exception as error:  # zipfile raises many kinds where an archive is damaged
            raise DataError(f"{self.root}: is not a zip archive, or a damaged one ({error})") from None
        self._infos: dict[tuple[str, ...], zipfile.ZipInfo] = {}
        hidden = set()
        for info in entries:
            parts = tuple(part for part in info.filename.replace("\\", "/").split("/") if part not in ("", "."))
            outer = next((k for k, name in enumerate(parts[:-1], 1) if is_hidden(name)), 0)
            if outer or len(parts) > MOST_DEPTH:
                hidden.add("/".join(parts[: outer or MOST_DEPTH]))
            elif parts and not info.is_dir() and parts not in self._infos:
                self._infos[parts] = info
                self._add(Item(parts))
        self.hidden = sorted(hidden)

    def close(self) -> None:
        self._stack.close()

    @contextmanager
    def opened(self, item: Item, what: str, most: int | None = None) -> Iterator[IO[bytes]]:
        info, shown = self._info(item), self.shown(item)
        if most is not None and info.file_size > most:
            raise DataError(f"{shown}: has {info.file_size:,} bytes; {what} may have at most {most:,}")
        try:
            with self._archive.open(info) as file:
                if info.file_size > IN_MEMORY:
                    yield file
                    return
                data = file.read(info.file_size + 1)
            if len(data) != info.file_size:
                raise DataError(f"{shown}: is not as long as the archive says; get the archive again")
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{shown}: is damaged in the archive ({error}); get the archive again") from None
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise DataError(f"{shown}: is damaged in the archive ({error}); get the archive again") from None
            raise
        yield io.BytesIO(data)

    def size(self, item: Item) -> int:
        return self._infos[item.parts].file_size

    def start(self, item: Item, count: int) -> bytes:
        info = self._info(item)
        try:
            with self._archive.open(info) as file:
                return file.read(count)
        except Exception as error:  # zipfile and zlib raise many kinds where an archive is damaged
            raise DataError(f"{self.shown(item)}: is damaged in the archive ({error}); get it again") from None

    def _info(self, item: Item) -> zipfile.ZipInfo:
        info, shown = self._infos[item.parts], self.shown(item)
        if info.compress_type not in METHODS or info.flag_bits & 1:
            raise DataError(
                f"{shown}: is encrypted or packed in an unknown way; pack it with deflate, without a password"
            )
        if info.compress_size > self._length or info.file_size > INFLATES * info.compress_size + 64:
            raise DataError(f"{shown}: declares {info.file_size:,} bytes, more than the archive can hold; get it again")
        return info


def is_hidden(name: str) -> bool:
    """Whether a folder of this name is the system's, not the user's."""
    return name.startswith(".") or name in ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _identity(folder: str | Path) -> tuple[int, int]:
    """What tells a folder from all others, however it is reached."""
    try:
        status = os.stat(folder)
    except OSError as error:
        reason = reading.reason(error).replace("no such file", "no such folder")
        raise DataError(f"{folder}: {reason}") from None
    return status.st_dev, status.st_ino


def _check_list(path: Path, file: IO[bytes], length: int) -> None:
    """Refuse an archive whose list of files is too long, before it is read."""
    file.seek(max(0, length - 2**16 - 22))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        raise DataError(f"{path}: is not a zip archive, or a damaged one (its end is missing); get it again")
    count, size = struct.unpack_from("<HI", end, at + 10)
    long_form = end.rfind(b"PK\x06\x06", 0, at)
    if long_form >= 0 and len(end) >= long_form + 48:
        count, size = struct.unpack_from("<QQ", end, long_form + 32)
    if count > MOST_ZIPPED or size > MOST_LIST_BYTES:
        raise DataError(f"{path}: lists more than {MOST_ZIPPED:,} files; unpack it and give the folder")
    file.seek(0)
