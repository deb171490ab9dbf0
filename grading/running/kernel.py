"""The student's side: a kernel that runs cells, and calls of the student's functions.

This is all of `grading` that is in the sandbox, and nothing here is trusted. `drive` starts a
Jupyter kernel and runs cells in it on request; in the kernel a thread, `serve`, waits for calls.
Each of them talks to the grader through a socket of its own.
"""

import asyncio
import contextlib
import json
import os
import resource
import select
import shutil
import socket
import sys
import threading
from pathlib import Path

import numpy as np

from grading.running import wire

SECONDS_TO_STOP = 3.0  # that an interrupted cell has, before it counts as one that hangs


def main():
    command, *arguments = sys.argv[1:]
    if command == "serve":
        _kernel(*arguments)
    else:
        drive(json.loads(arguments[0]))


# The driver


def drive(settings):
    """Run cells in a kernel until the grader hangs up."""
    _limit_this_process(settings)
    _fill_scratch(settings)
    asyncio.run(_drive(settings, socket.socket(fileno=settings["control"])))


def _limit_this_process(settings):
    """Limits that every process of the sandbox inherits; memory is watched from outside."""
    for name, value in settings["rlimits"].items():
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    if settings.get("uid"):
        os.setgroups([])
        os.setgid(settings["uid"])
        os.setuid(settings["uid"])
    with contextlib.suppress(OSError):  # where memory runs out, this is to go first
        Path("/proc/self/oom_score_adj").write_text("1000")


def _fill_scratch(settings):
    """A home, copies of caches that their libraries want to be writable, links to large ones."""
    os.makedirs(os.environ["HOME"])
    for kept, place, copy in settings["caches"]:
        for folder, _, files in os.walk(kept):
            target = Path(place, os.path.relpath(folder, kept))
            target.mkdir(parents=True, exist_ok=True)
            for name in files:
                source = Path(folder, name)
                shutil.copyfile(source, target / name) if copy else os.symlink(
                    source, target / name
                )


async def _drive(settings, control):
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    module = [sys.executable, "-m", "grading.running.kernel", "serve", str(settings["calls"])]
    manager = AsyncKernelManager(transport="ipc", ip=str(Path(os.environ["HOME"], "kernel")))
    manager._kernel_spec = KernelSpec(argv=[*module, "-f", "{connection_file}"])
    await manager.start_kernel(pass_fds=[settings["calls"]])
    os.close(settings["calls"])  # so that the grader sees at once where the kernel is no more

    # Optional to jsonschema, which builds a grammar with it: more than a second for nothing here.
    sys.modules["rfc3987_syntax"] = None
    import nbformat  # only now, while the kernel starts
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """Keeps no more of a cell's outputs than `output_bytes`."""

        def process_message(self, message, cell, cell_index):
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                self.received += _shorten(message["content"], settings["output_bytes"])
                if self.received > settings["output_bytes"]:
                    self.dropped = True
                    return None
            return super().process_message(message, cell, cell_index)

    client = Client(
        nbformat.v4.new_notebook(),
        km=manager,
        allow_errors=True,
        record_timing=False,
        store_widget_state=False,
        iopub_timeout=2,
    )
    await client.async_start_new_kernel_client()
    wire.send(control, {"ready": True})
    while True:
        request, _ = await asyncio.to_thread(wire.receive, control)
        cell = nbformat.v4.new_code_cell(request["source"])
        client.nb.cells = [cell]
        client.received, client.dropped = 0, False
        status = await _run(client, cell, request)
        outputs = _joined([_plain(output) for output in cell.outputs])
        if client.dropped:
            outputs.append({"output_type": "stream", "name": "stderr", "text": "[…]\n"})
        reply = {"status": status, "outputs": outputs, "dropped": client.dropped}
        wire.send(control, reply)


async def _run(client, cell, request):
    """Run a cell: "ok", "late" if it had to be interrupted, "hangs", or "died"."""
    from nbclient.exceptions import DeadKernelError

    run = asyncio.ensure_future(client.async_execute_cell(cell, 0, request["count"]))
    status = "ok"
    done, _ = await asyncio.wait([run], timeout=request["seconds"])
    if not done:
        status = "late"
        await client.km.interrupt_kernel()
        done, _ = await asyncio.wait([run], timeout=SECONDS_TO_STOP)
    if not done:
        return "hangs"
    try:
        run.result()
    except DeadKernelError:
        return "died"
    return status


def _shorten(content, most):
    """The size of a message's content; a text that is too long is cut."""
    if len(content.get("text", "")) > most // 10:
        content["text"] = content["text"][: most // 10] + "\n[…]\n"
    if "traceback" in content:
        content["traceback"] = [line[: most // 10] for line in content["traceback"][:50]]
        content["evalue"] = content["evalue"][: most // 10]
    for kind, value in list(content.get("data", {}).items()):
        if "widget" in kind or len(str(value)) > most // 2:
            del content["data"][kind]
    return len(json.dumps(content, default=str))


def _plain(output):
    return json.loads(json.dumps(output, default=str))


def _joined(outputs):
    """Texts of one stream in one output; of a line that was written over, the last version.

    nbclient does the same with an expression that takes minutes for one long line.
    """
    kept, streams = [], {}
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        kept.append(output)
        if output["output_type"] == "stream":
            streams[output["name"]] = output
    for stream in streams.values():
        lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in stream["text"].split("\n")]
        stream["text"] = "\n".join(lines)
    return kept


# The kernel


def _kernel(calls, *arguments):
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*arguments, "--HistoryManager.enabled=False"])
    connection = socket.socket(fileno=int(calls))
    threading.Thread(target=serve, args=(connection, app.shell.user_ns), daemon=True).start()
    app.start()


def serve(connection, names):
    """Answer calls of what the student's cells define, until the grader hangs up.

    Parameters
    ----------
    connection : socket
    names : dict
        What is defined.
    """
    adapted = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            request, arrays = wire.receive(connection)
            reply, sent = _answer(connection, names, adapted, request, arrays)
            try:
                wire.send(connection, reply, sent)
            except wire.BadMessage as error:
                wire.send(
                    connection, {"failed": [f"what it returns is too large: {error}", "too large"]}
                )


def _answer(connection, names, adapted, request, arrays):
    from helpers.checks import attempts

    if "warm_up" in request:
        with contextlib.suppress(Exception):
            _warm_up(request["warm_up"])
        return {"result": None}, []
    name = request["name"]
    if name not in names:
        return {"missing": True}, []
    if "arguments" not in request:
        try:
            tree, sent = wire.encode(names[name])
            return {"result": tree}, sent
        except Exception as error:
            return {"failed": [f"{name} is no number: {error!r:.200}", "not a number"]}, []
    attempts.SECONDS = request["seconds"]
    given = _Given(connection)
    try:
        passed = wire.decode(request["arguments"], arrays, given.special)
        before = [each.copy() if isinstance(each, np.ndarray) else None for each in passed]
        with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
            if request["on_arrays"]:
                result = _on_arrays(names[name], adapted)(*passed)
            else:
                result = attempts.call(names[name], *passed)
            after = [
                each if was is not None and not _same(was, each) else None
                for was, each in zip(before, passed, strict=True)
            ]
            tree, sent = wire.encode([result, after, *given.afterwards()])
        return {"result": tree}, sent
    except attempts.CheckFailed as error:
        return {"failed": [str(error), error.mistake]}, []
    except Exception as error:
        return {"failed": [f"{name}: {error!r:.200}", "raised"]}, []


def _warm_up(check):
    """Import what a check of this name needs, before a clock runs."""
    if check == "preprocess_data":
        from helpers.checks.data_preparation import torchvision_data_set

        torchvision_data_set(np.zeros((1, 28, 28), np.uint8), np.zeros(1, int))
    elif check == "tensorflow_step":
        from helpers.checks.tensorflow_comparison import on_arrays

        step = on_arrays(lambda W, b, *rest: W.assign_sub(W))
        step(np.ones((2, 2)), np.ones(2), np.ones((1, 2)), np.ones((1, 2)), 0.1, 0.1)


def _on_arrays(function, adapted):
    """The step in TensorFlow as a function of arrays, the same one for all calls."""
    from helpers.checks.tensorflow_comparison import on_arrays

    if id(function) not in adapted:
        adapted[id(function)] = on_arrays(function)
    return adapted[id(function)]


class _Given:
    """What the grader gave in a call that is more than numbers, and what became of it."""

    def __init__(self, connection):
        self.connection, self.lock = connection, threading.Lock()
        self.generators, self.data_sets = [], []

    def special(self, name, content, part):
        """Make what `grading.running.stand_ins` encoded."""
        if name == "function":
            return self._function(content)
        if name == "mnist":
            from helpers.data import MNIST

            return MNIST(*map(part, content))
        if name == "generator":
            generator = np.random.default_rng()
            generator.bit_generator.state = json.loads(content)
            self.generators.append(generator)
            return generator
        if name == "data set":
            from helpers.checks.data_preparation import torchvision_data_set

            self.data_sets.append(torchvision_data_set(*map(part, content)))
            return self.data_sets[-1]
        raise ValueError(f"unexpected {name!r:.100}")

    def afterwards(self):
        """States of generators and contents of data sets after the call."""
        return [
            [json.dumps(each.bit_generator.state) for each in self.generators],
            [[np.asarray(each.data), np.asarray(each.targets)] for each in self.data_sets],
        ]

    def _function(self, number):
        """A function that the grader's side computes, while this side is as busy."""

        def stand_in(*arguments, **named):
            with self.lock:
                tree, arrays = wire.encode([list(arguments), named])
                wire.send(self.connection, {"callback": number, "arguments": tree}, arrays)
                while not select.select([self.connection], [], [], 0)[0]:
                    pass  # so that clocks of the processor's time go on too
                reply, arrays = wire.receive(self.connection)
            if "result" not in reply:
                raise RuntimeError("it cannot be called like this")
            return wire.decode(reply["result"], arrays)

        return stand_in


class _Nowhere:
    """A stream that forgets what a called function prints."""

    def write(self, text):
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


def _same(before, after):
    return before.shape == after.shape and before.tobytes() == after.tobytes()


if __name__ == "__main__":
    main()
