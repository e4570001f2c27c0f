"""The built-in corpus: parallel phrases generated from Babel's copy of CLDR, in any of more than 100 languages."""

from data_prep.readers.cldr.generate import generate as generate
from data_prep.readers.cldr.locale_text import babel_locale as babel_locale

__all__ = ["babel_locale", "generate"]
