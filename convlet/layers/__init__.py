"""The layers: each a frozen description with forward and backward in plain NumPy, one file per layer."""

from convlet.layers.avg_pool import AvgPool
from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape
from convlet.layers.batch_norm import BatchNorm
from convlet.layers.conv import Conv
from convlet.layers.dense import Dense
from convlet.layers.dropout import Dropout
from convlet.layers.flatten import Flatten
from convlet.layers.gelu import GELU
from convlet.layers.global_avg_pool import GlobalAvgPool
from convlet.layers.leaky_relu import LeakyReLU
from convlet.layers.max_pool import MaxPool
from convlet.layers.relu import ReLU
from convlet.layers.residual import Residual
from convlet.layers.sequential import Sequential
from convlet.layers.sigmoid import Sigmoid
from convlet.layers.silu import SiLU
from convlet.layers.tanh import Tanh

__all__ = [
    "GELU",
    "Array",
    "Arrays",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Dense",
    "Draws",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "LeakyReLU",
    "MaxPool",
    "Pass",
    "ReLU",
    "Residual",
    "Sequential",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Tanh",
]
