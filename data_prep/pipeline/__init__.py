"""The steps of a preparation, from sources to the chunks that a store is assembled from.

cleaned, held_out, selected (leaks, repeats), vocabulary, encoded; grown, which puts them together, and wider for what
joins a store. Each turns what it is given into tasks for a pool (`engine`), keyed by the content of what they read, so
that a run goes on where another stopped.
"""
