"""Import TensorFlow so that it neither talks nor brings the process down."""

import contextlib
import importlib.util
import os
import sys
import tempfile


@contextlib.contextmanager
def tensorflow_import():
    """Import TensorFlow inside this `with` block, for three reasons.

    If TensorFlow is imported first and PyTorch later in one process, the process ends with a
    segmentation fault (tensorflow issue 124205); importing PyTorch's `triton`, where there is one,
    before TensorFlow prevents it. TensorFlow's C++ code writes log lines to the process's stderr
    while it loads, which Python cannot filter: they are kept aside, and shown only if the import
    fails. And `TF_CPP_MIN_LOG_LEVEL`, which silences it later, must be set before the import.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if importlib.util.find_spec("triton"):
        importlib.import_module("triton")
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
