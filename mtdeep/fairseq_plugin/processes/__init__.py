"""The processes of a command: which there are, where they meet, that they live."""
