"""Runs that are harmed on purpose: started as processes of their own, so that they can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from datagen.engine import Place, read

CHEAP = Path(__file__).with_name("cheap.py")
PATIENCE_S = 900.0
"""A busy machine takes minutes to start what takes seconds."""


@dataclass
class Harmed:
    """One run of cheap clips, which may be started several times.

    where: a folder or an address.  prefix: a command in front, such as `unshare`.
    """

    where: str
    folder: Path
    clips: int = 12
    fates: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self, **options: Any) -> subprocess.Popen[str]:
        """Start it in the background."""
        scars = self.folder / "scars"
        scars.mkdir(exist_ok=True)
        given = {"clips": self.clips, "scars": scars, "fates": json.dumps(self.fates), **self.options, **options}
        words = [word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **self.environment}
        command = [sys.executable, str(CHEAP), self.where, *words]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        return self.process

    def finish(self, **options: Any) -> tuple[int, dict[str, int], str]:
        """Start it, wait for its end, and return exit code, totals and what it said."""
        process = self.start(**options)
        out, err = process.communicate(timeout=2 * PATIENCE_S)
        totals = json.loads(out.splitlines()[-1]) if out.strip() else {}  # Ray speaks as well
        return process.returncode, totals, err

    def wait_for_clips(self, count: int) -> None:
        """Wait until so many clips are there."""
        self.wait_until(lambda: len((Place(self.where) / "clips").names()) >= count)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, as long as the run lives."""
        deadline = time.monotonic() + PATIENCE_S
        assert self.process
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def family(self, name: str = "") -> list[psutil.Process]:
        """Return the run's processes below its own whose name begins so."""
        assert self.process
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if " ".join(process.cmdline()).startswith(name) or process.name().startswith(name):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill_everything(self) -> None:
        """SIGKILL the driver and all that it has started."""
        assert self.process
        family = self.family()
        self.process.kill()
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.communicate()
        psutil.wait_procs(family, timeout=20)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the ledger by id."""
        return {row["id"]: row for row in read(Place(self.where)).to_pylist()}

    def contents(self) -> dict[str, bytes]:
        """Return every file of finished clips, without their seals, which hold times."""
        run = Path(self.where)
        return {
            str(path.relative_to(run)): path.read_bytes()
            for kind in ("clips", "dropped")
            for path in sorted((run / kind).rglob("*"))
            if path.is_file() and path.name not in ("done.json", "reason.json")
        }

    def states(self) -> dict[str, str]:
        """Return id → state."""
        return {id: row["state"] for id, row in self.rows().items()}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Harmed]]:
    """Return a maker of runs; what is still alive at the end of the test is killed."""
    made: list[Harmed] = []

    def new(where: str = "", **settings: Any) -> Harmed:
        folder = tmp_path / f"harmed{len(made)}"
        folder.mkdir()
        made.append(Harmed(where or str(folder / "run"), folder, **settings))
        return made[-1]

    yield new
    for harmed in made:
        if harmed.process and harmed.process.poll() is None:
            harmed.kill_everything()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, bytes]]:
    """Return what a run of so many clips leaves when nothing happens to it."""
    known: dict[int, dict[str, bytes]] = {}

    def of(clips: int) -> dict[str, bytes]:
        if clips not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            run = Harmed(str(folder / "run"), folder, clips=clips, options={"executor": "local", "seconds": 0})
            assert run.finish()[0] == 0
            known[clips] = run.contents()
        return known[clips]

    return of
