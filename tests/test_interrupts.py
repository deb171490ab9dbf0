"""Ctrl-C at any moment: what was reached is kept, and nothing is left behind."""

import dis
import gc
import random
import signal
import subprocess
import sys
import textwrap
import time
import timeit
from pathlib import Path

import numpy as np
import pytest

from helpers import sgd
from helpers.support import threads
from helpers.support.threads import OneThread, one_blas_thread

ROOT = Path(__file__).parent.parent


def blas_threads():
    return [library.num_threads for library in threads._blas_libraries(len(sys.modules))]


# The limit of threads


def interrupted(at, function):
    """Call the function, with Ctrl-C at an instruction of what makes the limit; whether it came."""
    instructions = 0

    def trace(frame, event, argument):
        nonlocal instructions
        if not frame.f_code.co_filename.endswith(("threads.py", "contextlib.py")):
            return None
        if not frame.f_trace_opcodes:
            frame.f_trace_opcodes = True
            sys.settrace(trace)  # Python 3.12 sees only then that opcodes are wanted
        code = frame.f_code.co_code
        # Python looks for signals after calls and at jumps: never before a NOP.
        if event == "opcode" and dis.opname[code[frame.f_lasti]] != "NOP":
            instructions += 1
            if instructions == at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return instructions >= at


class Library:
    """What a limit is set for; its number of threads is in a dictionary."""

    def __init__(self, number):
        self.get_num_threads = lambda: number["BLAS"]
        self.set_num_threads = lambda value: number.update(BLAS=value)


def test_the_limit_follows_from_the_open_blocks_wherever_it_was_interrupted():
    number = {"BLAS": 4}
    at, came = 0, True
    while came:
        at += 1
        one_thread = OneThread(lambda: [Library(number)])

        def use(one_thread=one_thread):
            with one_thread():
                assert number["BLAS"] == 1
                with one_thread():
                    assert number["BLAS"] == 1
                assert number["BLAS"] == 1

        came = interrupted(at, use)
        assert number["BLAS"] == 4 and not one_thread._open, at
        use()
        assert number["BLAS"] == 4, at
    assert at > 100


def test_blocks_that_overlap_share_the_limit():
    number = {"BLAS": 4}
    one_thread = OneThread(lambda: [Library(number)])
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert number["BLAS"] == 1
    second.__exit__(None, None, None)
    assert number["BLAS"] == 4


# A training


# Not drawn in `run`, as NumPy's generators, interrupted while they are made, leave np.errstate set.
rng = np.random.default_rng(0)
X = rng.random((60, 20)) * (rng.random((60, 20)) < 0.3)
Y = np.eye(3)[rng.integers(3, size=60)]


def run(engine="numpy", num_epochs=20):
    return sgd.train_classifier(
        X, Y, batch_size=10, learning_rate=0.1, num_epochs=num_epochs, X_test=X, Y_test=Y,
        engine=engine,
    )  # fmt: skip


@pytest.fixture
def alarm():
    """A function that makes Ctrl-C come after some seconds."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timer that is fine enough")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def interrupt_often(alarm, engine, cases):
    expected, limits, errors = run(engine), blas_threads(), np.geterr()
    duration = min(timeit.repeat(lambda: run(engine), number=1))  # or most alarms come too late
    rng = random.Random(0)
    kept = 0
    for case in range(cases):
        history = None
        try:
            alarm(max(rng.uniform(0, 1.1 * duration), 1e-6))
            history = run(engine)
            alarm(0)
        except sgd.TrainingInterrupted as interrupt:
            history = interrupt.history
            assert history.stopped == "interrupted" and "interrupted" in history.message
            kept += 1
        except KeyboardInterrupt:
            pass  # before the first update, or after the last one
        alarm(0)
        if history is not None:
            last = history.iteration[-1]
            assert len(history.minibatch_loss) == last, case
            np.testing.assert_array_equal(history.minibatch_loss, expected.minibatch_loss[:last])
            at_epochs = history.iteration[history.iteration % 6 == 0]
            rows = [list(expected.iteration).index(iteration) for iteration in at_epochs]
            for name in ("train_loss", "test_loss", "test_accuracy", "W_checkpoints"):
                found = getattr(history, name)
                assert len(found) == len(history.iteration), case
                np.testing.assert_array_equal(found[: len(rows)], getattr(expected, name)[rows])
        assert blas_threads() == limits and np.geterr() == errors, case
    np.testing.assert_array_equal(run(engine).W, expected.W)
    assert kept > cases / 5
    gc.collect()
    assert not one_blas_thread._open
    if engine == "torch":
        assert not sys.modules["helpers.engines.torch_engine"].one_torch_thread._open


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_an_interrupted_training_is_consistent_and_leaves_nothing_behind(alarm, engine):
    interrupt_often(alarm, engine, 100)


def test_an_interrupted_training_by_torch_is_too(alarm):
    # In a process of its own: PyTorch makes much garbage, and an interrupt while it is collected
    # reaches whoever watches the collection, such as hypothesis, in place of the training. Not by
    # TensorFlow: it ends with an error of its own after one interrupt in a thousand, and may crash.
    code = textwrap.dedent("""
        import signal
        from tests.test_interrupts import interrupt_often
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        interrupt_often(lambda s: signal.setitimer(signal.ITIMER_REAL, s), "torch", 100)
    """)
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_thousands_of_interrupted_trainings(alarm, engine):
    interrupt_often(alarm, engine, 4000)


@pytest.mark.slow
def test_a_script_that_is_interrupted_says_so_and_can_keep_what_was_reached():
    code = textwrap.dedent("""
        import os, signal
        import numpy as np
        from helpers import sgd

        X, Y = np.eye(3), np.eye(3)

        def learning_rate(iteration):
            if iteration == 5_000:
                os.kill(os.getpid(), signal.SIGINT)
            return 0.1

        settings = dict(batch_size=1, learning_rate=learning_rate, num_iterations=100_000)
        try:
            sgd.train_classifier(X, Y, **settings)
        except KeyboardInterrupt as interrupt:
            print(interrupt.history.iteration[-1], interrupt.history.stopped)
        sgd.train_classifier(X, Y, **settings)
    """)
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode
    assert ended.stdout == "4998 interrupted\n"  # the end of an epoch
    last = ended.stderr.splitlines()[-1]
    words = "SGD was interrupted at iteration 4998 (learning rate 0.1, batch size 1)"
    assert last.endswith(f"TrainingInterrupted: {words}")


@pytest.mark.slow
def test_in_a_notebook_the_stop_button_ends_the_cell_in_one_line_and_keeps_what_was_reached():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=ROOT)
    try:

        def execute(code, interrupt_after=None):
            texts = []
            message_id = client.execute(code)
            if interrupt_after:
                time.sleep(interrupt_after)
                manager.interrupt_kernel()
            while True:
                message = client.get_iopub_msg(timeout=60)
                if message["parent_header"].get("msg_id") != message_id:
                    continue
                content = message["content"]
                if message["msg_type"] in ("error", "stream"):
                    texts.append(content.get("text") or "\n".join(content["traceback"]))
                if content.get("execution_state") == "idle":
                    break
            while (reply := client.get_shell_msg(timeout=60))["parent_header"][
                "msg_id"
            ] != message_id:
                pass
            return reply["content"]["status"], "".join(texts)

        setup = """
            import numpy as np
            from helpers import sgd
            X, Y = np.eye(3).repeat(2000, axis=0), np.eye(3).repeat(2000, axis=0)
        """
        assert execute(textwrap.dedent(setup)) == ("ok", "")
        status, text = execute(
            "sgd.train_classifier(X, Y, batch_size=1, learning_rate=0.1, num_iterations=10**7, "
            "checkpoints=[])",
            interrupt_after=3,
        )
        assert status == "error" and len(text.strip().splitlines()) == 1, text
        assert "SGD was interrupted at iteration" in text and "sys.last_value.history" in text
        code = text[text.index("import sys") :].strip()
        status, text = execute(f"{code}\nprint(history.stopped, history.iteration[-1] > 100)")
        assert (status, text.strip()) == ("ok", "interrupted True")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
