"""The command `mtdeep`: a small file a verb, which parses, calls and prints."""
