"""Extremely deep many-to-many translation on fairseq's own commands."""

__version__ = "0.1.0"
