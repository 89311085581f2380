"""The PyTorch module: it computes the same, runs its own proof, and its weights are PyTorch's."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import export_onnx
from convlet import __version__, export
from convlet.errors import InputError, RunError
from convlet.export import torch_code
from tests.export.made import NASTY, described, images_of, model_of
from tests.export.test_graph import EVERY

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("reference")


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads of PyTorch that wait for each other are slow where other tests run too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def loaded(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def logits_of(path, images):
    with torch.inference_mode():
        return loaded(path).load()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()


def test_random_networks_of_all_layers_give_the_same(tmp_path):
    for seed in range(25):
        model = export_onnx.drawn_model(seed)
        images = images_of(model, 8, seed)
        done = export.write(model, tmp_path / "net.py", "torch", check=images)
        other_class, largest = export_onnx.difference(model.logits(images), logits_of(done.files[0], images))
        assert (other_class, largest <= export_onnx.MOST_DIFFERENCE) == (0, True), model.architecture


@pytest.mark.parametrize(
    ("word", "shape"),
    [("conv2k4s3", (7, 8, 2)), ("conv2k5s2", (2, 4, 2)), ("conv2s2", (1, 9, 4)), ("conv2k1s2", (6, 6, 1)),
     ("flatten-bn-leakyrelu0.37", (3, 4, 3)), ("conv2k3", (1, 1, 3)), ("res3s3-bne0.07", (8, 7, 2))],
)  # fmt: skip
def test_cases_with_corners(word, shape, tmp_path):
    model = model_of(word, shape)
    images = images_of(model)
    export.write(model, tmp_path / "net.py", "torch")
    np.testing.assert_allclose(logits_of(tmp_path / "net.py", images), model.logits(images), atol=2e-6)


def test_main_runs_the_proof_and_needs_pytorch_alone(tmp_path):
    model = model_of(EVERY, (13, 11, 3), members=2, views="shift1-flip", classes=NASTY)
    export.write(model, tmp_path / "net.py", "torch", check=images_of(model, 7))
    done = subprocess.run([sys.executable, "-I", tmp_path / "net.py"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"same class on 7 of 7 images, largest difference of a probability \d(e-\d+)?\n", done.stdout)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse((tmp_path / "net.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"hashlib", "json", "pathlib", "sys", "torch"}


def test_other_weights_are_refused(tmp_path):
    export.write(model_of(), tmp_path / "net.py", "torch")
    export.write(model_of(seed=1), tmp_path / "other.py", "torch")
    (tmp_path / "other.safetensors").rename(tmp_path / "net.safetensors")
    with pytest.raises(
        ValueError, match=r"net\.safetensors: are not the weights of this module; copy both files again"
    ):
        loaded(tmp_path / "net.py").load()


def test_any_safetensors_library_reads_the_weights_in_the_layout_of_pytorch(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    model = model_of("conv3-bn-pool-dense5", members=2)
    images = images_of(model, 3)
    export.write(model, tmp_path / "net.py", "torch", check=images)
    tensors = safetensors.load_file(tmp_path / "net.safetensors")
    shapes = {name: tuple(values.shape) for name, values in tensors.items() if name.startswith("members.1.")}
    assert {name.removeprefix("members.1."): shape for name, shape in shapes.items()} == {
        "conv0.weight": (3, 2, 3, 3),
        "conv0.bias": (3,),
        "batch_norm1.weight": (3,),
        "batch_norm1.bias": (3,),
        "batch_norm1.running_mean": (3,),
        "batch_norm1.running_var": (3,),
        "dense3.weight": (5, 27),
        "dense3.bias": (5,),
        "dense4.weight": (3, 5),
        "dense4.bias": (3,),
    }
    np.testing.assert_array_equal(tensors["proof.images"].numpy(), images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(tensors["proof.logits"].numpy(), model.logits(images))
    theirs = loaded(tmp_path / "net.py").tensors()
    assert all((theirs[name] == values).all() for name, values in tensors.items())


def test_the_text_of_a_module(tmp_path):
    model = described(model_of("conv3k2s2-leakyrelu-res3-pool", classes=NASTY))
    export.write(model, tmp_path / "net.py", "torch")
    text = (tmp_path / "net.py").read_text()
    assert text.startswith(
        f'"""conv3k2s2-leakyrelu-res3-pool\n\nWritten by convlet {__version__}, target torch, options none, '
    )
    assert model.sha256() in text
    assert "\nNot carried: saying what is unlike the training images.\n" in text
    start, end = text.index("    def forward(self, x):"), text.index("        return x\n")
    assert text[start:end].splitlines()[1:] == [
        "        x = self.conv0(F.pad(x, (0, 1, 0, 0)))",
        "        x2 = F.leaky_relu(x, 0.01)",
        "        x = self.residual2_main_conv0(x2)",
        "        x = self.residual2_main_batch_norm1(x)",
        "        x = F.relu(x)",
        "        x = self.residual2_main_conv3(x)",
        "        x = self.residual2_main_batch_norm4(x)",
        "        x = x + x2",
        "        x = F.relu(x)",
        "        x = F.max_pool2d(x, 2, stride=2)",
        "        x = x.flatten(1)",
        "        x = self.dense5(x)",
    ]
    assert "self.conv0 = nn.Conv2d(2, 3, 2, stride=2)" in text
    assert "self.residual2_main_conv0 = nn.Conv2d(3, 3, 3, padding=1)" in text
    assert text.isascii()
    assert loaded(tmp_path / "net.py").CLASSES == NASTY


@pytest.mark.parametrize(("members", "views"), [(1, ""), (2, ""), (1, "flip"), (3, "shift1-flip")])
def test_a_module_is_formatted_as_code_should_be(tmp_path, members, views):
    model = described(model_of("conv4k2s2-bn-res5s2-gap", members=members, views=views, classes=NASTY))
    path = export.write(model, tmp_path / "net.py", "torch").files[0]
    for arguments in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", "--line-length", "120", path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text", [*NASTY, "it's", 'say "no"', "\\", "'", '"', "'\"", "é\ud800", "x" * 300])
def test_a_text_as_code(text):
    code = torch_code.quoted(text)
    assert ast.literal_eval(code) == text
    assert code.isascii()
    assert "\n" not in code


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in "ab":
        export.write(model_of(EVERY, (13, 11, 3)), tmp_path / f"{name}.py", "torch")
    for suffix in (".py", ".safetensors"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    header = (tmp_path / "a.safetensors").read_bytes()
    said = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
    assert (said["convlet"], said["target"], said["options"]) == (__version__, "torch", "none")


def test_float_pixels_are_taken(tmp_path):
    model = described(model_of(), 0.0, 1.0)
    images = np.random.default_rng(0).random((4, 6, 7, 2), np.float32)
    export.write(model, tmp_path / "net.py", "torch", check=images)
    np.testing.assert_allclose(logits_of(tmp_path / "net.py", images), model.logits(images), atol=2e-6)


def test_a_network_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    wrong = lambda one, x: torch_code.Lines("", f"F.avg_pool2d({x}, {one.size}, stride={one.stride})")  # noqa: E731
    monkeypatch.setitem(torch_code.RULES, torch_code.Pooling, wrong)
    with pytest.raises(RunError, match="the torch export answers otherwise than the model: same class on"):
        export.write(model_of(), tmp_path / "net.py", "torch")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_not_overwritten_by_the_weights_of_a_module(tmp_path):
    from convlet import save_model

    save_model(model_of(), tmp_path / "net.safetensors")
    with pytest.raises(InputError) as caught:
        export.write(model_of(), tmp_path / "net.py", "torch")
    named = tmp_path / "net.safetensors"
    assert str(caught.value) == f"{named}: is a model of convlet, which an export does not overwrite; give another name"
    assert not (tmp_path / "net.py").exists()
