"""`convlet train --from MODEL`: what is taken and said, how its pictures are read, how it is resumed, what is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from convlet import load_model, save_model
from convlet.cli import main
from convlet.runs import checkpoints
from convlet.runs.folder import MODEL
from tests.data.files import write_idx

WORD = "conv2-bn-relu-pool-conv3-relu-gap"


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def data(path, **given):
    return str(write_idx(path, **{"images": 90, "test_images": 30, "size": (8, 8)} | given))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on images of three classes, the data, and data of four."""
    folder = tmp_path_factory.mktemp("made")
    three, four = data(folder / "three"), data(folder / "four", classes=4, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        for members in ("1", "2"):
            given = ["--epochs", "1", "--members", members, "--quiet", "--output", str(folder / f"run{members}")]
            assert main(["train", three, "-a", WORD, *given]) == 0
    return folder, three, four


def fails(capsys, arguments, message):
    assert main([str(argument) for argument in arguments]) == 2
    assert capsys.readouterr().err == f"convlet: {message}\n"


def read(path):
    return json.loads(path.read_text())


def body(model):
    """Every array but those of the last layer."""
    last = model.layout.names[-1].partition(".")[0]
    return {name: array for name, array in model.arrays().items() if name.partition(".")[0] != last}


def test_other_classes_begin_with_the_filters_and_a_new_head(made, tmp_path, capsys):
    folder, _, four = made
    start = load_model(folder / "run1" / MODEL)
    run = tmp_path / "run"
    assert main(["train", four, "--from", str(folder / "run1"), "--epochs", "1", "--output", str(run)]) == 0
    out = capsys.readouterr().out.replace("\n", "")
    said = f"starts from {folder / 'run1' / MODEL}: 81 of 97 parameters taken, the head is new"
    assert said in out.replace("  ", " ")
    model, config, result = load_model(run / MODEL), read(run / "config.json"), read(run / "result.json")
    assert model.architecture == WORD
    assert model.preprocessing == start.preprocessing
    expected = {
        "model": str((folder / "run1" / MODEL).resolve()),
        "sha256": start.sha256(),
        "architecture": WORD,
        "parameters": 81,
        "of": 97,
        "head": "new",
        "freeze": False,
        "frozen_layers": 0,
        "preprocessing": start.preprocessing.as_dict(),
    }
    assert config["from"] == result["result"]["from"] == expected
    assert "model" not in config["origin"]["from"]
    assert not (run / "start.safetensors").exists()


def test_frozen_filters_stay_and_the_same_classes_keep_the_head(made, tmp_path, capsys):
    folder, three, _ = made
    path, run = folder / "run1" / MODEL, tmp_path / "run"
    given = ["--from", str(path), "--freeze", "--epochs", "2", "--weight-decay", "0.1", "--output", str(run)]
    assert main(["train", three, *given]) == 0
    assert "93 of 93 parameters taken, the head is kept, the filters are frozen" in capsys.readouterr().out.replace(
        "\n", ""
    )
    before, after = load_model(path), load_model(run / MODEL)
    for name, array in body(after).items():
        assert np.array_equal(array, body(before)[name])
    assert after.sha256() != before.sha256()
    assert read(run / "result.json")["result"]["from"]["frozen_layers"] == 5


def test_another_word_takes_what_fits(made, tmp_path, capsys):
    folder, three, _ = made
    given = ["--from", str(folder / "run1"), "-a", "conv2-bn-tanh-conv4-gap", "--epochs", "1"]
    assert main(["train", three, *given, "--output", str(tmp_path / "run")]) == 0
    assert "24 of 115 parameters taken, the head is new" in capsys.readouterr().out.replace("\n", "")


def test_quiet_says_nothing_of_it(made, tmp_path, capsys):
    folder, three, _ = made
    given = ["--from", str(folder / "run2"), "--epochs", "1", "--quiet", "--output", str(tmp_path / "run")]
    assert main(["train", three, *given]) == 0
    assert "starts from" not in capsys.readouterr().out


def test_of_several_members_the_first_is_used(made, tmp_path, capsys):
    folder, three, _ = made
    path, run = folder / "run2" / MODEL, tmp_path / "run"
    given = ["--from", str(path), "--freeze", "--members", "2", "--epochs", "1", "--output", str(run)]
    assert main(["train", three, *given]) == 0
    assert f"{path} has 2 members; the first is used" in capsys.readouterr().out.replace("\n", "")
    first, trained = load_model(path).member(0), load_model(run / MODEL)
    for number in range(2):
        for name, array in body(trained.member(number)).items():
            assert np.array_equal(array, body(first)[name])
    assert trained.member(0).sha256() != trained.member(1).sha256()


def test_a_learning_rate_is_found_from_a_model(made, capsys):
    folder, three, _ = made
    assert main(["train", three, "--from", str(folder / "run1"), "--freeze", "--find-lr"]) == 0
    assert f"{WORD} on three, adam" in capsys.readouterr().out


class Stopped(KeyboardInterrupt):
    pass


def stop(patch, after):
    """End a run after so many steps; with 0 before its first checkpoint."""
    name = "after_step" if after else "begin"
    real, left = getattr(checkpoints.Checkpoints, name), [after]

    def ends(self, *arguments):
        if after:
            real(self, *arguments)
        left[0] -= 1
        if left[0] <= 0:
            raise Stopped

    patch.setattr(checkpoints.Checkpoints, name, ends)


@pytest.mark.parametrize("more", [["--freeze"], ["--freeze", "--members", "2", "--ema-decay", "0.5"], []])
def test_a_run_is_resumed_without_the_model(made, tmp_path, monkeypatch, more):
    folder, _, four = made
    start = tmp_path / "start.safetensors"
    train = ["train", four, "--from", str(start), *more, "--epochs", "2", "--batch", "16", "--save-every", "0"]
    shutil.copy(folder / "run1" / MODEL, start)
    assert main([*train, "--quiet", "--output", str(tmp_path / "whole")]) == 0
    whole = load_model(tmp_path / "whole" / MODEL)
    for after in (0, 1, 7):
        shutil.copy(folder / "run1" / MODEL, start)
        run = tmp_path / f"run{after}"
        with monkeypatch.context() as patch:
            stop(patch, after)
            assert main([*train, "--quiet", "--output", str(run)]) == 130
        start.unlink()
        assert main(["train", "--resume", str(run), "--quiet"]) == 0
        assert load_model(run / MODEL).sha256() == whole.sha256()
        assert read(run / "result.json")["result"]["from"] == read(tmp_path / "whole/result.json")["result"]["from"]


def test_a_run_without_its_start_says_so(made, tmp_path, monkeypatch, capsys):
    folder, three, _ = made
    start, run = tmp_path / "m.safetensors", tmp_path / "run"
    shutil.copy(folder / "run1" / MODEL, start)
    with monkeypatch.context() as patch:
        stop(patch, 0)
        train = ["train", three, "--from", str(start), "--epochs", "1", "--quiet", "--output", str(run)]
        assert main(train) == 130
    (run / "start.safetensors").unlink()
    resume = ["train", "--resume", run, "--quiet"]
    capsys.readouterr()
    save_model(load_model(folder / "run2" / MODEL).member(1), start)
    shas = load_model(folder / "run1" / MODEL).sha256(), load_model(start).sha256()
    fails(
        *(capsys, resume),
        f"{start}: is not the model that {run} starts from, whose parameters had the SHA-256 {shas[0][:16]}..., but "
        f"{shas[1][:16]}...; begin a new run",
    )
    start.unlink()
    fails(capsys, resume, f"{run}: cannot be resumed without its start: {start}: {MISSING}")
    config = read(run / "config.json")
    (run / "config.json").write_text(json.dumps(config | {"from": "somewhere"}))
    fails(capsys, resume, f"{run / 'config.json'}: does not say which model the run starts from; begin a new run")
    shutil.copy(folder / "run1" / MODEL, start)
    (run / "config.json").write_text(json.dumps(config))
    assert main([*map(str, resume)]) == 0


MISSING = "there is no such file; expected a model file such as model.safetensors"


def test_what_cannot_be_started_from_is_one_line(made, tmp_path, capsys):
    folder, three, _ = made
    train = ["train", three, "--output", tmp_path / "run", "--from"]
    missing, text, damaged = tmp_path / "missing", tmp_path / "notes.txt", tmp_path / "damaged"
    fails(capsys, [*train, missing], f"{missing}: {MISSING}")
    text.write_text("not a model" * 9)
    assert main([*map(str, train), str(text)]) == 2
    assert capsys.readouterr().err.startswith(f"convlet: {text}: ")
    damaged.write_bytes((folder / "run1" / MODEL).read_bytes()[:-1] + b"!")
    assert main([*map(str, train), str(damaged)]) == 2
    assert capsys.readouterr().err.startswith(f"convlet: {damaged}: is damaged")
    fails(
        capsys,
        [*train, tmp_path],
        f"{tmp_path}: is a folder without a {MODEL}; give a model file or the folder of a run",
    )
    fails(
        *(capsys, [*train, folder / "run1", "-a", "conv5-relu"]),
        "no layer of the model to start from fits: it is conv2-bn-relu-pool-conv3-relu-gap on 8x8x1 images, but the "
        "network is conv5-relu on 8x8x1; use a word that begins as the model's",
    )
    wide = data(tmp_path / "wide", size=(9, 8))
    fails(
        *(capsys, ["train", wide, "--from", folder / "run1", "-a", "conv2-bn"]),
        "the model to start from is for images of 8x8x1, but the training images are 9x8x1; give images of 8x8, as with "
        "--size for pictures, or an architecture that ends in gap, which takes any size",
    )
    assert not (tmp_path / "run").exists()


def test_options_that_do_not_go_together_are_refused(made, tmp_path, capsys):
    folder, three, _ = made
    lacks = "--freeze keeps the filters of a model, but none was given; add --from MODEL"
    fails(capsys, ["train", three, "-a", "conv2", "--freeze"], lacks)
    for option in (["--from", folder / "run1"], ["--freeze"]):
        fails(
            *(capsys, ["train", "--resume", folder / "run1", *option]),
            f"--resume and {option[0]} were both given; a run is resumed from its own start, leave {option[0]} out",
        )


def drawn(folder, shade, side):
    """Three classes of pictures of 8 or 16 pixels: shapes of one shade on a transparent ground."""
    rng = np.random.default_rng(side)
    for name, rows in (("a", 1), ("b", 2), ("c", 4)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.zeros((side, side, 4), np.uint8)
            pixels[: rows * side // 8] = shade
            pixels[..., 3] = 0
            pixels[: rows * side // 8, :, 3] = 200 + rng.integers(0, 55, (rows * side // 8, side))
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return str(folder)


def test_pictures_are_read_as_those_of_the_model_were(tmp_path, monkeypatch):
    """Alone the light shapes would lie on black, at their own size."""
    dark, light = drawn(tmp_path / "dark", 0, 8), drawn(tmp_path / "light", 160, 16)
    first, second, alone = tmp_path / "first", tmp_path / "second", tmp_path / "alone"
    given = ["--epochs", "1", "--quiet", "--save-every", "0", "--output"]
    assert main(["train", dark, "-a", WORD, "--size", "8x8", *given, str(first)]) == 0
    assert main(["train", light, "-a", WORD, *given, str(alone)]) == 0
    rules = load_model(first / MODEL).rules
    assert (rules.ground, rules.size) == ("white", (8, 8))
    assert load_model(alone / MODEL).rules.ground == "black"
    with monkeypatch.context() as patch:
        stop(patch, 1)
        assert main(["train", light, "--from", str(first), *given, str(second)]) == 130
    shutil.rmtree(first)
    assert main(["train", "--resume", str(second), "--quiet"]) == 0
    model = load_model(second / MODEL)
    assert (model.rules.ground, model.rules.size, model.input_shape) == ("white", (8, 8), (8, 8, 3))
    assert main(["report", str(second)]) == 0
