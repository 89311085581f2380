"""Small model files, taken apart and put together again."""

from __future__ import annotations

import hashlib
import json

import pytest

from convlet.errors import ModelFileError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model import model_file
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head


def make(word="bn-gap", shape=(1, 1, 1), classes=("cat", 'a "quoted" dög')):
    """A model with initial parameters."""
    net = with_head(parse(word), len(classes))
    layout = Layout(net, shape)
    return Model(
        word,
        shape,
        classes,
        Preprocessing((0.1,) * shape[-1], (1 / 3,) * shape[-1]),
        layout.initial_parameters(net, shape, 3),
        layout.initial_state(net, shape),
        Settings(learning_rate=0.1, batch=None).as_dict(),
    )


def saved(tmp_path, model=None):
    path = tmp_path / "model.safetensors"
    model_file.save(model or make(), path)
    return path


def split(data):
    """The header as a dictionary, and the bytes after it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header, payload):
    """A file of this header (a dictionary or bytes) and these bytes, with a checksum that fits."""
    if isinstance(header, dict):
        header["__metadata__"]["sha256"] = "0" * 64
        header = json.dumps(header, separators=(",", ":")).encode()
    digits = b'"sha256":"' + b"0" * 64
    data = len(header).to_bytes(8, "little") + header + payload
    return data.replace(digits, b'"sha256":"' + hashlib.sha256(data).hexdigest().encode(), 1)


def refusal(path, data=None):
    """Why a file, or these bytes in its place, is refused."""
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        model_file.load(path)
    name, reason = str(caught.value).split(": ", 1)
    assert name == str(path)
    assert "\n" not in reason
    return reason
