"""The same sentence again: within training text, and between training text and what is scored."""
