"""Public corpora by their mtdata ids: found in mtdata's index, downloaded once, verified, and read by our readers."""
