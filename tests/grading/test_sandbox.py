"""What runs in the sandbox can do nothing outside, and no harm inside that is not bounded."""

import os
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from grading.running import kept, sandbox, wire
from grading.deciding.claims import text_of
from grading.running.sandbox import Ended, Limits, Sandbox
from tests.grading.build import release

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(cell_seconds=3, call_seconds=2, memory=2**29, scratch=2**26, threads=1)
NO_BUBBLEWRAP = sandbox.problem()

pytestmark = pytest.mark.slow
isolated = pytest.mark.skipif(bool(NO_BUBBLEWRAP), reason=f"no sandbox: {NO_BUBBLEWRAP}")
either = pytest.mark.parametrize(
    "isolation", [pytest.param(True, marks=isolated), False], ids=["bubblewrap", "none"]
)


@pytest.fixture(scope="module")
def kernel():
    if NO_BUBBLEWRAP:
        pytest.skip(f"no sandbox: {NO_BUBBLEWRAP}")
    with Sandbox(LIMITS) as started:
        yield started


class Forked:
    """A process that shares what it has with the one that it comes from."""

    def __init__(self, ended=False):
        self.ended = ended

    def memory_info(self):
        return SimpleNamespace(rss=3)

    def memory_full_info(self):
        if self.ended:
            raise psutil.NoSuchProcess(1)
        return SimpleNamespace(pss=1.5)


def test_what_is_shared_counts_once_also_if_a_process_ends_while_it_is_counted():
    assert sandbox._resident([Forked(), Forked()], 5) == 3
    assert sandbox._resident([Forked(), Forked(ended=True)], 5) == 1.5


def printed(kernel, source):
    """What a cell prints, and the names of its errors."""
    outputs = kernel.run(source)["outputs"]
    errors = [output["ename"] for output in outputs if output["output_type"] == "error"]
    return "\n".join([text_of(outputs), *errors]).strip()


# What it cannot reach


@isolated
def test_there_is_no_network(kernel):
    name = f"\0grading-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(name)
        hidden.listen()
        port = server.getsockname()[1]
        source = f"""
import socket
import sys
for family, address in [
    (socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET, ("1.1.1.1", 53)),
    (socket.AF_UNIX, {name!r}),
]:
    try:
        with socket.socket(family) as one:
            one.settimeout(1)
            one.connect(address)
        print("connected")
    except OSError:
        print("refused")
"""
        assert printed(kernel, source).split() == ["refused"] * 3


@isolated
def test_nothing_of_the_graders_can_be_seen(kernel, tmp_path):
    marker = tmp_path / "submissions" / "another.ipynb"
    marker.parent.mkdir()
    marker.write_text("{}")
    secret = [
        marker, ROOT / "notebooks", ROOT / "grading", ROOT / "tests", ROOT / "build", ROOT / ".git",
        ROOT / "data", "/course/.git", "/grader/grading/deciding", "/grader/grading/records.py",
        "/etc/passwd", "/etc/shadow", "/var", "/run", f"/proc/{os.getpid()}/environ",
    ]  # fmt: skip
    source = f"""
import os, subprocess
print([path for path in {list(map(str, secret))!r} if os.path.exists(path)])
print(len([name for name in os.listdir("/proc") if name.isdigit()]) < 10)
home = {str(Path.home())!r}
print(*os.listdir(home) if os.path.exists(home) else [])
"""
    seen, few_processes, *home = printed(kernel, source).splitlines()
    assert seen == "[]"
    assert few_processes == "True"
    # Of the home only the way to Python and its environment, which may lie there.
    needed = [Path(path) for path in (sys.prefix, sys.base_prefix, ROOT)]
    ways = {
        path.relative_to(Path.home()).parts[0] for path in needed if Path.home() in path.parents
    }
    assert {*" ".join(home).split()} <= ways


@isolated
def test_the_working_folder_alone_can_be_written_to_and_is_small(kernel):
    source = """
import os
places = ["/", "/usr", "/course", "/course/helpers", "/course/data", "/course/data/MNIST/raw",
          "/grader/grading", "/etc", "/dev", "/proc"]
def writes(place):
    try:
        open(os.path.join(place, "written"), "w").close()
        return True
    except OSError:
        return False
print([place for place in places if writes(place)], writes("."), writes("/tmp"))
try:
    with open("large", "wb") as file:
        for _ in range(200):
            file.write(bytes(2**20))
except OSError as error:
    print(os.path.getsize("large") <= 2**26)
os.remove("large")
"""
    # Where this environment itself lies below /tmp, that cannot be a folder of the sandbox's own.
    elsewhere = not Path(sys.prefix).resolve().is_relative_to("/tmp")
    assert printed(kernel, source).splitlines() == [f"[] True {elsewhere}", "True"]


@isolated
def test_it_is_nobody_and_cannot_become_somebody(kernel):
    source = """
import os, ctypes
print(os.getuid() != 0, end=" ")
try:
    os.setuid(0)
    print("root")
except OSError:
    print("refused")
print(ctypes.CDLL(None).mount(b"none", b"/course/helpers", b"tmpfs", 0, None))
"""
    assert printed(kernel, source).splitlines() == ["True refused", "-1"]


# What it does within


def test_it_is_a_jupyter_kernel_with_helpers_and_mnist(kernel):
    source = """
import sys
sys.path.insert(0, "/course")
from helpers.data import load_mnist
from IPython.display import Markdown
print(load_mnist().X_train.shape, type(get_ipython()).__name__)
await __import__("asyncio").sleep(0)
%time 1 + 1
Markdown("*text*")
"""
    reply = kernel.run(source)
    assert "(60000, 784) ZMQInteractiveShell" in text_of(reply["outputs"])
    assert reply["outputs"][-1]["data"]["text/markdown"] == "*text*"


def test_a_line_of_50_mb_is_cut(kernel):
    started = time.monotonic()
    reply = kernel.run("print('x' * 50_000_000)\nprint('end')")
    assert len(text_of(reply["outputs"])) < LIMITS.output
    assert "[…]" in text_of(reply["outputs"])
    assert time.monotonic() - started < 3 * LIMITS.cell_seconds


def test_outputs_without_end_and_large_pictures_are_left_out(kernel):
    reply = kernel.run("for i in range(3000): print(str(i) * 1000)\nprint('end')")
    assert len(str(reply["outputs"])) < 2 * LIMITS.output
    source = """
from IPython.display import display
display({"image/png": "A" * 12_000_000, "text/plain": "a picture"}, raw=True)
"""
    reply = kernel.run(source)
    assert len(str(reply["outputs"])) < LIMITS.output
    assert "a picture" in text_of(reply["outputs"])


@pytest.mark.parametrize(
    ("source", "status", "error"),
    [
        ("input()", "ok", "StdinNotImplementedError"),
        ("raise SystemExit", "ok", "SystemExit"),
        ("import time\ntime.sleep(100)", "late", "KeyboardInterrupt"),
        ("while True: pass", "late", "KeyboardInterrupt"),
    ],
)
def test_the_kernel_survives(kernel, source, status, error):
    reply = kernel.run(source)
    assert reply["status"] == status
    assert error in [output.get("ename") for output in reply["outputs"]]
    assert printed(kernel, "print(1 + 1)") == "2"


# What ends it

SWALLOW = """
import time
while True:
    try:
        while True: {0}
    except BaseException:
        pass
"""
ENDINGS = {
    "os._exit": ("import os\nos._exit(0)", "ended the kernel"),
    "a signal": ("import os\nos.kill(os.getpid(), 9)", "ended the kernel"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "ended the kernel"),
    "all killed": ("import os\nos.kill(os.getppid(), 9)\nos.kill(-1, 9)", "ended the kernel"),
    "no interrupt helps": (SWALLOW.format("time.sleep(0.01)"), "did not finish"),
    "memory": ("kept = []\n" + SWALLOW.format("kept.append(b'x' * 10**6)"), "too much memory"),
    "processes": (
        "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60), os._exit(0)",
        "too many processes",
    ),
    "a fork bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", None),
}


@either
@pytest.mark.parametrize("name", ENDINGS)
def test_it_is_ended_and_the_reason_is_named(name, isolation):
    if not isolation and name in ("all killed", "a fork bomb"):
        pytest.skip("without a sandbox it would hit more than the kernel")
    source, reason = ENDINGS[name]
    with Sandbox(LIMITS, isolated=isolation) as kernel:
        processes = psutil.Process(kernel.process.pid).children(recursive=True)
        with pytest.raises(Ended) as ended:
            kernel.run(source)
        if reason:
            assert str(ended.value) == reason
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert not alive


@isolated
def test_nonsense_from_the_kernel_ends_it():
    with Sandbox(LIMITS) as kernel:
        # A student's code can find the socket that its calls come through.
        source = """
import os
words = open("/proc/self/cmdline").read().split(chr(0))
os.write(int(words[words.index("serve") + 1]), b"x" * 100)
"""
        kernel.run(source)
        with pytest.raises(Ended, match="sent nonsense"):
            kernel.exchange(kernel.calls, {"name": "f"}, seconds=3)


@isolated
def test_the_probe_finds_a_sandbox_that_isolates_nothing(monkeypatch):
    open_one = sandbox._bubblewrap(LIMITS, None, False)
    open_one.remove("--unshare-net")
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda *_: open_one)
    assert "network" in sandbox.problem.__wrapped__()


def test_a_program_that_is_not_there_is_a_problem(monkeypatch):
    monkeypatch.setattr(sandbox, "PROGRAM", "no-such-program")
    assert "not installed" in sandbox.problem.__wrapped__()


def test_without_isolation_it_is_the_same_kernel():
    with Sandbox(LIMITS, isolated=False) as kernel:
        source = "import sys, os\nsys.path.insert(0, os.path.dirname(os.getcwd()))\n"
        assert printed(kernel, source + "from helpers import softmax\nprint('here')") == "here"
        kernel.run("def double(x): return 2 * x")
        tree, arrays = wire.encode([np.arange(3.0)])
        header = {"name": "double", "arguments": tree, "on_arrays": False, "seconds": 2}
        reply, arrays = kernel.exchange(kernel.calls, header, arrays, seconds=10)
        assert wire.decode(reply["result"], arrays)[0].tolist() == [0, 2, 4]


@either
def test_what_is_equal_for_all_is_filled_once_and_then_only_read(tmp_path, isolation):
    tmp_path.chmod(0o755)
    for place in sandbox.CACHES.values():
        (tmp_path / place).mkdir()
    write = (
        "import os\nfor name in {0}:\n"
        "    with open(os.path.join(os.environ[name], 'kept'), 'w') as file: file.write({1!r})"
    )
    names = list(sandbox.CACHES)
    with Sandbox(LIMITS, isolated=isolation, kept=tmp_path, fill=True) as kernel:
        assert printed(kernel, write.format(names, "first")) == ""
    with Sandbox(LIMITS, isolated=isolation, kept=tmp_path) as kernel:
        read = f"print([open(os.path.join(os.environ[name], 'kept')).read() for name in {names}])"
        assert printed(kernel, f"import os\n{read}") == str(["first"] * 3)
        if isolation:
            printed(kernel, write.format(names, "second"))
    assert [path.read_text() for path in tmp_path.rglob("kept")] == ["first"] * 3


@isolated
@pytest.mark.thorough
def test_what_is_prepared_holds_no_run_of_a_solution(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "BUILD", tmp_path)
    tmp_path.chmod(0o755)
    said = []
    folders = [kept.prepare(release(), say=said.append) for _ in range(2)]
    assert len(said) == 1 and folders == [kept.kept_caches(release())] * 2
    assert [path.name.split("-")[0] for path in (folders[0] / "study").iterdir()] == ["optimum"]
    assert list((folders[0] / "numba").rglob("*.nbc"))
