"""What every preparation leaves in its store for people: a page, all of its numbers as JSON, a picture, a data card.

`gathered` makes plain data of the records of the run; `page`, `pictures` and `card` show it. Nothing of them depends on
when, where or by how many workers the store was made.
"""
