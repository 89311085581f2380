"""Exporting as Python users meet it: what is refused before any work, what is written, and what is said."""

from __future__ import annotations

import errno
import sys

import pytest

import convlet
from convlet import export
from convlet.errors import InputError, RunError, SettingsError
from convlet.export import onnx_nodes
from convlet.export.tensors import safetensors
from convlet.model import model_file
from convlet.system import atomic
from tests.export.made import described, images_of, model_of

pytestmark = pytest.mark.usefixtures("reference")


def refused(kind, *given, **more):
    with pytest.raises(kind) as caught:
        export.write(*given, **more)
    return str(caught.value)


def test_what_an_export_gives(tmp_path):
    model = described(model_of())
    done = convlet.export.write(model, tmp_path / "a.onnx", check=images_of(model, 30))
    assert done.files == (tmp_path / "a.onnx",)
    assert done.agreement.is_proof
    assert done.agreement.images == done.agreement.same == 20
    assert done.notes == ("not carried: saying what is unlike the training images",)
    assert export.write(model_of(), str(tmp_path / "b.onnx")).notes == (
        "the images of the proof are made up; give some of your own with check, as in --check DATA",
    )


def test_unknown_targets_and_options(tmp_path):
    model, path = model_of(), tmp_path / "a.onnx"
    assert (
        refused(SettingsError, model, path, "onx")
        == "unknown target 'onx': expected onnx or torch; did you mean 'onnx'?"
    )
    assert refused(SettingsError, model, path, "tflite") == "unknown target 'tflite': expected onnx or torch"
    assert refused(SettingsError, model, path, layout="chw") == "layout must be nhwc or nchw, but got 'chw'"
    assert (
        refused(SettingsError, model, path, colour="red")
        == "the target onnx has no option 'colour'; it has layout and input"
    )
    assert refused(InputError, "model.safetensors", path) == (
        "only a convlet.Model can be exported, but got 'model.safetensors'"
    )


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert refused(InputError, model_of(), tmp_path / "a.onnx") == (
        f'exporting to onnx needs {package}; install it with: pip install ".[onnx]"'
    )


def test_pytorch_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(InputError, model_of(), tmp_path / "a.py", "torch") == (
        "exporting to torch needs torch; install it with: pip install torch"
    )


def test_a_place_where_no_file_can_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("convlet.export.writing.proof_of", None)  # the work
    assert refused(InputError, model_of(), tmp_path) == f"{tmp_path}: is a folder; give the name of a file"
    lost = tmp_path / "no" / "a.onnx"
    assert refused(InputError, model_of(), lost) == f"{lost}: the folder {lost.parent} does not exist; make it first"

    def deny(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(atomic, "_new", deny)
    assert refused(InputError, model_of(), tmp_path / "a.onnx") == (
        f"{tmp_path / 'a.onnx'}: cannot be written: {tmp_path} takes no new file: Permission denied"
    )


def test_a_name_by_which_the_weights_would_not_be_found(tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "net.txt"
    assert refused(SettingsError, model_of(), path, "torch") == (
        f"{path}: must end in .py, because .safetensors stands beside it"
    )


def test_a_model_is_not_overwritten(tmp_path):
    path = tmp_path / "model.safetensors"
    model_file.save(model_of(), path)
    assert refused(InputError, model_of(), path) == (
        f"{path}: is a model of convlet, which an export does not overwrite; give another name"
    )
    assert model_file.load(path).sha256() == model_of().sha256()
    other = tmp_path / "a.onnx"
    other.write_text("an older file")
    export.write(model_of(), other)
    assert other.read_bytes() != b"an older file"


def test_what_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(
        onnx_nodes.RULES, onnx_nodes.Activation, lambda nodes, one, *rest: nodes.node("Tanh", rest[0], rest[2])
    )
    path = tmp_path / "a.onnx"
    path.write_text("as before")
    said = refused(RunError, model_of(), path)
    assert said.startswith("the onnx export answers otherwise than the model: same class on ")
    assert said.endswith("; nothing was written, please report the architecture")
    assert path.read_text() == "as before"


def test_which_files_are_models(tmp_path):
    path = tmp_path / "a"
    assert not model_file.is_model_file(path)
    assert not model_file.is_model_file(tmp_path)
    path.write_bytes(safetensors({}, {"target": "torch"}))
    assert not model_file.is_model_file(path)
    model_file.save(model_of(), path)
    assert model_file.is_model_file(path)
    path.write_bytes(path.read_bytes()[:200])
    assert model_file.is_model_file(path)
