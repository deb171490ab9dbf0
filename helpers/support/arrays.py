"""Arrays that are shared between runs."""


def read_only(array):
    """A view that nobody can write to: what an engine derives from it, it may keep and share.

    The array itself if it is one already, so that all who are given it share.
    """
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view
