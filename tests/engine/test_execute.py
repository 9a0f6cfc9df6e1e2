"""What holds for every executor: exactly-once results, nothing lost, nobody harmed by a neighbour."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from ray import cloudpickle

from datagen.engine import Store, Totals, execute, read, summary
from datagen.errors import ClipError, DatagenError, InputError
from datagen.ports import Dropped, Resources

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # test modules cannot be imported by Ray's workers


@dataclass(frozen=True, kw_only=True)
class Thing:
    id: str
    journal: Path
    workdir: Path = Path()
    trail: str = ""

    def entries(self, stage: str) -> int:
        """How often a stage has seen this thing, in all runs."""
        folder = self.journal / stage
        return len((folder / self.id).read_text()) if (folder / self.id).exists() else 0


@dataclass
class Step:
    """Writes a file that depends on the thing and on what came before, then lets `quirk` have its way."""

    name: str
    quirk: Callable[[Thing, int], Any] | None = None
    batch_size: int = 1
    resources: Resources = field(default_factory=lambda: Resources(cpus=0.5))

    def open(self) -> None:
        self.is_open = True

    def run(self, batch: Sequence[Thing]) -> list[Any]:
        assert self.is_open
        return [self._one(thing) for thing in batch]

    def close(self) -> None:
        self.is_open = False

    def _one(self, thing: Thing) -> Any:
        folder = thing.journal / self.name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / thing.id).open("a") as file:
            file.write(".")
        assert not (thing.workdir / f"{self.name}.bin").exists() or self.batch_size > 1, "an attempt begins empty"
        trail = hashlib.sha256(f"{thing.trail}{thing.id}{self.name}".encode()).hexdigest()
        (thing.workdir / f"{self.name}.bin").write_bytes(bytes.fromhex(trail) * 100)
        after = Thing(id=thing.id, journal=thing.journal, workdir=thing.workdir, trail=trail)
        return (self.quirk(after, thing.entries(self.name)) if self.quirk else None) or after


def describe(thing: Thing) -> dict[str, str]:
    return {"trail": thing.trail}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file by relative path, without the rows, which hold times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("done.json", "reason.json")
    }


@dataclass
class Bench:
    """A store, and things to run through it."""

    folder: Path
    executor: Literal["local", "ray"]

    def things(self, count: int) -> list[Thing]:
        return [Thing(id=f"thing{number}", journal=self.folder / "journal") for number in range(count)]

    def run(self, things: Any, stages: Sequence[Any], *, into: str = "run", **options: Any) -> Totals:
        settings = {"describe": describe, "progress": False, "facts": {"seed": "7"}, **options}
        return execute(things, stages, store=Store(self.folder / into), executor=self.executor, **settings)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in read(self.folder / "run").to_pylist()}

    def entries(self, stage: str) -> dict[str, int]:
        return {path.name: len(path.read_text()) for path in (self.folder / "journal" / stage).iterdir()}


@pytest.fixture(params=["local", "ray"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    return Bench(tmp_path, request.param)


@pytest.fixture
def local(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "local")


def test_results_are_the_same_for_any_executor_number_of_workers_and_order(tmp_path: Path, ray_here: None) -> None:
    stages = [Step("plan", batch_size=3), Step("film")]
    things = Bench(tmp_path, "local").things(7)
    Bench(tmp_path, "local").run(things, stages, into="local")
    Bench(tmp_path, "ray").run(things, stages, into="one", workers=1)
    totals = Bench(tmp_path, "ray").run(things[::-1], stages, into="two", workers=2)
    assert totals == Totals(done=7, dropped=0, failed=0, skipped=0, failures=())
    expected = tree(tmp_path / "local" / "clips")
    assert len(expected) == 14
    assert expected == tree(tmp_path / "one" / "clips") == tree(tmp_path / "two" / "clips")


def poison(thing: Thing, times: int) -> None:
    if thing.id == "thing2":
        raise ClipError("no road under the wheels")


def test_an_item_that_always_fails_is_in_the_ledger_with_traceback_and_attempts(bench: Bench) -> None:
    totals = bench.run(bench.things(5), [Step("plan"), Step("film", poison)], attempts=3)
    assert (totals.done, totals.failed) == (4, 1)
    assert totals.failures == (("thing2", "ClipError: no road under the wheels"),)
    row = bench.rows()["thing2"]
    assert (row["state"], row["stage"], row["attempts"]) == ("failed", "film", 3)
    assert "in poison" in row["traceback"]
    assert bench.entries("plan")["thing2"] == 3  # an attempt is the whole way
    assert not (bench.folder / "run" / "work").exists()


def test_a_poisonous_item_does_not_harm_its_batch(local: Bench) -> None:
    totals = local.run(local.things(5), [Step("film", poison, batch_size=4)], attempts=1)
    assert (totals.done, totals.failed) == (4, 1)
    assert {id: row["attempts"] for id, row in local.rows().items()} == dict.fromkeys(local.rows(), 1)


def drop(thing: Thing, times: int) -> Dropped | None:
    return Dropped(reason="a car in a wall") if thing.id == "thing1" else None


def test_a_dropped_item_is_kept_to_look_at_with_its_reason(bench: Bench) -> None:
    totals = bench.run(bench.things(3), [Step("judge", drop), Step("export")])
    assert (totals.done, totals.dropped, totals.failed) == (2, 1, 0)
    assert sorted(path.name for path in (bench.folder / "run/dropped/thing1").iterdir()) == [
        "judge.bin",
        "reason.json",
    ]
    row = bench.rows()["thing1"]
    assert (row["state"], row["stage"], row["reason"]) == ("dropped", "judge", "a car in a wall")
    assert summary(bench.folder / "run").drops == {"a car in a wall": 1}


def test_the_ledger_holds_timings_worker_and_the_facts_of_the_newest_form(bench: Bench) -> None:
    bench.run(bench.things(1), [Step("plan"), Step("film")])
    row = bench.rows()["thing0"]
    assert [stage for stage, _ in row["seconds"]] == ["plan", "film"]
    facts = dict(row["facts"])
    assert facts["seed"] == "7"
    assert bytes.fromhex(facts["trail"]) == (bench.folder / "run/clips/thing0/film.bin").read_bytes()[:32]
    assert row["worker"].rpartition("/")[2].isdigit()
    assert row["started"] <= row["finished"]


def fails_once(thing: Thing, times: int) -> None:
    if times == 1:
        raise RuntimeError("a hiccup")


def test_a_hiccup_is_retried_in_an_empty_folder(bench: Bench) -> None:
    totals = bench.run(bench.things(2), [Step("plan"), Step("film", fails_once)], attempts=2)
    assert (totals.done, totals.failed) == (2, 0)
    assert [row["attempts"] for row in bench.rows().values()] == [2, 2]


def test_running_again_does_only_what_is_missing(local: Bench) -> None:
    stages = [Step("film", poison), Step("judge", drop)]
    local.run(local.things(4), stages, attempts=1)
    totals = local.run(local.things(6), stages, attempts=1)
    assert (totals.done, totals.dropped, totals.failed, totals.skipped) == (2, 0, 1, 3)
    assert local.entries("film") == {f"thing{n}": 2 if n == 2 else 1 for n in range(6)}
    assert local.run(local.things(6), [Step("film"), Step("judge")]).done == 1
    assert local.rows()["thing2"]["state"] == "done"


def test_a_clip_that_was_taken_away_is_made_again(local: Bench) -> None:
    local.run(local.things(2), [Step("film")])
    clip = Store(local.folder / "run").clip_folder("thing1")
    for file in clip.iterdir():
        file.unlink()
    clip.rmdir()
    assert local.run(local.things(2), [Step("film")]).done == 1


def test_a_crash_between_rename_and_ledger_is_repaired(local: Bench) -> None:
    local.run(local.things(3), [Step("film", drop)])
    before = local.rows()
    for file in (local.folder / "run/ledger").iterdir():
        file.unlink()
    assert local.run(local.things(3), [Step("film", drop)]).skipped == 3
    assert local.rows() == before


def test_a_folder_without_its_row_inside_is_no_clip(local: Bench) -> None:
    Store(local.folder / "run").clip_folder("thing0").mkdir(parents=True)
    (local.folder / "run/clips/thing0/half.bin").write_bytes(b"half")
    assert local.run(local.things(1), [Step("film")]).done == 1
    assert not (local.folder / "run/clips/thing0/half.bin").exists()


@dataclass
class CannotOpen(Step):
    def open(self) -> None:
        raise FileNotFoundError("no weights")


def test_a_stage_that_cannot_start_ends_the_run_and_says_which(bench: Bench) -> None:
    with pytest.raises(DatagenError, match=r"stage 'film' cannot start: FileNotFoundError: no weights"):
        bench.run(bench.things(2), [Step("plan"), CannotOpen("film")])
    assert len(read(bench.folder / "run")) == 0


@dataclass
class Forgetful(Step):
    def run(self, batch: Sequence[Thing]) -> list[Any]:
        return super().run(batch)[1:]


def test_a_stage_that_breaks_its_contract_fails_its_items(local: Bench) -> None:
    totals = local.run(local.things(2), [Forgetful("film", batch_size=2)], attempts=1)
    assert totals.failed == 2
    assert "stage 'film' must return one result for each item" in totals.failures[0][1]


def interrupted(things: list[Thing]) -> Iterator[Thing]:
    yield from things
    raise KeyboardInterrupt


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    things = bench.things(8)
    with pytest.raises(KeyboardInterrupt):
        bench.run(interrupted(things), [Step("film")], progress=True)
    assert "run the same command again to go on" in capsys.readouterr().err
    finished = set(bench.rows())
    assert finished == {path.name for path in (bench.folder / "run/clips").iterdir()}
    totals = bench.run(things, [Step("film")])
    assert (totals.done, totals.skipped) == (8 - len(finished), len(finished))
    assert len(finished) >= 5


def test_the_same_item_given_twice_is_made_once(local: Bench) -> None:
    totals = local.run(local.things(2) * 2, [Step("film")])
    assert (totals.done, totals.skipped) == (2, 2)


@pytest.mark.parametrize("id", ["../up", "/etc", "a/b", "", ".", "..", "a\n", "x" * 200])
def test_an_id_cannot_lead_out_of_the_run(local: Bench, id: str) -> None:
    with pytest.raises(InputError, match="cannot name a folder"):
        local.run([Thing(id=id, journal=local.folder)], [Step("film")])
    assert not (local.folder / "run/clips").exists()


def test_two_runs_cannot_share_a_folder_at_one_time(local: Bench) -> None:
    with Store(local.folder / "run").opened(), pytest.raises(InputError, match="another process"):
        local.run(local.things(1), [Step("film")])


def test_a_run_whose_driver_was_killed_goes_on_to_the_same_bytes(local: Bench) -> None:
    program = f"""
        import importlib.util, os, signal, sys
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("again", {str(Path(__file__))!r})
        sys.modules["again"] = again = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(again)

        def die(thing, times):
            if thing.id == "thing3":
                os.kill(os.getpid(), signal.SIGKILL)

        bench = again.Bench(Path({str(local.folder)!r}), "local")
        bench.run(bench.things(6), [again.Step("plan"), again.Step("film", die)])
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    assert len(list((local.folder / "run/work").rglob("plan.bin"))) == 1
    stages = [Step("plan"), Step("film")]
    totals = local.run(local.things(6), stages)
    assert (totals.done, totals.skipped) == (3, 3)
    local.run(local.things(6), stages, into="undisturbed")
    assert tree(local.folder / "run/clips") == tree(local.folder / "undisturbed/clips")
    assert len(local.rows()) == 6


def test_a_run_without_items_is_a_run(bench: Bench) -> None:
    assert bench.run([], [Step("film")]) == Totals(done=0, dropped=0, failed=0, skipped=0, failures=())
