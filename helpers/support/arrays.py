"""Arrays that are shared between runs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Keeper:
    """Owns the memory of one read-only view, and what has been derived from it."""

    def __init__(self, array: NDArray):
        self.array = array
        self.derived: dict[str, Any] = {}
        interface = array.__array_interface__
        address, _ = interface["data"]
        self.__array_interface__ = interface | {"data": (address, True)}


def read_only(array: NDArray) -> NDArray:
    """A view of the array that nobody can write to, or make writable again.

    The array itself if it is such a view already. Its memory may still change, through the array
    that it is a view of. So a view belongs to the run, or to the study, that made it and that must
    not overlap with a change: it is not handed out, and ends with the run.
    """
    return array if derived(array) is not None else np.asarray(_Keeper(array))


def derived(array: NDArray) -> dict[str, Any] | None:
    """What has been derived from a view that `read_only` made; None for any other array.

    A dictionary that lives exactly as long as the view: no array that comes later can find it.
    """
    return array.base.derived if isinstance(array.base, _Keeper) else None
