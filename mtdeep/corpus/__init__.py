"""Sentences on disk and the order in which training reads them: numpy alone (and SentencePiece in `subwords`)."""

from mtdeep.corpus.batches import Batch, BatchPlanner
from mtdeep.corpus.blocks import Block, blocks_of, text_blocks
from mtdeep.corpus.collate import collate
from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.directions import Direction, available, parse_directions
from mtdeep.corpus.mixture import Mixture, mixture
from mtdeep.corpus.sampling import direction_probabilities
from mtdeep.corpus.schedule import Schedule
from mtdeep.corpus.store import Store
from mtdeep.corpus.store_appender import StoreAppender
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.corpus.views import DirectionView, direction_views
from mtdeep.corpus.vocabulary import Vocabulary

__all__ = [
    "Batch",
    "BatchPlanner",
    "Block",
    "Corpus",
    "Direction",
    "DirectionView",
    "Mixture",
    "Schedule",
    "Store",
    "StoreAppender",
    "StoreWriter",
    "Vocabulary",
    "available",
    "blocks_of",
    "collate",
    "direction_probabilities",
    "direction_views",
    "mixture",
    "parse_directions",
    "text_blocks",
]
