"""A place to run what students wrote: no network, no sight of anything of the grader's, limits.

Bubblewrap isolates it on Linux, where it *works*, which is found out by trying. Without it there
are still a process group of its own and limits, but whoever wrote the code can read and write what
the grader can: that must be asked for.

| what | how it is bounded |
|---|---|
| network, other processes | namespaces of its own |
| files | Python, `helpers` and MNIST read-only; one folder in memory is writable, and small |
| time | the grader's clock: at a deadline the sandbox is ended from outside |
| memory | resident memory, looked at ten times a second (a limit of addresses breaks TensorFlow) |
| processes | counted as often; and a hard limit against those that are faster |
| output | cut where it is collected; messages of a bounded size to the grader |
"""

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from grading.running import wire
from helpers.data import DATA_DIR, fetch_mnist

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = "bwrap"
SECONDS_TO_START = 120  # a kernel on a busy machine
SECONDS_BETWEEN_LOOKS = 0.1
# What a kernel needs beside Python itself: libraries and fonts.
SYSTEM = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives",
    "/etc/fonts", "/etc/localtime",
]  # fmt: skip
FIRST_USER = 100_000  # of those that students' code runs as, where the grader is root
FOLDER = "/course/notebooks"  # the working directory, the one writable folder
# For reading.
PLACES = ["/course/helpers", "/course/data/MNIST/raw", "/grader/grading/running"]


@dataclass(frozen=True)
class Limits:
    """What a sandbox may use.

    Attributes
    ----------
    cell_seconds, call_seconds : float
        Of a cell, and of one call of a student's function by a check.
    notebook_seconds : float
        Of all cells of a notebook; from then on only its definitions run.
    memory : int
        Resident bytes of all its processes together.
    processes : int
    scratch : int
        Bytes in its writable folder.
    output : int
        Bytes of outputs kept of one cell.
    threads : int
        Of NumPy, PyTorch, TensorFlow and the compiled engine.
    restarts : int
        How many cells of a notebook may end the kernel, before only its definitions run.
    """

    cell_seconds: float = 120.0
    call_seconds: float = 6.0
    notebook_seconds: float = 900.0
    memory: int = 4 * 2**30
    processes: int = 64
    scratch: int = 2**29
    output: int = 2_000_000
    threads: int = os.cpu_count() or 1
    restarts: int = 3


class Ended(Exception):
    """A sandbox that is no more; the message is the reason, in the words of a mistake's name."""


class Sandbox:
    """A kernel in a sandbox, with one socket for its cells and one for calls of functions.

    Parameters
    ----------
    limits : Limits
    isolated : bool
        With bubblewrap, or without any isolation.
    kept : pathlib.Path, optional
        Folder of caches to start from, as `grading.running.kept` makes it.
    fill : bool
        Whether the sandbox writes these caches. Only for the release's own code.
    """

    def __init__(self, limits, *, isolated=True, kept=None, fill=False):
        self.limits, self.reason = limits, None
        self._deadline, self._count = None, 0
        self._temporary = contextlib.ExitStack()
        self.control, theirs = socket.socketpair()
        self.calls, their_calls = socket.socketpair()
        settings = {
            "control": theirs.fileno(),
            "calls": their_calls.fileno(),
            "output_bytes": limits.output,
            "rlimits": _rlimits(limits),
        }
        if isolated and os.geteuid() == 0 and not fill:
            # The limit of processes counts those of a user, and does not hold for root.
            settings["uid"] = FIRST_USER + theirs.fileno() + 1000 * (os.getpid() % 50_000)
        if isolated:
            prefix, course, modules = _bubblewrap(limits, kept, fill), Path("/course"), "/grader"
            caches = Path("/kept")
        else:
            folder = Path(self._temporary.enter_context(_temporary_folder()))
            prefix, course, modules = [], folder / "course", str(folder / "grader")
            caches = kept
            _lay_out(course, Path(modules))
        environment = _environment(course / "notebooks", modules, limits.threads)
        settings["caches"] = _caches(environment, caches) if kept and not fill else []
        if fill:
            environment |= {name: str(caches / place) for name, place in CACHES.items()}
        command = [
            *prefix,
            _python(),
            "-m",
            "grading.running.kernel",
            "drive",
            json.dumps(settings),
        ]
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=None if isolated else course / "notebooks",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("GRADING_DEBUG") else subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), their_calls.fileno()],
            start_new_session=True,
        )
        theirs.close()
        their_calls.close()
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self.exchange(self.control, seconds=SECONDS_TO_START)
        except BaseException:  # Ctrl-C, too: there is no one yet who would end it
            self.end()
            raise

    def run(self, source):
        """Run a cell.

        Parameters
        ----------
        source : str

        Returns
        -------
        dict
            outputs; status, "ok" or "late"; dropped, whether outputs were cut.

        Raises
        ------
        Ended
        """
        self._count += 1
        seconds = self.limits.cell_seconds
        request = {"source": source, "seconds": seconds, "count": self._count}
        reply, _ = self.exchange(self.control, request, seconds=seconds + 10)
        if reply.get("status") in ("hangs", "died"):
            self.end("did not finish" if reply["status"] == "hangs" else "ended the kernel")
            raise Ended(self.reason)
        return reply

    def exchange(self, connection, header=None, arrays=(), *, seconds):
        """Send a message, if there is one, and wait for the next one.

        Raises
        ------
        Ended
            The sandbox is no more, or what it sent is no message: then it is ended.
        """
        self._deadline = time.monotonic() + seconds
        try:
            if header is not None:
                wire.send(connection, header, arrays)
            reply, arrays = wire.receive(connection)
            if not isinstance(reply, dict):
                raise wire.BadMessage("no dictionary")
            return reply, arrays
        except (EOFError, OSError, wire.BadMessage) as error:
            self.end("sent nonsense" if isinstance(error, wire.BadMessage) else "ended the kernel")
            raise Ended(self.reason) from None
        finally:
            self._deadline = None

    def end(self, reason="ended by the grader"):
        """End all its processes."""
        self.reason = self.reason or reason
        self._kill()
        self.process.wait()
        self.control.close()
        self.calls.close()
        self._temporary.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _watch(self):
        try:
            first = psutil.Process(self.process.pid)
        except psutil.Error:
            return
        while self.process.poll() is None and self.reason is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            deadline = self._deadline
            if deadline and time.monotonic() > deadline:
                return self._stop("did not finish")
            try:
                processes = first.children(recursive=True)
            except psutil.Error:  # of a process that ended while they were counted
                continue
            if len(processes) > self.limits.processes:
                return self._stop("too many processes")
            if _resident(processes, self.limits.memory) > self.limits.memory:
                return self._stop("too much memory")
        return None

    def _stop(self, reason):
        """End it from the thread that watches: the one that waits for a message sees its end."""
        self.reason = reason
        self._kill()

    def _kill(self):
        """Kill its processes, group by group: one by one, they might be forked faster."""
        groups = set()
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(self.process.pid)
            for process in [first, *first.children(recursive=True)]:
                with contextlib.suppress(OSError):
                    groups.add(os.getpgid(process.pid))
        for group in groups - {os.getpgrp()}:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)


def _resident(processes, enough):
    """Bytes of memory in use; what processes share counts once where the system can tell."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    if total > enough and len(processes) > 1:
        shares = 0
        for process in processes:
            try:
                shares += process.memory_full_info().pss
            except psutil.NoSuchProcess:  # it has ended meanwhile, and shares nothing any more
                continue
            except (psutil.Error, AttributeError):
                return total
        return shares
    return total


@functools.cache
def problem():
    """Why bubblewrap does not isolate on this machine; an empty text if it does.

    Found out by trying: what runs inside must neither reach a socket that listens outside, nor see
    the home, the checkout or this process, nor write outside of its folder.
    """
    if not shutil.which(PROGRAM):
        return f"the program {PROGRAM} (bubblewrap) is not installed"
    with socket.create_server(("127.0.0.1", 0)) as server, _temporary_folder() as folder:
        seen = Path(folder, "seen")
        seen.write_text("seen")
        code = PROBE.format(
            port=server.getsockname()[1],
            paths=[str(seen), str(Path.home()), str(ROOT / "grading"), str(ROOT / "notebooks")],
            pid=os.getpid(),
            uid=FIRST_USER,
            folder=FOLDER,
            places=[PLACES[0], PLACES[1], f"{PLACES[2]}/kernel.py"],
        )
        command = [*_bubblewrap(Limits(), None, False), _python(), "-I", "-c", code]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if found.returncode:
        return f"{PROGRAM} does not work here: {found.stderr.strip()[-300:]}"
    return found.stdout.strip()


PROBE = """
import os, socket
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({uid})
    os.setuid({uid})
for path in {places!r}:
    if not os.access(path, os.R_OK):
        print("it cannot read", path, "(is it for its owner alone?)")
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=2)
    print("it reaches the network")
except OSError:
    pass
for path in {paths!r}:
    if os.path.isdir(path) and os.listdir(path) or os.path.isfile(path):
        visible = [name for name in os.listdir(path)] if os.path.isdir(path) else [path]
        if path != os.path.expanduser("~") and visible:
            print("it sees", path)
if os.path.exists("/proc/{pid}/cmdline") and {pid} > 100:
    print("it sees other processes")
for place in "/", "/usr", "/course", "/dev", "/etc":
    try:
        open(os.path.join(place, "written"), "w").close()
        print("it writes to", place)
    except OSError:
        pass
open(os.path.join({folder!r}, "written"), "w").close()
"""


def _python():
    """This environment's Python, by a path without links above the environment."""
    return os.path.join(os.path.realpath(sys.prefix), "bin", "python")


def version():
    """Of bubblewrap, such as "bubblewrap 0.8.0"; "none" without it."""
    if not shutil.which(PROGRAM):
        return "none"
    return subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout.strip()


# Caches that are filled once by the release's own code: variable of the environment and folder.
CACHES = {"NUMBA_CACHE_DIR": "numba", "STUDY_CACHE": "study", "MPLCONFIGDIR": "matplotlib"}


def _bubblewrap(limits, kept, fill):
    """The command that runs another one in the sandbox."""
    arguments = [
        PROGRAM, "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid",
        "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--proc", "/proc", "--dev",
        "/dev",
    ]  # fmt: skip
    if os.geteuid() != 0:
        arguments.insert(1, "--unshare-user")
    shown = {path for path in SYSTEM if os.path.exists(path)}
    shown |= {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}
    hidden = {str(ROOT), str(Path.home())}
    # Bubblewrap makes folders on the way for its own user alone.
    on_the_way = {
        parent
        for path in [*shown, *PLACES, "/grader/grading/running/any"]
        for parent in Path(path).parents
    }
    for path in sorted(on_the_way, key=lambda path: len(path.parts))[1:]:
        if not any(path.is_relative_to(other) for other in shown):
            arguments += ["--perms", "755", "--dir", str(path)]
    # The deeper path comes later, and wins: an environment inside of a hidden folder is seen.
    for path in sorted(shown | hidden, key=lambda path: len(Path(path).parts)):
        if path in shown and os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif path in shown:
            arguments += ["--ro-bind", path, path]
        elif any(Path(path).is_relative_to(other) for other in shown):
            arguments += ["--tmpfs", path]
    raw = DATA_DIR / "MNIST" / "raw"
    if not raw.exists():
        fetch_mnist()
    for source, place in [
        (ROOT / "helpers", PLACES[0]),
        (raw, PLACES[1]),
        *((HERE / name, f"{PLACES[2]}/{name}") for name in MODULES),
    ]:
        arguments += ["--ro-bind", str(source), place]
    if kept:
        arguments += ["--bind" if fill else "--ro-bind", str(kept), "/kept"]
    for place in FOLDER, "/dev/shm":
        arguments += ["--perms", "1777", "--size", str(limits.scratch), "--tmpfs", place]
    if Path("/tmp") not in on_the_way:  # below it may lie this very environment
        arguments += ["--symlink", f"{FOLDER}/.home", "/tmp"]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", FOLDER]


MODULES = ["wire.py", "kernel.py"]  # all of this package that is in the sandbox


def _lay_out(course, modules):
    """The same folders without bubblewrap."""
    (course / "notebooks").mkdir(parents=True)
    (course / "data").mkdir()
    (modules / "grading" / "running").mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "helpers", course / "helpers", ignore=ignore)
    fetch_mnist()
    (course / "data" / "MNIST").symlink_to(DATA_DIR / "MNIST")
    for name in MODULES:
        shutil.copyfile(HERE / name, modules / "grading" / "running" / name)


def _environment(folder, modules, threads):
    """All environment variables of the sandbox."""
    home = folder / ".home"
    counts = [
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "LOKY_MAX_CPU_COUNT",
    ]  # fmt: skip
    return {
        "PATH": os.pathsep.join(
            [os.path.join(os.path.realpath(sys.prefix), "bin"), "/usr/bin", "/bin"]
        ),
        "HOME": str(home),
        "TMPDIR": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": modules,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        # ipykernel then leaves alone what libraries in C print, as for the committed outputs.
        "PYTEST_CURRENT_TEST": "grading",
        "CUDA_VISIBLE_DEVICES": "-1",
        **{name: str(home / place) for name, place in CACHES.items()},
        **{name: str(threads) for name in counts},
    }


def _caches(environment, kept):
    """For each cache: where it is kept, where the sandbox has it, and whether it is copied."""
    return [
        [str(kept / place), environment[name], place != "study"] for name, place in CACHES.items()
    ]


def _rlimits(limits):
    most = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": limits.scratch, "RLIMIT_NOFILE": 4096}
    threads = 16 * limits.processes
    if os.geteuid() != 0:  # the processes that this user has elsewhere count as well
        threads += sum(
            process.info["num_threads"] or 0
            for process in psutil.process_iter(["num_threads", "uids"])
            if process.info["uids"] and process.info["uids"].real == os.getuid()
        )
    return most | {"RLIMIT_NPROC": threads}


def _temporary_folder():
    return tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
