"""The sentences of a store as text, and as files that other programs read."""

from mtdeep.corpus.text.export import Chosen, export_text
from mtdeep.corpus.text.files import FORMATS
from mtdeep.corpus.text.sentences import StoredText

__all__ = ["FORMATS", "Chosen", "StoredText", "export_text"]
