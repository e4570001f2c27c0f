"""What of test sets is in training text: the search of `mtdeep leak-check`, and its report."""
