"""Model files: back as they were saved, or refused with one clear error."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tracemalloc

import numpy as np
import pytest

from convlet.errors import ModelFileError
from convlet.model import model_file
from convlet.system import sealed
from tests.model_files import joined, make, refusal, saved, split
from tests.torture import model_damage

MiB = 2**20


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("bn-gap", (1, 1, 1)),
        ("conv3k5-relu-pool-dropout0.5-dense4-tanh", (9, 7, 3)),
        ("res2s2-bn", (4, 4, 2)),
    ],
)
def test_a_model_comes_back_as_it_was(tmp_path, word, shape):
    model = make(word, shape)
    back = model_file.load(saved(tmp_path, model))
    assert back.sha256() == model.sha256()
    for name in ("architecture", "input_shape", "classes", "preprocessing", "settings"):
        assert getattr(back, name) == getattr(model, name)
    for name, values in model.arrays().items():
        assert np.array_equal(back.arrays()[name], values)


def test_a_model_that_came_back_predicts_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    model = make("conv3-bn-relu-pool", (8, 8, 1))
    images = (np.arange(5 * 64) % 256).astype(np.uint8).reshape(5, 8, 8, 1)
    back = model_file.load(saved(tmp_path, model))
    assert np.array_equal(back.logits(images), model.logits(images))


def test_members_are_kept_in_one_file(tmp_path):
    one = make("conv2-bn-relu", (4, 4, 1))
    settings = {**one.settings, "members": 3, "views": "shift1"}
    vectors = {name: np.tile(getattr(one, name), 3) for name in ("parameters", "state")}
    many = dataclasses.replace(one, settings=settings, **vectors)
    back = model_file.load(saved(tmp_path, many))
    assert (back.members, back.settings["views"]) == (3, "shift1")
    assert list(back.arrays()) == list(many.arrays())
    assert back.sha256() == many.sha256()
    header, payload = split(saved(tmp_path, many).read_bytes())
    told = json.loads(header["__metadata__"]["settings"])
    header["__metadata__"]["settings"] = json.dumps(told | {"members": 2})
    assert refusal(tmp_path / "model.safetensors", joined(header, payload)) == (
        "array 'member3.0.conv.weights' does not fit the architecture: expected none of that name, but got (3, 3, 1, 2)"
    )


def test_the_same_model_gives_the_same_bytes(tmp_path):
    first, second = (saved(tmp_path).read_bytes() for _ in range(2))
    assert first == second
    again = tmp_path / "again"
    model_file.save(model_file.load(saved(tmp_path)), again)
    assert again.read_bytes() == first


def test_any_safetensors_library_reads_the_file(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    model = make("conv2-bn-relu", (4, 4, 1))
    path = saved(tmp_path, model)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == set(model.arrays())
        for name, values in model.arrays().items():
            assert np.array_equal(file.get_tensor(name), values)
        metadata = file.metadata()
    assert {name: metadata[name] for name in ("format", "version", "numerics", "architecture")} == {
        "format": "convlet-model",
        "version": "2",
        "numerics": "2",
        "architecture": "conv2-bn-relu",
    }
    assert json.loads(metadata["classes"]) == list(model.classes)
    assert json.loads(metadata["input_shape"]) == [4, 4, 1]
    data = path.read_bytes()
    assert int.from_bytes(data[:8], "little") % 8 == 0
    assert metadata["sha256"] == hashlib.sha256(data.replace(metadata["sha256"].encode(), b"0" * 64)).hexdigest()


def test_every_truncation_and_every_flipped_bit_is_refused():
    outcome = model_damage.truncations_and_flips()
    assert (outcome.count, outcome.failures) == (4096 + 8 * 4096, [])


def test_headers_changed_by_rule_are_refused():
    outcome = model_damage.mutations(200)
    assert (outcome.count, outcome.failures) == (200, [])


def test_bytes_are_the_file():
    model = make()
    data = model_file.to_bytes(model)
    assert model_file.to_bytes(model_file.from_bytes(data)) == data
    with pytest.raises(ModelFileError) as caught:
        model_file.from_bytes(data[:-1])
    assert str(caught.value) == "the model is cut off: expected whole float32 values after the header, but got 31 bytes"


def test_bytes_that_are_too_many_are_refused(monkeypatch):
    data = model_file.to_bytes(make())
    monkeypatch.setattr(model_file, "KIND", model_file.KIND._replace(file_limit=100))
    with pytest.raises(ModelFileError) as caught:
        model_file.from_bytes(data)
    assert str(caught.value) == f"the model is no model file: expected at most 100 bytes, but it has {len(data)}"


def test_bytes_after_the_end_are_refused(tmp_path):
    path = saved(tmp_path)
    data = path.read_bytes()
    for more in (b"\0", b"\0" * 4, data):
        refusal(path, data + more)


def test_files_that_are_no_models_are_refused(tmp_path):
    path = tmp_path / "file"
    limit = "expected a header of 2 to 1048576 bytes, but it says"
    assert refusal(path) == "there is no such file; expected a model file such as model.safetensors"
    assert refusal(tmp_path) == "is a folder; expected a model file such as model.safetensors"
    assert refusal(path, b"") == "is no model file: expected at least 8 bytes, but it has 0"
    assert refusal(path, b"\x80\x04K\x01.") == "is no model file: expected at least 8 bytes, but it has 5"
    html = b"<!doctype html><title>404</title>"
    assert refusal(path, html) == f"is no model file: {limit} {int.from_bytes(html[:8], 'little')}"
    assert refusal(path, b"\1" + bytes(9)) == f"is no model file: {limit} 1"
    assert refusal(path, b"\x09" + bytes(10)) == (
        "is cut off: its header should have 9 bytes, but 3 are left; copy the file again"
    )
    assert refusal(path, b"\3" + bytes(10)) == "is no model file: its header is no JSON object"
    assert refusal(path, b"\2" + bytes(7) + b"{}") == "is no model file: expected one sha256 in its metadata"
    assert refusal(path, b"\2" + bytes(7) + b"{}x") == (
        "is cut off: expected whole float32 values after the header, but got 1 bytes"
    )


def test_a_damaged_file_says_so(tmp_path):
    path = saved(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    assert refusal(path, data) == "is damaged: its checksum does not fit its content; copy or train it again"


def test_a_file_larger_than_any_model_is_refused_unread(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**30 + 1)
    assert refusal(path) == "is no model file: expected at most 1073741824 bytes, but it has 1073741825"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path)
    size = path.stat().st_size
    monkeypatch.setattr(sealed, "size", lambda file: size + 4)
    assert refusal(path) == "changed while it was read; try again"


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "other.safetensors"
    numpy.save_file({"weights": np.zeros(3, np.float32)}, path)
    assert refusal(path) == "is no model file: expected one sha256 in its metadata"
    numpy.save_file({"weights": np.zeros(3, np.float32)}, path, metadata={"format": "pt", "sha256": "0" * 64})
    assert refusal(path) == "is damaged: its checksum does not fit its content; copy or train it again"


def test_saving_refuses_what_loading_would_refuse(tmp_path, monkeypatch):
    path = tmp_path / "model"
    many = make(classes=tuple("n" * 30 + str(n) for n in range(40000)))
    with pytest.raises(ModelFileError, match=r"^.*model: a model file may have 1073741824 bytes, 1048576 of them"):
        model_file.save(many, path)
    monkeypatch.setattr(model_file, "KIND", model_file.KIND._replace(file_limit=100))
    size = len(saved_bytes := model_file.encode(make())) + 8 + 4 * 8
    with pytest.raises(ModelFileError) as caught:
        model_file.save(make(), path)
    assert str(caught.value) == (
        f"{path}: a model file may have 100 bytes, 1048576 of them for its header, but this model needs "
        f"{size} and {len(saved_bytes)}; use a smaller network or shorter class names"
    )
    assert not path.exists()


def test_saving_into_no_folder_is_refused(tmp_path):
    path = tmp_path / "none" / "model"
    with pytest.raises(ModelFileError) as caught:
        model_file.save(make(), path)
    assert str(caught.value) == f"{path}: the folder {path.parent} does not exist; make it first"


def test_a_failed_save_leaves_the_old_model(tmp_path, monkeypatch):
    path = saved(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(Exception, match="cannot be written: No space left"):
        model_file.save(make(classes=("other", "names")), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_loading_costs_the_size_of_the_file_and_little_more(tmp_path):
    path = saved(tmp_path, make("dense2048", (40, 40, 1)))  # 13 MB
    size = path.stat().st_size
    tracemalloc.start()
    model_file.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 12 * MiB
    assert peak < size + 8 * MiB


@pytest.mark.parametrize("bomb", [b"[{}," * 1 + b"{}," * 340000 + b"{}]", b'{"a":' * 200000, b"[" * MiB])
def test_a_header_of_many_small_things_costs_at_most_64_mebibytes(tmp_path, bomb):
    header = b'{"__metadata__":{"sha256":"' + b"0" * 64 + b'"},"x":' + bomb
    data = joined(header[:MiB], b"")
    path = tmp_path / "bomb"
    path.write_bytes(data)
    tracemalloc.start()
    refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * MiB


@pytest.mark.parametrize(
    ("name", "place", "value", "reason"),
    [
        ("parameters", 3, np.nan, "has parameters that are not finite"),
        ("parameters", 0, -np.inf, "has parameters that are not finite"),
        ("state", 0, np.inf, "has running statistics that are not finite"),
        ("state", -1, -1e-6, "has a variance below 0 in 1.batch_norm.variance"),
    ],
)
def test_what_load_refuses_is_not_saved(tmp_path, name, place, value, reason):
    model = make("conv2-bn-relu", (4, 4, 1))
    values = getattr(model, name).copy()
    values[place] = value
    path = tmp_path / "flawed.safetensors"
    object.__setattr__(model, name, values)  # past the check of the constructor
    with pytest.raises(ModelFileError) as caught:
        model_file.save(model, path)
    assert str(caught.value) == f"{path}: the model {reason}; train it again"
    assert not path.exists()
    with pytest.raises(ModelFileError) as caught:
        model_file.to_bytes(model)
    assert str(caught.value) == f"the model {reason}; train it again"


def test_what_is_not_a_model_is_not_saved(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        model_file.save({"a": 1}, tmp_path / "m.safetensors")
    assert str(caught.value) == (
        f"{tmp_path / 'm.safetensors'}: is not a convlet.Model but {{'a': 1}}; save the model of a training"
    )


def test_a_negative_variance_is_refused_when_it_is_read(tmp_path):
    path = saved(tmp_path, make("conv2-bn-relu", (4, 4, 1)))
    header, payload = split(path.read_bytes())
    values = np.frombuffer(payload, "<f4").copy()
    values[-1] = -1
    assert refusal(path, joined(header, values.tobytes())) == (
        "has a variance below 0 in 1.batch_norm.variance; train it again"
    )
