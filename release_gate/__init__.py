"""Decides, with evidence, whether a NumPy release may ship with a given OpenBLAS."""

__all__ = ["__version__"]

__version__ = "0.1.0"
