"""`python -m mtdeep`: the command `mtdeep`, where its script is not on the path."""

from mtdeep.cli.main import run

if __name__ == "__main__":
    run()
