"""How a check speaks in a notebook: one line for what is right, one that stands out if it is not.

JupyterLab draws errors on red, and its light and dark theme have different colors for the same
ANSI code, none of which can be read on both. So text keeps the theme's own color, in bold where it
is to stand out, and color is left to a mark that brings its own background.
"""

import time

from helpers.support.progress import kernel

BOLD, END = "\033[1m", "\033[0m"
# 32 and 33 are for programs that know no more than the eight ANSI colors.
GREEN = "\033[32m\033[38;2;255;255;255;48;2;0;110;50m"
YELLOW = "\033[33m\033[38;2;0;0;0;48;2;255;200;60m"
SECONDS_TO_ABORT = 0.4


def say(text):
    """Print a line that tells what is right."""
    print(f"{GREEN} ✓ {END} {text}")


def advise(text):
    """Print a line that tells what could be better in a right answer."""
    print(f"{YELLOW} ! {END} {text}")


def traceback_of(message):
    """What IPython is to show in place of a traceback: the first line stands out.

    ipykernel cancels the cells that wait behind a failed one only if they have arrived already, and
    a check can fail before Run All has sent them: so it waits a moment.
    """
    if kernel():
        time.sleep(SECONDS_TO_ABORT)
    first, *rest = message.split("\n")
    return ["\n".join([f"{BOLD}{first}{END}", *rest])]
