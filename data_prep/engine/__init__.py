"""Pieces of work that are done once, on one machine or many, and found again after a kill."""
