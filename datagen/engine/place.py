"""A folder on any file system, through pyarrow: this machine's, one that several share, S3, Google Cloud Storage.

Everything small that a run keeps (ledger, seals, the session) is read and written here, by one code path. Two things
differ between file systems and are asked for by `local`: a folder that is renamed into place (object stores cannot),
and a lock.

`s3://bucket/runs?endpoint_override=127.0.0.1:5000&scheme=http` is Arrow's notation; keys come from the environment
or the machine's role, never from the address, which is printed and kept.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from datagen.errors import InputError

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")
"""What is not a local path; `file://` is one."""

COPIERS = 8

SECRET = re.compile("key|secret|token|password|credential", re.IGNORECASE)


class Place:
    """A folder, by path or address. Cheap to make, and picklable; nothing is touched before it is asked for.

    local: its path if this machine's file system holds it, else None.
    Raises InputError for an address of no known kind, or one with a key in it.
    """

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)
        self.local: Path | None = None
        if is_remote(self.where):
            self._fs, self._path = _connected(self.where)
        else:
            self.local = Path(self.where.removeprefix("file://")).resolve()
            self._fs, self._path = fs.LocalFileSystem(), str(self.local)

    def __reduce__(self) -> tuple[type[Place], tuple[str]]:
        return type(self), (str(self.local or self.where),)

    def __str__(self) -> str:
        return self.where

    def __truediv__(self, name: str) -> Place:
        if self.local:
            return Place(Path(self.where) / name)
        address, question, options = self.where.partition("?")
        return Place(f"{address.rstrip('/')}/{name}{question}{options}")

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self._path.rpartition("/")[2]

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises FileNotFoundError."""
        with self._fs.open_input_file(f"{self._path}/{name}") as file:
            return bytes(file.read())

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all: renamed into place, or put in one request."""
        with self._appearing(name) as path, self._fs.open_output_stream(path, compression=None) as file:
            file.write(data)

    def write_parquet(self, name: str, table: pa.Table) -> None:
        """Write a table, whole or not at all."""
        with self._appearing(name) as path:
            pq.write_table(table, path, filesystem=self._fs, compression="zstd")

    def read_parquet(self, name: str, *, schema: pa.Schema, columns: list[str]) -> pa.Table:
        """Read some columns of a table. Raises FileNotFoundError."""
        return pq.read_table(f"{self._path}/{name}", filesystem=self._fs, schema=schema, columns=columns)

    def names(self) -> list[str]:
        """Return what lies directly in the folder, sorted; nothing if it is not there."""
        found = self._fs.get_file_info(fs.FileSelector(self._path, allow_not_found=True))
        return sorted(info.base_name for info in found)

    def has(self, name: str) -> bool:
        """Say whether a file or folder of that name is there."""
        return bool(self._fs.get_file_info(f"{self._path}/{name}").type != fs.FileType.NotFound)

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it, if it is there."""
        path = f"{self._path}/{name}"
        kind = self._fs.get_file_info(path).type
        if kind == fs.FileType.Directory:
            self._fs.delete_dir(path)
        elif kind == fs.FileType.File:
            self._fs.delete_file(path)

    def upload(self, folder: Path, name: str, *, files: Iterable[str] | None = None) -> None:
        """Copy files of a local folder (all, unless some are named) into the folder of that name here."""
        names = files if files is not None else [p.relative_to(folder).as_posix() for p in _files_below(folder)]
        with ThreadPoolExecutor(COPIERS) as copiers:
            for _ in copiers.map(lambda file: self._copy_in(folder / file, f"{name}/{file}"), list(names)):
                pass

    def _copy_in(self, file: Path, name: str) -> None:
        with (
            file.open("rb") as source,
            self._appearing(name) as path,
            self._fs.open_output_stream(path, compression=None) as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)

    def download(self, name: str, folder: Path) -> None:
        """Copy a folder here to a local one, which is made. Raises FileNotFoundError."""
        folder.mkdir(parents=True, exist_ok=True)
        fs.copy_files(
            f"{self._path}/{name}",
            str(folder),
            source_filesystem=self._fs,
            destination_filesystem=fs.LocalFileSystem(),
        )

    @contextmanager
    def _appearing(self, name: str) -> Iterator[str]:
        """Yield where to write a file, which has its name when the block ends well."""
        path = f"{self._path}/{name}"
        if self.local is None:
            yield path
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(f"{path}.{uuid4().hex[:8]}.tmp")
        try:
            yield str(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def is_remote(where: str | Path) -> bool:
    """Say whether an address leads to another machine's storage. Raises InputError for a scheme nobody knows."""
    scheme, colons, _ = str(where).partition("://")
    if not colons or scheme == "file":
        return False
    if scheme not in SCHEMES:
        raise InputError(f"{where}: unknown kind of address '{scheme}://'; there are: a path, {', '.join(SCHEMES)}")
    return True


def empty_folder(folder: Path) -> Path:
    """Make a folder anew and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _connected(where: str) -> tuple[fs.FileSystem, str]:
    parts = urlsplit(where)
    if "@" in parts.netloc or any(SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        raise InputError(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}: keys do not belong into an address; "
            "put them into the environment (such as AWS_ACCESS_KEY_ID)"
        )
    try:
        filesystem, path = fs.FileSystem.from_uri(where)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{where} cannot be used: {error}") from error
    return filesystem, path.rstrip("/")
