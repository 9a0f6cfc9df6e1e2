"""A folder appears whole or not at all; and files stand in it as links where the disk allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from datagen.errors import DatasetError


@contextmanager
def appearing(folder: Path, *, replace: bool) -> Iterator[Path]:
    """Give a hidden sibling to write into, which becomes `folder` at the end; on an error nothing is left of it.

    replace: `folder` may exist, and is replaced. Raises DatasetError when it exists and may not be replaced.
    """
    if folder.exists() and not replace:
        raise DatasetError(f"{folder}: exists already; name a folder that does not, or remove it")
    partial = folder.with_name(f".{folder.name}.partial")
    former = folder.with_name(f".{folder.name}.former")
    for leftover in (partial, former):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        folder.rename(former)
    partial.rename(folder)
    shutil.rmtree(former, ignore_errors=True)


def place(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`: a hard link, or a copy where links cannot be (another disk).

    Raises DatasetError when `source` is not there or `target` is.
    """
    if not _hard_linked(source, target):
        shutil.copyfile(source, target)


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` without ever copying: a hard link, or a symbolic one.

    Raises DatasetError when `source` is not there or `target` is.
    """
    if not _hard_linked(source, target):
        target.symlink_to(source.resolve())


def _hard_linked(source: Path, target: Path) -> bool:
    if target.exists():
        raise DatasetError(f"{target.name}: two files of the dataset have this name; the second is {source}")
    try:
        target.hardlink_to(source.resolve())
    except FileNotFoundError as error:
        raise DatasetError(f"{source}: the file is missing") from error
    except OSError:
        return False
    return True


def within(root: Path, filename: str) -> Path:
    """Return the path of a table's `filename`. Raises DatasetError when it is absolute or leaves `root`."""
    relative = PurePosixPath(filename)
    if not filename or relative.is_absolute() or ".." in relative.parts or "\\" in filename or "\0" in filename:
        raise DatasetError(f"{root}: the filename {filename!r} leaves the dataset; filenames are relative to its root")
    return root / relative
