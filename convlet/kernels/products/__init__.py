"""Kernels that multiply and add: convolutions, dense layers and their gradients."""
