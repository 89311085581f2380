"""Named float32 arrays and a few texts in one file that notices any change: safetensors with a checksum.

    8 bytes   n, the length of the header, little-endian
    n bytes   the header, JSON: {"__metadata__": {...}, array name: {"dtype", "shape", "data_offsets"}, ...}
    the rest  the arrays, float32 little-endian, one after the other

The checksum in the metadata is the SHA-256 of the whole file with the checksum's own 64 digits written as 0.
So no bit of the file, header included, can change without being noticed, and the file stays one that any
safetensors library can read. docs/format.md says it whole; safetensors itself:
https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from io import BufferedReader, BytesIO
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from convlet.errors import InputError
from convlet.system.reading import Unchecked, opened, size

DIGITS = 64
"""Hexadecimal digits of a SHA-256."""

MARK = b'"sha256":"'
"""What the checksum's digits follow. It cannot lie inside a JSON string, where quotes are escaped."""

File = BufferedReader | BytesIO
Array = np.ndarray[Any, Any]


class Kind(NamedTuple):
    """A kind of sealed file: its name and an example for people, and how many bytes file and header may have."""

    name: str
    example: str
    file_limit: int
    header_limit: int


class Refused(Exception):
    """Why a file is not what it should be; whoever reads the file puts its name in front."""


def refuse(reason: str) -> NoReturn:
    """Raise Refused."""
    raise Refused(reason)


def as_json(value: Any) -> str:
    """JSON without spaces; not finite numbers are an error."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def encode_header(metadata: dict[str, str], arrays: dict[str, Array]) -> bytes:
    """The header of these texts and arrays, with a checksum of zeros as the last of the texts.

    It ends in spaces, so that the arrays begin at a multiple of 8 bytes.
    """
    header: dict[str, object] = {"__metadata__": metadata | {"sha256": "0" * DIGITS}}
    end = 0
    for name, values in arrays.items():
        begin, end = end, end + 4 * values.size
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [begin, end]}
    text = as_json(header).encode()
    return text + b" " * (-len(text) % 8)


def seal(header: bytes, vectors: Iterable[Array]) -> list[bytes]:
    """The bytes of a file in pieces: its header, the values, and the checksum of both in its place."""
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [np.ascontiguousarray(values, "<f4").tobytes() for values in vectors]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    parts[1] = header.replace(MARK + b"0" * DIGITS, MARK + digest.hexdigest().encode(), 1)
    return parts


def unseal_file(path: str | Path, kind: Kind, refused: type[InputError]) -> tuple[bytes, Array]:
    """Header and values of the file at a path, as `unseal` gives them; raises Refused, or `refused` with the path."""
    with opened(path, f"a {kind.name} file such as {kind.example}", refused=refused) as file:
        length = size(file)
        check_size(length, kind)
        return unseal(file, length, kind)


def check_size(size: int, kind: Kind) -> None:
    """Refuse more bytes than a file of this kind has."""
    if size > kind.file_limit:
        refuse(f"is no {kind.name} file: expected at most {kind.file_limit} bytes, but it has {size}")


def unseal(file: File, size: int, kind: Kind) -> tuple[bytes, Array]:
    """Header and values, float32 (n,), read only, of a file of `size` bytes; raises Refused.

    Memory: the size of the file; the sizes in it are checked before anything is allocated.
    """
    header = _read_header(file, size, kind)
    payload = _read_payload(file, size - 8 - len(header))
    _check_sum(header, payload, kind)
    return header, payload


def _read_header(file: File, size: int, kind: Kind) -> bytes:
    if size < 8:
        refuse(f"is no {kind.name} file: expected at least 8 bytes, but it has {size}")
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= kind.header_limit:
        refuse(f"is no {kind.name} file: expected a header of 2 to {kind.header_limit} bytes, but it says {length}")
    if length > size - 8:
        refuse(f"is cut off: its header should have {length} bytes, but {size - 8} are left; copy the file again")
    header = file.read(length)
    if not header.startswith(b"{") or len(header) != length:
        refuse(f"is no {kind.name} file: its header is no JSON object")
    return header


def _read_payload(file: File, size: int) -> Array:
    """The float32 values after the header."""
    if size % 4:
        refuse(f"is cut off: expected whole float32 values after the header, but got {size} bytes")
    payload = np.empty(size // 4, "<f4")
    if file.readinto(payload.view(np.uint8).data) != size or file.read(1):
        refuse("changed while it was read; try again")
    payload.flags.writeable = False
    return payload


def _check_sum(header: bytes, payload: Array, kind: Kind) -> None:
    """Refuse a file whose bytes are not the ones that were written."""
    at = header.find(MARK) + len(MARK)
    if at < len(MARK) or header.count(MARK) != 1:
        refuse(f"is no {kind.name} file: expected one sha256 in its metadata")
    digest = hashlib.sha256(len(header).to_bytes(8, "little"))
    digest.update(header[:at] + b"0" * DIGITS + header[at + DIGITS :])
    digest.update(payload.data)
    if header[at : at + DIGITS] != digest.hexdigest().encode():
        refuse("is damaged: its checksum does not fit its content; copy or train it again")


def parse_header(text: bytes, kind: Kind) -> tuple[dict[str, str], Unchecked]:
    """The texts and the arrays' entries of a header; raises Refused."""
    try:
        header = strict_json(text.decode(), kind)
    except UnicodeDecodeError:
        refuse(f"is no {kind.name} file: its header is not UTF-8")
    if not isinstance(header, dict):
        refuse(f"is no {kind.name} file: its header is no JSON object")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        refuse(f"is no {kind.name} file: expected metadata of texts in its header")
    return metadata, header


def strict_json(text: str, kind: Kind) -> Any:
    """A JSON value in which no key stands twice and every number is finite; raises Refused."""

    def pairs(items: list[tuple[str, Any]]) -> Unchecked:
        found = dict(items)
        if len(found) != len(items):
            refuse(f"is no {kind.name} file: a key stands twice in its header")
        return found

    def constant(name: str) -> NoReturn:
        refuse(f"is no {kind.name} file: its header holds {name}")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError too
        refuse(f"is no {kind.name} file: its header is not valid JSON")


def check_arrays(entries: Unchecked, size: int, kind: Kind) -> None:
    """Refuse arrays of an unknown form, and any that overlap, leave a hole or do not fill `size` bytes."""
    end, limit = 0, kind.file_limit
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            refuse(f"array {name!r:.60}: expected dtype, shape and data_offsets, and nothing else")
        if entry["dtype"] != "F32":
            refuse(f"array {name!r:.60}: expected dtype F32, but got {entry['dtype']!r:.60}")
        shape, offsets = entry["shape"], entry["data_offsets"]
        for numbers in (shape, offsets):
            if not isinstance(numbers, list) or not all(whole(n, 0, limit) for n in numbers):
                refuse(f"array {name!r:.60}: expected lists of whole numbers from 0 to {limit}")
        if len(offsets) != 2 or len(shape) > 8 or offsets != [end, end + 4 * prod(shape)]:
            refuse(
                f"array {name!r:.60}: expected bytes from {end} on, as many as its shape needs, "
                f"but got {offsets!r:.60}; arrays may not overlap or leave holes"
            )
        end = offsets[1]
    if end != size:
        refuse(f"is cut off or too long: expected {end} bytes of arrays, but it has {size}; copy it again")


def whole(value: Any, low: int, high: int) -> bool:
    """Whether the value is a whole number in this range, and no truth value."""
    return type(value) is int and low <= value <= high
