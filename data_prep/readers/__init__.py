"""One reader a kind of corpus; each gives aligned text (`data_prep.table.AlignedText`) and accounts for every row."""
