"""What only Ray can suffer: dead workers and hanging ones."""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import cloudpickle

from datagen.engine import Store, execute, read
from datagen.errors import DatagenError, InputError
from datagen.ports import Resources

cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = pytest.mark.usefixtures("ray_here")


@dataclass(frozen=True, kw_only=True)
class Thing:
    id: str
    fate: str = ""
    workdir: Path = Path()


@dataclass
class Step:
    """Does to its process what the thing's fate says."""

    scars: Path
    name: str = "film"
    batch_size: int = 1
    resources: Resources = field(default_factory=Resources)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def run(self, batch: Sequence[Thing]) -> list[Any]:
        for thing in batch:
            scar = self.scars / thing.id
            first = not scar.exists()
            scar.touch()
            if thing.fate == "dies" or (thing.fate == "dies once" and first):
                os.kill(os.getpid(), signal.SIGKILL)
            if thing.fate == "hangs" or (thing.fate == "hangs once" and first):
                threading.Event().wait()
            (thing.workdir / "out.txt").write_text(thing.id)
        return list(batch)


@pytest.fixture
def scars(tmp_path: Path) -> Path:
    (tmp_path / "scars").mkdir()
    return tmp_path / "scars"


def things(count: int, **fates: str) -> list[Thing]:
    return [Thing(id=f"t{number}", fate=fates.get(f"t{number}", "")) for number in range(count)]


def rows(run: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read(run).to_pylist()}


def test_a_killed_worker_is_replaced_and_its_item_tried_again(tmp_path: Path, scars: Path) -> None:
    stages = [Step(scars, name="plan"), Step(scars)]
    totals = execute(things(5, t2="dies once"), stages, store=Store(tmp_path / "run"), progress=False)
    assert (totals.done, totals.failed) == (5, 0)
    assert {id: row["attempts"] for id, row in rows(tmp_path / "run").items()} == {
        "t0": 1, "t1": 1, "t2": 2, "t3": 1, "t4": 1,
    }  # fmt: skip
    assert (tmp_path / "run/clips/t2/out.txt").read_text() == "t2"


def test_an_item_that_kills_its_workers_fails_and_its_batch_does_not(tmp_path: Path, scars: Path) -> None:
    stages = [Step(scars, batch_size=3)]
    totals = execute(things(5, t1="dies"), stages, store=Store(tmp_path / "run"), attempts=1, progress=False)
    assert (totals.done, totals.failed) == (4, 1)
    assert totals.failures[0][0] == "t1"
    assert "stage 'film' lost its worker (ActorDiedError" in totals.failures[0][1]
    assert rows(tmp_path / "run")["t1"]["attempts"] == 1


def test_an_item_that_hangs_is_stopped_and_fails(tmp_path: Path, scars: Path) -> None:
    items = things(4, t0="hangs", t2="hangs once")
    totals = execute(items, [Step(scars)], store=Store(tmp_path / "run"), attempts=2, time_limit_s=1.0, progress=False)
    assert (totals.done, totals.failed) == (3, 1)
    assert totals.failures == (("t0", "stage 'film' worked on it for more than 1 s and was stopped"),)
    assert rows(tmp_path / "run")["t2"]["attempts"] == 2


@dataclass
class Rendezvous(Step):
    """Two items meet: opening a pipe for reading blocks until another process opens it for writing."""

    def run(self, batch: Sequence[Thing]) -> list[Any]:
        with (self.scars / "pipe").open(batch[0].fate):
            return list(batch)


def test_a_pool_grows_where_jobs_wait_beside_idle_cores(tmp_path: Path, scars: Path) -> None:
    os.mkfifo(scars / "pipe")
    store = Store(tmp_path / "run")
    totals = execute(things(2, t0="r", t1="w"), [Rendezvous(scars)], store=store, workers=2, progress=False)
    assert totals.done == 2
    assert len({row["worker"] for row in rows(tmp_path / "run").values()}) == 2


@dataclass
class DiesAtOnce(Step):
    def open(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_stage_whose_workers_cannot_live_ends_the_run(tmp_path: Path, scars: Path) -> None:
    with pytest.raises(DatagenError, match=r"stage 'film' cannot start: it lost its worker .* 3 times in a row"):
        execute(things(1), [DiesAtOnce(scars)], store=Store(tmp_path / "run"), progress=False)


def test_more_stages_than_cores_do_not_deadlock(tmp_path: Path, scars: Path) -> None:
    stages = [Step(scars, name=f"stage{number}", resources=Resources(cpus=2.0)) for number in range(3)]
    totals = execute(things(3), stages, store=Store(tmp_path / "run"), workers=3, progress=False)
    assert totals.done == 3


def test_actors_are_gone_after_a_run(tmp_path: Path, scars: Path) -> None:
    psutil = pytest.importorskip("psutil")
    execute(things(2), [Step(scars)], store=Store(tmp_path / "run"), progress=False)
    pids = {int(row["worker"].rpartition("/")[2]) for row in rows(tmp_path / "run").values()}
    actors = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert psutil.wait_procs(actors, timeout=20)[1] == []


def test_ray_listens_on_the_loopback_only() -> None:
    psutil = pytest.importorskip("psutil")
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {
        (process.name(), connection.laddr.ip.removeprefix("::ffff:"))
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {name for name, _ in listening} >= {"raylet", "gcs_server"}
    assert {ip for _, ip in listening} == {"127.0.0.1"}


def test_rays_files_lie_in_a_temporary_folder() -> None:
    node = ray._private.worker._global_node
    assert node is not None
    session = Path(node.get_session_dir_path())
    assert session.parent.name.startswith("datagen-")
    assert session.is_relative_to(tempfile.gettempdir()) or session.is_relative_to("/tmp")


def test_an_address_where_nobody_answers_is_an_input_error() -> None:
    from datagen.engine.cluster import connection

    with pytest.raises(InputError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'"):
        connection._connect("127.0.0.1:1")
