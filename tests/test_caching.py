"""What is kept on disk saves time; whatever has become of it, it changes no result."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.support import caching
from helpers.support.caching import cached

calls = []


def add(*arrays, **settings):
    """The sum of everything."""
    calls.append(settings)
    return sum(map(np.sum, arrays)) + sum(settings.values())


def other(*arrays, **settings):
    """Another function with the same arguments."""
    return -add(*arrays, **settings)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    calls.clear()
    monkeypatch.setattr(caching, "_warned", set())
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(function=add, key=0, **settings):
    return cached(np.arange(3), function=function, settings=settings or {"c": 1}, key=key)


def test_a_result_is_computed_once_for_each_function_settings_and_key():
    assert [kept(), kept(), kept(c=2), kept(function=other), kept(key=1)] == [4, 4, 5, -4, 4]
    assert len(calls) == 4


class Exits:
    """Unpickling it raises SystemExit."""

    def __reduce__(self):
        return sys.exit, (3,)


class Strange:
    """Comparing it is an error."""

    def __eq__(self, other):
        raise RuntimeError("do not compare")


def damage_and_compute(entry, damage):
    damage(entry)
    with pytest.warns(UserWarning, match="cache of runs.*STUDY_CACHE") as warned:
        assert [kept(), kept(c=2)] == [4, 5]
    assert len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [kept(), kept(c=2)] == [4, 5]


def to_a_folder(entry):
    entry.unlink()
    entry.mkdir()
    (entry / "file").touch()


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: joblib.dump(None, entry),
        lambda entry: joblib.dump(4, entry),
        lambda entry: joblib.dump(("another run", 77), entry),
        lambda entry: joblib.dump(np.arange(2), entry),
        lambda entry: joblib.dump((Strange(), 77), entry),
        lambda entry: joblib.dump((np.arange(2), 77), entry),
        lambda entry: entry.write_bytes(pickle.dumps(Exits())),
        lambda entry: entry.write_bytes(b""),
        lambda entry: entry.write_bytes(entry.read_bytes()[:-5]),
        lambda entry: entry.write_bytes(b"\x80\x05cnowhere\nnothing\n."),
    ],
    ids=[
        *["None", "bare result", "another run", "array", "cannot be compared", "array as name"],
        *["exits", "empty", "truncated", "of no module"],
    ],
)
def test_a_damaged_entry_is_told_once_computed_anew_and_replaced(folder, damage):
    kept()
    [entry] = folder.iterdir()
    damage_and_compute(entry, damage)
    assert len(calls) == 3  # both were kept again


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1), byte=st.integers(0, 255), length=st.integers(0, 20))
def test_no_change_of_the_bytes_of_an_entry_stops_a_study(folder, position, byte, length):
    shutil.rmtree(folder, ignore_errors=True)
    kept(key="x" * 50)
    [entry] = folder.iterdir()
    content = entry.read_bytes()
    at = int(position * len(content))
    entry.write_bytes(content[:at] + bytes([byte]) * length + content[at + length :])
    caching._warned.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = kept(key="x" * 50)
    assert isinstance(result, (int, np.integer))  # bits of the number itself cannot be told


def test_an_entry_that_cannot_be_replaced_is_computed_each_time(folder):
    kept()
    [entry] = folder.iterdir()
    damage_and_compute(entry, to_a_folder)


def a_file(folder):
    folder.write_text("not a folder")


def a_dangling_link(folder):
    folder.symlink_to(folder.parent / "nowhere" / "at all")


def below_a_file(folder):
    folder.parent.joinpath("file").write_text("not a folder")
    folder.symlink_to(folder.parent / "file" / "cache")


@pytest.mark.parametrize("make", [a_file, a_dangling_link, below_a_file])
def test_a_folder_that_cannot_be_used_is_told_once_and_does_without(folder, make):
    make(folder)
    with pytest.warns(UserWarning, match=f"{folder.name}.*STUDY_CACHE") as warned:
        assert [kept(), kept(), kept(c=2)] == [4, 4, 5]
    assert len(warned) == 1 and len(calls) == 3


@pytest.mark.filterwarnings("error")
def test_a_folder_that_is_deleted_between_runs_is_made_again(folder):
    kept()
    shutil.rmtree(folder)
    assert kept() == 4 and len(list(folder.iterdir())) == 1


def test_a_folder_that_is_deleted_while_a_result_is_written_costs_that_result(folder, monkeypatch):
    dump = joblib.dump
    monkeypatch.setattr(joblib, "dump", lambda *a: (dump(*a), shutil.rmtree(folder)))
    with pytest.warns(UserWarning, match="No such file"):
        assert kept() == 4


def test_a_full_disk_costs_the_result_and_leaves_no_half(folder, monkeypatch):
    def full(entry, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(joblib, "dump", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        assert kept() == 4
    assert not list(folder.iterdir())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_function_is_the_callers_and_nothing_is_kept(folder, error):
    def fails():
        raise error

    with pytest.raises(error):
        cached(function=fails, settings={}, key=0)
    assert not folder.exists()


def test_an_interrupt_while_an_entry_is_written_leaves_no_half(folder, monkeypatch):
    monkeypatch.setattr(joblib, "dump", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        kept()
    assert not list(folder.iterdir())


def test_the_code_counts_without_comments_and_docstrings(tmp_path, monkeypatch):
    monkeypatch.setattr(caching, "HELPERS", tmp_path)
    (tmp_path / "engines").mkdir()
    source = '"""What it does."""\n\n\ndef f():\n    """Docs."""\n    return "a"  # why\n'
    module = tmp_path / "engines" / "an_engine.py"

    def digest_of(source):
        module.write_text(source)
        return caching._code_digest()

    digest = digest_of(source)
    assert digest_of('"""Other."""\n\ndef f():\n\n    """Words."""\n    return "a"\n') == digest
    assert digest_of(source.replace('"a"', '"b"')) != digest
    assert digest_of(source.replace("f()", "g()")) != digest


@pytest.mark.parametrize("package", ["numpy", "scipy", "numba"])
def test_another_version_of_what_computes_is_another_key(package, monkeypatch):
    version = caching.importlib.metadata.version
    monkeypatch.setattr(
        caching.importlib.metadata, "version", lambda name: version(name) + "x" * (name == package)
    )
    assert caching._code_digest() != caching.CODE


@pytest.mark.slow
def test_the_same_call_has_the_same_name_in_another_process(folder):
    code = (
        "from functools import partial\n"
        "from helpers import study\n"
        "from helpers.support.caching import cached\n"
        "rate = partial(study.decaying_rate, initial=1.0, half_life=2)\n"
        "cached(function=dict, settings={'rate': rate}, key=[])"
    )
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert len(list(folder.iterdir())) == 1
