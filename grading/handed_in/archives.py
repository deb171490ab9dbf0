"""Files out of folders and zips, none of which is trusted: what is skipped is said by name."""

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

MOST_BYTES = 100 * 2**20  # of one file; the largest honest notebook we know of has 12 MB
MOST_FILES = 10_000  # of one archive
MOST_DEPTH = 3  # of archives within archives
NOT_HANDED_IN = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git", ".venv"}


class Damaged(Exception):
    """A file cannot be got out of its archive."""


@dataclass(frozen=True)
class File:
    """A file that was handed in.

    `path` is relative, with slashes, through all archives; `read` may raise Damaged.
    """

    path: str
    size: int
    modified: datetime
    read: Callable[[], bytes]

    @property
    def name(self):
        return PurePosixPath(self.path).name


def files_in(place, skipped):
    """All files below a folder, or in a zip.

    Parameters
    ----------
    place : pathlib.Path
    skipped : dict
        Gets the reason by the name of each file that is left out.

    Returns
    -------
    list of File
        Sorted by path.
    """
    found = _in_zip(place, "", skipped) if place.is_file() else _in_folder(place, skipped)
    return sorted(found, key=lambda file: file.path)


def unpacked(file, skipped, depth=1):
    """The files in a zip that was handed in, with the zip's path before theirs."""
    if depth > MOST_DEPTH:
        skipped[file.path] = f"an archive inside of {MOST_DEPTH} others"
        return
    try:
        archive = io.BytesIO(file.read())
    except Damaged as error:
        skipped[file.path] = str(error)
        return
    for inner in _in_zip(archive, f"{file.path}/", skipped):
        if is_zip_name(inner.name):
            yield from unpacked(inner, skipped, depth + 1)
        else:
            yield inner


def is_zip_name(name):
    """Whether a file calls itself a zip."""
    return name.lower().endswith(".zip")


def _in_folder(folder, skipped) -> Iterator[File]:
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(parent, name)
            relative = _readable(path.relative_to(folder).as_posix())
            if path.is_symlink():
                skipped[relative] = "a link, which is not followed"
            elif name in names and not _is_noise(relative):
                status = path.stat()
                if not stat.S_ISREG(status.st_mode):
                    skipped[relative] = "no regular file"
                elif status.st_size > MOST_BYTES:
                    skipped[relative] = _too_large(status.st_size)
                else:
                    modified = datetime.fromtimestamp(status.st_mtime)
                    yield File(relative, status.st_size, modified, path.read_bytes)
        folders[:] = [
            name
            for name in folders
            if name not in NOT_HANDED_IN and not Path(parent, name).is_symlink()
        ]


def _readable(path):
    """A path as text: what is not in UTF-8 comes from a zip of an older Windows."""
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return os.fsencode(path).decode("cp1252", "replace")


def _in_zip(source, prefix, skipped) -> Iterator[File]:
    label = prefix.rstrip("/") or str(getattr(source, "name", source))
    try:
        archive = zipfile.ZipFile(source)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        skipped[label] = f"no zip that can be read: {error}"
        return
    if len(members) > MOST_FILES:
        skipped[label] = f"an archive of {len(members)} files; at most {MOST_FILES} are read"
        return
    # Many files that are each small enough are a bomb too; but a course's export may be large.
    left = 4 * MOST_BYTES if prefix else float("inf")
    for member in members:
        name = member.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if member.is_dir() or _is_noise(name):
            continue
        if name.startswith("/") or ".." in parts or ":" in parts[0]:
            skipped[prefix + name] = "its path leaves the archive"
        elif stat.S_ISLNK(member.external_attr >> 16):
            skipped[prefix + name] = "a link, which is not followed"
        elif member.flag_bits & 0x1:
            skipped[prefix + name] = "it is encrypted"
        elif member.file_size > min(MOST_BYTES, left):
            skipped[prefix + name] = _too_large(member.file_size)
        else:
            left -= member.file_size
            read = partial(_unpack, archive, member)
            yield File(prefix + name, member.file_size, _date(member), read)


def _unpack(archive, member):
    try:
        # The size that a zip declares may be a lie: never more than that is unpacked.
        with archive.open(member) as stream:
            return stream.read(member.file_size + 1)
    except Exception as error:  # whatever a damaged archive makes of the decompressor
        raise Damaged(f"it cannot be unpacked: {error}") from None


def _date(member):
    try:
        return datetime(*member.date_time)
    except ValueError:
        return datetime(1980, 1, 1)


def _is_noise(path):
    """Checkpoints, and what an operating system leaves behind: nobody means to hand these in."""
    parts = PurePosixPath(path).parts
    return not NOT_HANDED_IN.isdisjoint(parts) or parts[-1].startswith(("._", ".DS_Store"))


def _too_large(size):
    return f"{size / 2**20:.0f} MB, more than the {MOST_BYTES / 2**20:.0f} MB that are read"
