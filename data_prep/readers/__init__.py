"""One reader a kind of corpus: each is a `Source`, gives batches of rows, and accounts for every row that it reads."""
