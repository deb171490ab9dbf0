"""Whose code the rest of a notebook runs: the student's where it is right, else the reference."""

import contextlib
import io

from helpers.checks.attempts import CheckFailed, name_of


def if_right(function, check, otherwise):
    """The student's function where its check is met, else the reference version.

    So a notebook goes on with what the student wrote, and can be read to its end without it. One
    line says which of the two it is.

    Parameters
    ----------
    function : callable
        What the student wrote.
    check : callable
        Its check, such as `checks.sgd_step`.
    otherwise : callable
        The reference version, with the same arguments.

    Returns
    -------
    callable
        One of the two functions.
    """
    name = name_of(function)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            check(function)
    except CheckFailed as error:
        print(f"The reference version stands in. {str(error).splitlines()[0]}")
        return otherwise
    print(f"From here on: your own {name}.")
    return function
