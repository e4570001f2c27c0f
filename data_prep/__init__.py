"""From raw corpora to a store: readers, splits, one SentencePiece model, encoding."""
