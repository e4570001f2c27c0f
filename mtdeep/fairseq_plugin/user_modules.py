"""`--user-dir`: what is wrong with the folder's name is said in one sentence, what is wrong with its code by Python."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

from fairseq import utils

from mtdeep.errors import UserError

_import_user_module = utils.import_user_module


@wraps(_import_user_module)
def import_user_module(args: Any) -> None:
    """Import the user's module; raises UserError when there is none at the place, or its name is taken."""
    try:
        _import_user_module(args)
    except FileNotFoundError as error:
        if error.errno is not None:  # a file that the module itself has tried to open
            raise
        raise UserError(f"--user-dir {args.user_dir} does not exist; name the folder of a Python module.") from None
    except ModuleNotFoundError as error:
        name = Path(args.user_dir).resolve().name
        if error.name not in (name, name.partition(".")[0]):
            raise
        raise UserError(
            f"--user-dir {args.user_dir} cannot be imported as a module; name a folder that has no dot in its name."
        ) from None
    except ImportError as error:
        if not str(error).startswith("Failed to import --user-dir"):
            raise
        raise UserError(
            f"--user-dir {args.user_dir}: another module has this name already; rename the folder."
        ) from None


utils.import_user_module = import_user_module
