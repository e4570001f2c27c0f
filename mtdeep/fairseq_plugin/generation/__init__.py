"""Translating with fairseq's commands and calls: fairseq-generate, fairseq-interactive, the hub."""
