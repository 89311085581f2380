"""The target "torch": a short module for PyTorch, and its weights as safetensors in PyTorch's layout."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from convlet.export.channels_first import channels_first
from convlet.export.graph import Graph
from convlet.export.proof import MOST_PROBABILITY, Proof
from convlet.export.said import facts
from convlet.export.targets import Files, Options, Target
from convlet.export.torch_code import lines_of, quoted, tensor_name
from convlet.layers.base import Array
from convlet.learning.views import AS_IT_IS

CODE, WEIGHTS = ".py", ".safetensors"


def check(graph: Graph, options: Options) -> None:
    """Nothing that a graph holds is refused: pixels may be of any type."""


def build(graph: Graph, options: Options, proof: Proof) -> Files:
    """Return the module and the weights of a graph. See `Target`."""
    said = facts(graph, "torch", TARGET, options)
    weights = _weights(graph, proof, said)
    return {CODE: _code(graph, said, hashlib.sha256(weights).hexdigest()).encode(), WEIGHTS: weights}


def run(files: Files, graph: Graph, options: Options, images: Array) -> Array:
    """Return the logits of the module that was built, run from a folder of its own. See `Target`."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"exported{CODE}"
        place.with_suffix(WEIGHTS).write_bytes(files[WEIGHTS])
        # the module's globals: the code puts its own objects there
        names: dict[str, Any] = {"__name__": "exported", "__file__": str(place)}
        exec(compile(files[CODE], str(place), "exec"), names)
        network = names["load"]()
    with torch.inference_mode():
        logits: Array = network(torch.from_numpy(_channels_first(images))).numpy()
    return logits


def _channels_first(images: Array) -> Array:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _weights(graph: Graph, proof: Proof, said: dict[str, str]) -> bytes:
    """A state dictionary of the network, and the proof under names that begin with "proof."."""
    from convlet.export.tensors import safetensors

    arrays = {"scale": graph.scale.reshape(-1, 1, 1), "offset": graph.offset.reshape(-1, 1, 1)}
    for number, member in enumerate(channels_first(graph)):
        arrays |= {f"members.{number}.{tensor_name(name)}": values for name, values in member.items()}
    arrays |= {"proof.images": _channels_first(proof.images), "proof.logits": proof.logits}
    return safetensors(arrays, said)


def _code(graph: Graph, said: dict[str, str], sha256: str) -> str:
    """The text of the module."""
    modules, forward = lines_of(graph)
    height, width, channels = graph.input_shape
    views = _tuple("VIEWS", [str(tuple(view)) for view in graph.views]) if graph.views != (AS_IT_IS,) else ""
    left = f"\n{fill('Not carried: ' + said['not_carried'] + '.', 110)}\n" if "not_carried" in said else ""
    return TEMPLATE.format(
        architecture=fill(graph.architecture, 100, break_on_hyphens=True),
        version=said["convlet"],
        options=said["options"],
        weights=graph.sha256,
        left=left,
        shape=f"(n, {channels}, {height}, {width})",
        classes=_tuple("CLASSES", [quoted(name) for name in graph.classes]),
        sha256=sha256,
        views=views and f'{views}"""How each image is shown: pixels down, pixels to the right, mirrored."""\n',
        limit=MOST_PROBABILITY,
        modules="\n        ".join(modules),
        forward="\n        ".join(forward),
        channels=channels,
        members=len(graph.members),
        shown=SHOWN if views else "",
        total=_total(bool(views), len(graph.members) > 1),
    )


def _tuple(name: str, lines: list[str]) -> str:
    """The lines that give a name to a tuple, one member a line."""
    return "\n".join([f"{name} = (", *(f"    {line}," for line in lines), ")", ""])


def _total(views: bool, members: bool) -> str:
    """The lines that give the logits of x."""
    if not views and not members:
        return "return self.members[0](x)"
    each = "member(shown(x, *view)) for member in self.members for view in VIEWS"
    return f"return torch.stack([{each if views else 'member(x) for member in self.members'}]).mean(0)"


SHOWN = '''

def shown(images, down, right, mirrored):
    """Images moved by whole pixels, those from outside being those at the edge, then mirrored."""
    height, width = images.shape[2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return images[:, :, rows][:, :, :, columns.flip(0) if mirrored else columns]
'''

TEMPLATE = '''"""{architecture}

Written by convlet {version}, target torch, options {options}, from a model whose weights have the SHA-256
{weights}.
The weights are in the file of the same name that ends in .safetensors. This module needs PyTorch alone.
Run it to see that it answers as the model does.
{left}"""

import hashlib
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

{classes}WEIGHTS = Path(__file__).with_suffix(".safetensors")
SHA256 = "{sha256}"
{views}

class Member(nn.Module):
    def __init__(self):
        super().__init__()
        {modules}

    def forward(self, x):
        {forward}
        return x
{shown}

class Network(nn.Module):
    """Logits (n, classes) of images {shape}: pixels as in training, of any type."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones({channels}, 1, 1))
        self.register_buffer("offset", torch.zeros({channels}, 1, 1))
        self.members = nn.ModuleList(Member() for _ in range({members}))

    def forward(self, images):
        x = images.float() * self.scale + self.offset
        {total}


def tensors():
    """All tensors of the weights file by name."""
    data = bytearray(WEIGHTS.read_bytes())
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"{{WEIGHTS}}: are not the weights of this module; copy both files again")
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    entries.pop("__metadata__")
    kinds = {{"F32": torch.float32, "U8": torch.uint8}}
    found = {{}}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data[start + begin : start + end], dtype=kinds[entry["dtype"]])
        found[name] = values.reshape(entry["shape"])
    return found


def load():
    """The trained network, ready to predict; call train() on it to go on training."""
    network = Network()
    state = {{name: values for name, values in tensors().items() if not name.startswith("proof.")}}
    network.load_state_dict(state)
    return network.eval()


def main():
    """Compare with the model's own logits of some images; the exit code."""
    proof, network = tensors(), load()
    with torch.inference_mode():
        logits = network(proof["proof.images"])
    wanted = proof["proof.logits"]
    same = int((logits.argmax(1) == wanted.argmax(1)).sum())
    largest = float((logits.softmax(1) - wanted.softmax(1)).abs().max())
    print(f"same class on {{same}} of {{len(wanted)}} images, largest difference of a probability {{largest:.0e}}")
    return 0 if same == len(wanted) and largest <= {limit} else 1


if __name__ == "__main__":
    sys.exit(main())
'''

TARGET = Target(
    suffixes=(CODE, WEIGHTS),
    packages=("torch",),
    remedy="pip install torch",
    options={},
    check=check,
    build=build,
    run=run,
    named_by_suffix=True,
)
