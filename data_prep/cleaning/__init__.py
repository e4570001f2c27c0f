"""Rules that keep or reject, one a file, each with its own reason."""
