"""Import TensorFlow and PyTorch in any order, and TensorFlow without its noise.

Where TensorFlow is loaded first and PyTorch's `triton` later in one process, the process ends with
a segmentation fault (tensorflow issue 124205): each brings an LLVM of its own, and the later one
calls into the earlier one. `import torch` alone does not load triton, but the first optimizer does.
So both kinds of import below load triton first, before anything else can.
"""

import contextlib
import importlib.util
import os
import sys
import tempfile
import warnings


@contextlib.contextmanager
def torch_import():
    """Import PyTorch inside this `with` block: TensorFlow may be imported before or after it."""
    _load_triton()
    yield
    import torch

    with warnings.catch_warnings():
        # Where there is no GPU, the first look for one ends in a warning if TensorFlow looked too.
        warnings.filterwarnings("ignore", "CUDA initialization", UserWarning)
        torch.cuda.is_available()


@contextlib.contextmanager
def tensorflow_import():
    """Import TensorFlow inside this `with` block: silently, and PyTorch before or after it.

    TensorFlow's C++ code writes log lines to the process's stderr while it loads, which Python
    cannot filter: they are kept aside, and shown only if the import fails. And
    `TF_CPP_MIN_LOG_LEVEL`, which silences it later, must be set before the import.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _load_triton()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _load_triton():
    """Load PyTorch's triton, where there is one, so that it uses its own LLVM."""
    if not importlib.util.find_spec("triton"):
        return
    if "tensorflow" not in sys.modules or not hasattr(os, "RTLD_DEEPBIND"):
        importlib.import_module("triton")
        return
    # Somebody imported TensorFlow without the guard: triton must prefer its own symbols to those
    # that are there already.
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        importlib.import_module("triton")
    finally:
        sys.setdlopenflags(flags)
