"""`convlet export`: what it says and writes, and one line for everything that is wrong."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from convlet import save_model
from convlet.cli import main
from convlet.export import onnx_nodes
from tests.export.made import described, model_of
from tests.model_files import joined, split

pytestmark = pytest.mark.usefixtures("reference")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(described(model_of(shape=(8, 8, 1))), "small-model.safetensors")


def run(*arguments):
    return main(["export", *map(str, arguments)])


def fails(capsys, arguments, message, code=2):
    assert run(*arguments) == code
    assert capsys.readouterr().err == f"convlet: {message}\n"


def test_a_model_is_exported_beside_where_one_is(capsys, tmp_path):
    assert run("small-model.safetensors", "--to", "onnx", "--layout", "nchw") == 0
    exported, proof, *notes = capsys.readouterr().out.splitlines()
    assert exported == "exported: small-model.onnx"
    assert proof.startswith("proof: same class on 20 of 20 images, largest difference of a probability ")
    assert notes == [
        "not carried: saying what is unlike the training images",
        "the images of the proof are made up; give some of your own with check, as in --check DATA",
    ]
    (given,) = onnx.load("small-model.onnx").graph.input
    assert [side.dim_value or side.dim_param for side in given.type.tensor_type.shape.dim] == ["n", 1, 8, 8]


def test_it_is_checked_with_data(capsys):
    assert run("small-model.safetensors", "--to", "onnx", "--check", "digits", "--output", "a.onnx") == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["not carried: saying what is unlike the training images"]
    said = onnxruntime.InferenceSession("a.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(said["proof"]) == {"count": 20, "dtype": "uint8", "made_up": False}


def test_pictures_are_read_as_the_model_takes_them(capsys, tmp_path):
    for name in "abc":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.random.default_rng(number).integers(0, 255, (9, 9, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
    fails(
        capsys,
        ["small-model.safetensors", "--to", "onnx", "--check", "pictures"],
        "pictures has images of 9x9x3, but the model was trained on images of 8x8x1; for a folder of pictures, give --size 8x8",
    )
    assert run("small-model.safetensors", "--to", "onnx", "--check", "pictures", "--size", "8x8") == 0


def test_a_run_folder_is_exported_under_its_name(tmp_path):
    (tmp_path / "my run").mkdir()
    save_model(model_of(), "my run/model.safetensors")
    assert run("my run", "--to", "onnx") == 0
    assert (tmp_path / "my run.onnx").exists()


def test_a_module_has_a_name_that_can_be_imported(tmp_path):
    pytest.importorskip("torch")
    assert run("small-model.safetensors", "--to", "torch") == 0
    assert (tmp_path / "small_model_torch.py").exists()
    assert (tmp_path / "small_model_torch.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--to'."),
        (["--to", "onxx"], "unknown target 'onxx': expected onnx or torch; did you mean 'onnx'?"),
        (["--to", "onnx", "--layout", "chw"], "Invalid value for '--layout': 'chw' is not one of 'nhwc', 'nchw'."),
        (["--to", "onnx", "--label-column", "class"], "--label-column belongs to --check DATA; give both or neither"),
        (["--to", "onnx", "--offline"], "--offline belongs to --check DATA; give both or neither"),
        (["--to", "onnx", "--output", "."], "--output .: is a folder; give the name of a file"),
        (["--to", "onnx", "--output", "small-model.safetensors"],
         "--output small-model.safetensors: is a model of convlet, which an export does not overwrite; give another name"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(capsys, arguments, message):
    fails(capsys, ["small-model.safetensors", *arguments], message)


def test_a_folder_that_does_not_exist(capsys, tmp_path):
    message = f"--output no/a.onnx: the folder {tmp_path / 'no'} does not exist; make it first"
    fails(capsys, ["small-model.safetensors", "--to", "onnx", "--output", "no/a.onnx"], message)


def test_options_of_another_target(capsys):
    pytest.importorskip("torch")
    message = "the target torch has no option 'layout'; it has no options"
    fails(capsys, ["small-model.safetensors", "--to", "torch", "--layout", "nchw"], message)
    message = "--output net.txt: must end in .py, because .safetensors stands beside it"
    fails(capsys, ["small-model.safetensors", "--to", "torch", "--output", "net.txt"], message)


def test_a_model_of_a_newer_format(capsys, tmp_path):
    path = tmp_path / "small-model.safetensors"
    header, payload = split(path.read_bytes())
    header["__metadata__"]["version"] = "3"
    path.write_bytes(joined(header, payload))
    message = f"{path}: has a version this convlet does not know, expected 1 or 2; update convlet"
    fails(capsys, [path, "--to", "onnx"], message)


def test_a_missing_package(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    message = 'exporting to onnx needs onnx; install it with: pip install ".[onnx]"'
    fails(capsys, ["small-model.safetensors", "--to", "onnx"], message)


def test_an_export_that_answers_otherwise_is_not_written(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(
        onnx_nodes.RULES, onnx_nodes.Activation, lambda nodes, one, reads, arrays, name: nodes.node("Neg", reads, name)
    )
    assert run("small-model.safetensors", "--to", "onnx") == 1
    said = capsys.readouterr().err
    assert said.startswith("convlet: the onnx export answers otherwise than the model: same class on ")
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["small-model.safetensors"]


def test_float_images_are_refused_for_bytes(capsys, tmp_path):
    model = described(model_of(shape=(8, 8, 1)), -1.0, 1.0)
    save_model(model, "floats.safetensors")
    message = "the model was trained on pixels from -1 to 1, but uint8 holds whole numbers from 0 to 255; export it with the input float32"
    fails(capsys, ["floats.safetensors", "--to", "onnx"], message)
    assert run("floats.safetensors", "--to", "onnx", "--input", "float32") == 0
