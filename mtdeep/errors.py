"""The one exception for problems that the user can cause and mend."""


class UserError(Exception):
    """A problem in the user's input, told in one sentence: where it is and how to mend it.

    Commands print the sentence on standard error and exit with code 2; no traceback. Anything else that goes wrong
    is a defect of the program and keeps its traceback.
    """
