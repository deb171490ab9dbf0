"""Comparison of outputs whose numbers may differ a little between machines.

A cell tagged `rtol=0.02` or `atol=1e-6`, or both, is compared with the stored output so that a
number x passes for the stored number r if |x − r| ≤ atol + rtol·|r|. All other text must be the
same, but for the amount of white space and the length of ruled lines, which follow the width of
the numbers.
"""

import math
import re

NUMBER = re.compile(
    r"""(?<![\w.])                          # not inside of a word or of another number
        [-+]?
        (?: (?: \d{1,3}(?:,\d{3})+ | \d+ ) (?:\.\d*)?
          | \.\d+ )
        (?: [eE][-+]?\d+ )?
      | (?<!\w) [-+]?(?:nan|inf(?:inity)?) (?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)


def tolerances(tags):
    """The tolerances among the tags of a cell.

    Returns
    -------
    dict or None
        With the keys `rtol` and `atol`, 0 where not given; None without such a tag.

    Raises
    ------
    ValueError
        A value that is not a non-negative number.
    """
    found = {}
    for tag in tags:
        match = re.fullmatch(r"(rtol|atol)=(.*)", tag)
        if match:
            found[match[1]] = _tolerance(tag, match[2])
    return {"rtol": 0.0, "atol": 0.0, **found} if found else None


def settle(new, stored, rtol, atol):
    """`stored` with only those of its numbers replaced by the new ones that are out of tolerance.

    Equal to `stored` if `new` agrees with it; so an exact comparison of the two shows exactly what
    is wrong. If other text than numbers differs, it is `new` as it is.
    """
    if [_collapse(text) for text in NUMBER.split(new)] != [
        _collapse(text) for text in NUMBER.split(stored)
    ]:
        return new
    numbers = iter(NUMBER.findall(new))

    def choose(match):
        number = next(numbers)
        return match[0] if _is_close(number, match[0], rtol, atol) else number

    return NUMBER.sub(choose, stored)


def _tolerance(tag, text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"the tag {tag!r} needs a number that is not negative, such as rtol=0.02")
    return value


def _is_close(new, stored, rtol, atol):
    new, stored = (float(number.replace(",", "")) for number in (new, stored))
    if math.isnan(stored) or math.isnan(new):
        return math.isnan(stored) and math.isnan(new)
    # The equality is for infinities, whose difference is not a number.
    return new == stored or abs(new - stored) <= atol + rtol * abs(stored) < math.inf


def _collapse(text):
    return re.sub(r"([-=─])\1{2,}", r"\1", " ".join(text.split()))
