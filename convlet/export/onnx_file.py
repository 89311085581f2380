"""The target "onnx": one file that ONNX Runtime, browsers, phones and other libraries run.

The graph takes `images`, standardises them, runs every member on every view, and gives `logits` (their mean) and
`probabilities`. Source: https://onnx.ai/onnx/repo-docs/IR.html.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from convlet.errors import SettingsError
from convlet.export.channels_first import channels_first
from convlet.export.graph import Graph
from convlet.export.onnx_nodes import Nodes
from convlet.export.proof import Proof
from convlet.export.said import facts
from convlet.export.targets import Files, Options, Target
from convlet.layers.base import Array
from convlet.learning.views import AS_IT_IS, View
from convlet.system.sealed import as_json

if TYPE_CHECKING:
    from convlet.layers.base import Shape

IR_VERSION = 4
"""The oldest form of file in which an array need not be listed as an input too: that of ONNX 1.4 (January 2019)."""

OPSET = 9
"""The operators of ONNX 1.4. The operators used are there since 7, but every program that reads IR_VERSION knows 9, and
ONNX's own definition of the batch normalisation before 9 (`onnx.reference` 1.23) cannot be run."""

SUFFIX = ".onnx"


def check(graph: Graph, options: Options) -> None:
    """Refuse the input uint8 for pixels that it does not hold. From 0 to 1 may be two whole numbers, but hardly is."""
    like = graph.training_images
    if options["input"] == "uint8" and like is not None and not graph.takes_bytes:
        raise SettingsError(
            f"the model was trained on pixels from {like.low:g} to {like.high:g}, but uint8 holds whole numbers "
            "from 0 to 255; export it with the input float32"
        )


def build(graph: Graph, options: Options, proof: Proof) -> Files:
    """Return the one file of a graph. See `Target`."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes = Nodes()
    logits = _mean_logits(nodes, graph, _standardised(nodes, graph, options))
    nodes.node("Identity", [logits], "logits")
    nodes.node("Softmax", ["logits"], "probabilities", axis=1)
    element = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}[options["input"]]
    outputs: list[Any] = ["n", len(graph.classes)]
    made = helper.make_graph(
        nodes.nodes,
        "convlet",
        [helper.make_tensor_value_info("images", element, ["n", *_image_shape(graph, options)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, outputs) for name in ("probabilities", "logits")],
        [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in nodes.arrays.items()],
    )
    said = _metadata(graph, options, proof)
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="convlet",
        producer_version=said["convlet"],
    )
    helper.set_model_props(model, said)
    checker.check_model(model, full_check=True)  # with the inference of every shape
    return {SUFFIX: model.SerializeToString(deterministic=True)}


def run(files: Files, graph: Graph, options: Options, images: Array) -> Array:
    """Return the logits that ONNX Runtime computes. See `Target`."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = 1
    chosen.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(files[SUFFIX], chosen, providers=["CPUExecutionProvider"])
    logits: Array = session.run(["logits"], {"images": as_input(images, options)})[0]
    return logits


def as_input(images: Array, options: Options) -> Array:
    """Images (n, H, W, C) as the exported graph takes them.

    Raises
    ------
    SettingsError : float images for the input uint8
    """
    if images.dtype != options["input"] and options["input"] == "uint8":
        raise SettingsError(
            f"the images to check with are {images.dtype}, but the export takes uint8; export with the input float32"
        )
    images = images.astype(options["input"], copy=False)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if options["layout"] == "nchw" else images


def _image_shape(graph: Graph, options: Options) -> Shape:
    height, width, channels = graph.input_shape
    return (channels, height, width) if options["layout"] == "nchw" else (height, width, channels)


def _standardised(nodes: Nodes, graph: Graph, options: Options) -> str:
    """pixel * scale + offset of the images, (N, C, H, W)."""
    x = "images"
    if options["layout"] == "nhwc":
        x = nodes.node("Transpose", [x], "images.channels_first", perm=[0, 3, 1, 2])
    if options["input"] == "uint8":
        x = nodes.node("Cast", [x], "images.float", to=1)  # 1 is float32
    scale = nodes.array("standardise.scale", graph.scale.reshape(-1, 1, 1))
    offset = nodes.array("standardise.offset", graph.offset.reshape(-1, 1, 1))
    return nodes.node("Add", [nodes.node("Mul", [x, scale], "images.scaled"), offset], "images.standardised")


def _mean_logits(nodes: Nodes, graph: Graph, images: str) -> str:
    """The logits of each member on each view, added in order and divided by how many they are."""
    arrays, total = channels_first(graph), None
    several = len(graph.views) > 1
    prefixes = [f"view{place}." if several else "" for place in range(1, len(graph.views) + 1)]
    shown = [_shown(nodes, *pair, graph.input_shape, images) for pair in zip(graph.views, prefixes, strict=True)]
    for number, member in enumerate(arrays, start=1):
        own = f"member{number}." if len(arrays) > 1 else ""
        for seen, view in zip(prefixes, shown, strict=True):
            values = [view]
            for operation in graph.operations:
                reads = [values[value] for value in operation.reads]
                names = [nodes.array(own + name, member[name]) for name in operation.array_names]
                values.append(nodes.operation(operation, reads, names, own + seen))
            total = values[-1] if total is None else nodes.node("Add", [total, values[-1]], f"{own}{seen}total")
    assert total is not None  # there is a member and a view
    count = len(arrays) * len(graph.views)
    return total if count == 1 else nodes.node("Div", [total, nodes.number("count", count)], "mean")


def _shown(nodes: Nodes, view: View, prefix: str, shape: Shape, images: str) -> str:
    """The images as a view shows them: rows and columns by number."""
    if view == AS_IT_IS:
        return images
    rows, columns = view.places(*shape[:2])
    moved = nodes.node("Gather", [images, nodes.array(f"{prefix}rows", rows)], f"{prefix}moved", axis=2)
    return nodes.node("Gather", [moved, nodes.array(f"{prefix}columns", columns)], f"{prefix}shown", axis=3)


def _metadata(graph: Graph, options: Options, proof: Proof) -> dict[str, str]:
    """What the file says of itself: texts; lists and objects are JSON, arrays base64 of little-endian values."""
    height, width, channels = graph.input_shape
    kind = np.dtype(proof.images.dtype).newbyteorder("<")
    return facts(graph, "onnx", TARGET, options) | {
        "classes": as_json(list(graph.classes)),
        "height": str(height),
        "width": str(width),
        "channels": str(channels),
        "proof": as_json({"count": len(proof.images), "dtype": proof.images.dtype.name, "made_up": proof.made_up}),
        "proof_images": _base64(proof.images.astype(kind)),
        "proof_logits": _base64(proof.logits.astype("<f4")),
    }


def _base64(values: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


TARGET = Target(
    suffixes=(SUFFIX,),
    packages=("onnx", "onnxruntime"),
    remedy='pip install ".[onnx]"',
    options={"layout": ("nhwc", "nchw"), "input": ("uint8", "float32")},
    check=check,
    build=build,
    run=run,
)
