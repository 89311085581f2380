"""Arrays of any numbers as a plain safetensors file, for other programs; convlet's own files are in `system.sealed`.

Source: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from convlet.system.sealed import as_json

Array = np.ndarray[Any, Any]

KINDS = {"float32": "F32", "uint8": "U8"}


def safetensors(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a safetensors file of float32 and uint8 arrays; the largest elements stand first.

    The header ends in spaces, so that the arrays begin at a multiple of 8 bytes.
    """
    ordered = sorted(arrays.items(), key=lambda pair: -pair[1].itemsize)  # so that each array lies at its own multiple
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for name, values in ordered:
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": KINDS[values.dtype.name], "shape": list(values.shape), "data_offsets": [begin, end]}
    text = as_json(header).encode()
    text += b" " * (-len(text) % 8)
    parts = [np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes() for _, values in ordered]
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
