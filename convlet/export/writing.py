"""Exporting a model: files that compute the same, checked before they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlet.errors import InputError, SettingsError
from convlet.export.graph import graph_of
from convlet.export.proof import Agreement, agreement, check_agreement, proof_of
from convlet.export.targets import Target, checked_options, target
from convlet.learning.setting_checks import short
from convlet.model.model import Model
from convlet.model.model_file import is_model_file
from convlet.system.atomic import check_file, write_atomically


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Parameters
    ----------
    files : the files, the main one first
    agreement : how far what they compute is from the model
    notes : a line for each thing that a user should know, such as what was not carried
    """

    files: tuple[Path, ...]
    agreement: Agreement
    notes: tuple[str, ...]


def write(model: Model, path: str | Path, to: str = "onnx", *, check: Any = None, **options: str | None) -> Exported:
    """Write a model for another program, whole or not at all; the same model and options give the same bytes.

    What was made is run on up to 20 images before it is written, and must answer as the model does: the same class for
    each, no probability more than 1e-4 apart.

    Parameters
    ----------
    path : the file to write; PyTorch's weights stand beside it, with the suffix .safetensors
    to : "onnx" or "torch"
    check : images (n, H, W, C) to check with, in the pixel units of the training images; None for made-up ones
    options : of "onnx": layout "nhwc" (default) or "nchw", and input "uint8" (default) or "float32"

    Raises
    ------
    SettingsError : an unknown target or option, or pixels that the input does not hold
    InputError : a missing package, something that is not a model, or a path that is no place for a file
    ArchitectureError : a layer that the target cannot carry
    DataError : images of another shape, or not finite
    RunError : what was made answers otherwise than the model, or the disk failed; nothing was written
    """
    return checked(model, path, to, **options)(check)


def checked(
    model: Model, path: str | Path, to: str, *, called: str | None = None, **options: str | None
) -> Callable[[Any], Exported]:
    """Check everything that `write` can refuse without images; what is returned takes the images and does the work.

    called : what an error calls the path
    """
    found = target(to)
    if not isinstance(model, Model):
        raise InputError(f"only a convlet.Model can be exported, but got {short(model)}")
    chosen = checked_options(to, found.options, options)
    graph = graph_of(model)
    found.check(graph, chosen)
    paths = _paths(found, Path(path), called or str(path))

    def work(check: Any = None) -> Exported:
        proof = proof_of(model, graph, check)
        files = found.build(graph, chosen, proof.kept)
        agreed = agreement(proof, found.run(files, graph, chosen, proof.images))
        check_agreement(agreed, to)
        for suffix in reversed(found.suffixes):  # the main file last: it is there only if the others are
            write_atomically(paths[suffix], [files[suffix]])
        notes = [graph.not_carried(found.carries)]
        if proof.made_up:
            notes.append("the images of the proof are made up; give some of your own with check, as in --check DATA")
        return Exported(tuple(paths.values()), agreed, tuple(note for note in notes if note))

    return work


def _paths(found: Target, path: Path, called: str) -> dict[str, Path]:
    """The file of each suffix, each of them writable."""
    main, *others = found.suffixes
    if found.named_by_suffix and path.suffix != main:
        raise SettingsError(f"{called}: must end in {main}, because {' and '.join(others)} stands beside it")
    paths = {main: path} | {suffix: path.with_suffix(suffix) for suffix in others}
    for one in paths.values():
        name = called if one == path else str(one)
        check_file(one, name)
        if is_model_file(one):
            raise InputError(f"{name}: is a model of convlet, which an export does not overwrite; give another name")
    return paths
