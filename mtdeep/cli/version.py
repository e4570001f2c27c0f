"""`mtdeep --version`: the versions to name in a report; `mtdeep doctor` says more."""

from __future__ import annotations

import platform

import typer

SHOWN = ("torch", "fairseq")


def print_versions(wanted: bool) -> None:
    """Print the versions of mtdeep, Python, torch and fairseq in one line, where wanted, and end the command.

    They are those that the packages state: nothing is imported.
    """
    from mtdeep import __version__

    if wanted:
        packages = [f"{package} {version_of(package) or 'not installed'}" for package in SHOWN]
        print(f"mtdeep {__version__} (Python {platform.python_version()}, {', '.join(packages)})")
        raise typer.Exit


def version_of(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
