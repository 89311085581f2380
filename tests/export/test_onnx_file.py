"""The ONNX file: what it computes in ONNX Runtime and by ONNX's own definition, and what it says of itself."""

from __future__ import annotations

import base64
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import shape_inference
from onnx.reference import ReferenceEvaluator

import export_onnx
from convlet import __version__, export, layers
from convlet.errors import ArchitectureError, RunError, SettingsError
from convlet.export import lowering, onnx_nodes
from convlet.export.onnx_file import IR_VERSION, OPSET
from convlet.export.operations import Operation
from convlet.export.targets import HOMES
from convlet.learning.losses import softmax
from convlet.network.word import parse, with_head
from tests.export.made import NASTY, described, images_of, model_of
from tests.export.test_graph import EVERY

pytestmark = pytest.mark.usefixtures("reference")

DRAWN = 25


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.onnx"


def session_of(file):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def leaves_of(word):
    """The layers of a word with its head."""
    return with_head(parse(word), 4).layers


def test_random_networks_of_all_layers_give_the_same(tmp_path):
    rows = [export_onnx.random_row(seed, tmp_path, 1) for seed in range(DRAWN)]
    for row in rows:
        for side, (other_class, largest) in row["sides"].items():
            assert other_class == 0, (side, row)
            assert largest <= export_onnx.MOST_DIFFERENCE, (side, row)
    drawn = {type(one) for row in rows for one in leaves_of(row["architecture"])}
    assert drawn == set(lowering.RULES) - {layers.Sequential}
    assert {row["members"] for row in rows} == {1, 2, 3}


def test_the_comparison_notices_a_wrong_rule(tmp_path, monkeypatch):
    right = onnx_nodes.RULES[onnx_nodes.Sum]

    def wrong(nodes, one, reads, arrays, name):
        return right(nodes, one, [reads[0], reads[0]], arrays, name)

    monkeypatch.setitem(onnx_nodes.RULES, onnx_nodes.Sum, wrong)
    with pytest.raises(RunError, match="the onnx export answers otherwise than the model"):
        export_onnx.compared(model_of("res2"), images_of(model_of("res2")), None, tmp_path / "x.onnx", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("conv2k4s3", (7, 8, 2)),
        ("conv2k2", (5, 4, 3)),
        ("conv2k5s2", (2, 4, 2)),
        ("conv2s2", (1, 9, 4)),
        ("conv2k1s2", (6, 6, 1)),
        ("conv2k2s4", (9, 6, 1)),
        ("avgpool2s3", (8, 9, 2)),
        ("pool3s2", (6, 6, 3)),
        ("res3s3", (8, 7, 2)),
        ("leakyrelu0.37-conv2-gelu", (4, 1, 3)),
        ("bne0.09-gap-bne0.2", (5, 5, 2)),
        ("flatten-bn-leakyrelu", (3, 4, 3)),
    ],
)
def test_cases_with_corners(word, shape, file):
    model = model_of(word, shape)
    images = images_of(model)
    sides = {"a": (export_onnx.in_runtime, 5), "b": (export_onnx.in_reference, 2)}
    found = export_onnx.compared(model, images, model.logits(images), file, sides)
    for side in sides:
        assert found[side] == (0, pytest.approx(0, abs=2e-6)), side


@pytest.mark.parametrize("views", ["flip", "shift2", "shift1-flip"])
@pytest.mark.parametrize("members", [1, 3])
def test_views_and_members_are_in_the_graph(file, views, members):
    model = model_of("conv3-relu-pool", members=members, views=views)
    images = images_of(model)
    export.write(model, file, check=images)
    logits, probabilities = session_of(file).run(["logits", "probabilities"], {"images": images})
    np.testing.assert_allclose(logits, model.logits(images), atol=2e-6)
    np.testing.assert_allclose(probabilities, softmax(model.logits(images)), atol=1e-6)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("element", ["uint8", "float32"])
def test_inputs_and_outputs(file, layout, element):
    model = model_of()
    export.write(model, file, layout=layout, input=element)
    session = session_of(file)
    (given,) = session.get_inputs()
    shape = [6, 7, 2] if layout == "nhwc" else [2, 6, 7]
    assert (given.name, given.shape, given.type) == (
        "images",
        ["n", *shape],
        f"tensor({'float' if element == 'float32' else element})",
    )
    assert [(one.name, one.shape, one.type) for one in session.get_outputs()] == [
        ("probabilities", ["n", 3], "tensor(float)"),
        ("logits", ["n", 3], "tensor(float)"),
    ]
    for count in (1, 7):
        images = images_of(model, count)
        fed = images.astype(element)
        fed = fed if layout == "nhwc" else fed.transpose(0, 3, 1, 2)
        np.testing.assert_allclose(session.run(["logits"], {"images": fed})[0], model.logits(images), atol=2e-6)


def test_the_file_is_sound_and_of_old_operators(file):
    export.write(model_of(EVERY, (13, 11, 3), members=2, views="flip"), file)
    loaded = onnx.load(file)
    onnx.checker.check_model(loaded, full_check=True)
    inferred = shape_inference.infer_shapes(loaded, check_type=True, strict_mode=True, data_prop=True)
    known = {one.name for one in (*inferred.graph.value_info, *inferred.graph.output)}
    assert {name for node in loaded.graph.node for name in node.output} == known
    assert [(one.domain, one.version) for one in loaded.opset_import] == [("", OPSET)] == [("", 9)]
    assert loaded.ir_version == IR_VERSION == 4


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in "ab":
        export.write(model_of(EVERY, (13, 11, 3)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_the_file_says_of_itself(file):
    model = described(model_of(classes=NASTY))
    images = images_of(model, 4)
    export.write(model, file, check=images, layout="nchw")
    found = session_of(file).get_modelmeta()
    said = found.custom_metadata_map
    assert found.producer_name == "convlet"
    assert json.loads(said["classes"]) == list(NASTY)
    proof = {name: said.pop(name) for name in ("classes", "proof", "proof_images", "proof_logits")}
    assert said == {
        "convlet": __version__,
        "target": "onnx",
        "options": "layout nchw, input uint8",
        "architecture": "conv3-relu-pool",
        "weights_sha256": model.sha256(),
        "members": "1",
        "views": "1",
        "height": "6",
        "width": "7",
        "channels": "2",
        "not_carried": "saying what is unlike the training images",
    }
    assert json.loads(proof["proof"]) == {"count": 4, "dtype": "uint8", "made_up": False}
    kept = np.frombuffer(base64.b64decode(proof["proof_images"]), np.uint8).reshape(4, 6, 7, 2)
    np.testing.assert_array_equal(kept, images)
    logits = np.frombuffer(base64.b64decode(proof["proof_logits"]), "<f4").reshape(4, 5)
    np.testing.assert_array_equal(logits, model.logits(images))


def test_pixels_that_uint8_does_not_hold(file):
    model = described(model_of(), 0.0, 1.0)
    with pytest.raises(SettingsError) as caught:
        export.write(model, file)
    assert str(caught.value) == (
        "the model was trained on pixels from 0 to 1, but uint8 holds whole numbers from 0 to 255; export it with the input float32"
    )
    with pytest.raises(SettingsError) as caught:
        export.write(model_of(), file, check=images_of(model_of()).astype(np.float32))
    assert str(caught.value) == (
        "the images to check with are float32, but the export takes uint8; export with the input float32"
    )
    assert not file.exists()
    export.write(model, file, input="float32")
    images = np.random.default_rng(0).random((3, 6, 7, 2), np.float32)
    logits = ReferenceEvaluator(str(file)).run(["logits"], {"images": images})[0]
    np.testing.assert_allclose(logits, model.logits(images), atol=2e-6)


def operations():
    return set(Operation.__subclasses__())


@pytest.mark.parametrize("name", HOMES)
def test_every_operation_has_a_rule_in_every_target(name):
    rules = {"onnx": "convlet.export.onnx_nodes", "torch": "convlet.export.torch_code"}[name]
    assert set(__import__(rules, fromlist=["RULES"]).RULES) == operations()


def test_an_operation_without_a_rule_is_refused_by_name(file, monkeypatch):
    monkeypatch.delitem(onnx_nodes.RULES, onnx_nodes.Pooling)
    with pytest.raises(ArchitectureError) as caught:
        export.write(model_of(), file)
    assert str(caught.value) == (
        "layer 2.max_pool cannot be exported to onnx, which has no rule for Pooling; replace the layer, or export to "
        "another target"
    )
