"""The same network in PyTorch, with the same parameters: built, and checked to compute the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from convlet.layers import BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAvgPool, MaxPool, ReLU, Tanh
from convlet.network.layout import Layout
from networks import engine_for, headed, same

LAYOUTS = {"default": torch.contiguous_format, "channels-last": torch.channels_last}
"""PyTorch's memory layouts; every comparison is with the better of them."""


class Twin:
    """A network in PyTorch that begins with convlet's parameters.

    module : the network, reading (N, C, H, W) in `layout`
    """

    def __init__(self, network, shape, arrays, layout="default"):
        self._learned, modules, before_flatten = [], [], None
        for prefix, layer, before in network.parts(shape):
            if isinstance(layer, Flatten) or (isinstance(layer, Dense) and len(before) == 3):
                before_flatten = before
                modules.append(nn.Flatten())
            if isinstance(layer, Flatten):
                continue
            made = _translated(layer, before)
            modules.append(made)
            if isinstance(layer, Conv | Dense):
                spatial = before_flatten if isinstance(layer, Dense) else None
                self._learned += [(prefix + "weights", made.weight, spatial), (prefix + "biases", made.bias, None)]
                before_flatten = None
            if isinstance(layer, BatchNorm):
                self._learned += [(prefix + "scale", made.weight, None), (prefix + "shift", made.bias, None)]
        self.module = nn.Sequential(*modules).to(memory_format=LAYOUTS[layout])
        for name, learned, spatial in self._learned:
            learned.data.copy_(torch.from_numpy(_to_theirs(arrays[name], spatial).copy()))

    def gradients(self):
        """The gradient of each parameter array, by convlet's name and in convlet's order of axes."""
        return {name: _to_ours(learned.grad.numpy(), spatial) for name, learned, spatial in self._learned}


def _translated(layer, before):
    match layer:
        case Conv():
            padding = layer.padding if layer.stride == 1 else None
            if padding is None:
                raise SystemExit(f"{layer.token()} has no translation: PyTorch's padding 'same' knows no strides")
            return nn.Conv2d(before[-1], layer.filters, layer.size, padding=padding)
        case Dense():
            return nn.Linear(int(np.prod(before)), layer.units)
        case MaxPool():
            return nn.MaxPool2d(layer.size, layer.stride)
        case GlobalAvgPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case Dropout():
            return nn.Dropout(layer.rate)
        case ReLU():
            return nn.ReLU()
        case Tanh():
            return nn.Tanh()
        case BatchNorm():
            return nn.BatchNorm2d(before[-1])
    raise SystemExit(f"{layer.token()} has no translation into PyTorch; add it to benchmarks/in_pytorch.py")


def _to_theirs(weights, spatial):
    """(height, width, in, out) to (out, in, height, width); (in, out) to (out, in), where `in` may be an (H, W, C)."""
    if weights.ndim == 1:
        return weights
    if weights.ndim == 4:
        return weights.transpose(3, 2, 0, 1)
    if spatial is not None:
        weights = weights.reshape(*spatial, -1).transpose(2, 0, 1, 3).reshape(weights.shape)
    return weights.T


def _to_ours(weights, spatial):
    """The way back from `_to_theirs`."""
    if weights.ndim == 1:
        return weights
    if weights.ndim == 4:
        return weights.transpose(2, 3, 1, 0)
    weights = weights.T
    if spatial is not None:
        height, width, channels = spatial
        weights = weights.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(weights.shape)
    return weights


def tensors(images, labels, preprocessing, layout="default"):
    """Images as PyTorch takes them, scaled and in `layout`, and their labels."""
    scaled = torch.from_numpy(preprocessing.apply(images)).permute(0, 3, 1, 2)
    return scaled.contiguous(memory_format=LAYOUTS[layout]), torch.from_numpy(labels)


def check(name, shape, word, images, labels, threads):
    """Exit unless both sides give the same logits and the same gradients for the same parameters, dropout off.

    With batch normalisation, give no more images than a shard has: convlet's statistics are those of a shard.
    """
    network = headed(word, dropout=False)
    engine = engine_for(network, images, threads)
    try:
        logits = engine.logits(images)
        engine.gradients(images, labels, np.arange(len(images)), epoch=0, position=0)
        gradients = engine.layout.views(engine.gradient)
        for layout in LAYOUTS:
            twin = Twin(network, shape, engine.layout.views(engine.parameters), layout)
            x, y = tensors(images, labels, engine.preprocessing, layout)
            same(f"{name}, logits", logits, twin.module.eval()(x).detach().numpy())
            nn.functional.cross_entropy(twin.module.train()(x), y).backward()
            for array, gradient in twin.gradients().items():
                same(f"{name}, gradient of {array}", gradients[array], gradient)
    finally:
        engine.close()


def fresh(network, shape, seed, layout):
    """The network in PyTorch with PyTorch's own initial weights."""
    torch.manual_seed(seed)
    layout_of_ours = Layout(network, shape)
    module = Twin(network, shape, layout_of_ours.views(np.zeros(layout_of_ours.parameter_count)), layout).module
    for part in module:
        if isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            part.reset_parameters()
    return module


def step_of(module, x, y, optimizer, label_smoothing=0.0):
    """A function that takes one training step."""

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y, label_smoothing=label_smoothing).backward()
        optimizer.step()

    return step
