"""After every fault: run again, and all is as if nothing had happened, but for what is poisonous."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from datagen.engine import summary

CLIPS = 12


def settled(states: dict[str, str], *, failed: tuple[str, ...] = ()) -> bool:
    """Whether every clip ended as it must: sevens dropped, the poisonous failed, all others done."""
    expected = {f"c{n:04d}": "dropped" if n % 10 == 7 else "done" for n in range(len(states))}
    return states == expected | dict.fromkeys(failed, "failed")


def test_after_a_kill_of_everything_only_what_is_missing_is_made(make, undisturbed):
    run = make(clips=CLIPS)
    run.start()
    run.wait_for_clips(3)
    run.kill_everything()
    there = {path.name: path.stat().st_mtime_ns for path in Path(run.where).glob("clips/*/done.json")}
    code, totals, _ = run.finish()
    assert code == 0
    assert totals["done"] + totals["dropped"] < CLIPS
    assert {p.name: p.stat().st_mtime_ns for p in Path(run.where).glob("clips/*/done.json")}.items() >= there.items()
    assert settled(run.states())
    assert run.contents() == undisturbed(CLIPS)
    assert not (Path(run.where) / "work").exists()


def test_poisonous_clips_fail_with_traceback_and_attempts_and_harm_nobody(make, undisturbed):
    poison = {"c0002": "throws", "c0004": "hangs", "c0005": "dies", "c0008": "greedy"}
    run = make(clips=CLIPS, fates=poison, options={"attempts": 2, "time_limit": 1.5})
    code, totals, _ = run.finish()
    assert code == 1
    assert totals["failed"] == len(poison)
    rows = run.rows()
    assert settled(run.states(), failed=tuple(poison))
    assert {rows[id]["attempts"] for id in poison} == {2}
    assert all(rows[id]["stage"] == "film" for id in poison)
    assert "ClipError: no road under the wheels" in rows["c0002"]["traceback"]
    assert "in suffer" in rows["c0004"]["traceback"]
    assert rows["c0004"]["error"] == "stage 'film' worked on it for more than 1.5 s and was stopped"
    assert "MemoryError" in rows["c0008"]["traceback"]
    assert "lost its worker" in rows["c0005"]["error"]
    whole = undisturbed(CLIPS)
    assert run.contents() == {path: data for path, data in whole.items() if Path(path).parts[1] not in poison}


@pytest.mark.chaos
@pytest.mark.parametrize("who", ["ray::Actor", "raylet", "gcs_server", "driver"])
def test_a_kill_of_one_process_loses_nothing(make, undisturbed, who):
    run = make(clips=CLIPS, options={"seconds": 0.2})
    process = run.start()
    run.wait_for_clips(3)
    if who == "driver":
        process.kill()
    else:
        run.family(who)[0].kill()
    process.communicate(timeout=900)
    if who == "ray::Actor":
        assert process.returncode == 0, "a worker is replaced"
    else:
        assert run.finish()[0] == 0
    assert settled(run.states())
    assert run.contents() == undisturbed(CLIPS)


@pytest.mark.chaos
def test_a_raylet_that_dies_before_there_are_workers_ends_the_run(make, undisturbed):
    run = make(clips=CLIPS)
    process = run.start()
    run.wait_until(lambda: run.family("ray::IDLE"))
    run.family("raylet")[0].kill()
    process.communicate(timeout=300)
    assert process.returncode != 0
    assert run.finish()[0] == 0
    assert run.contents() == undisturbed(CLIPS)


@pytest.mark.chaos
@pytest.mark.parametrize("fate", ["unsealed", "sealed", "stuck"])
def test_a_crash_at_the_worst_moment_costs_an_attempt_at_most(make, undisturbed, fate):
    run = make(clips=CLIPS, fates={"c0003": f"once:{fate}"}, options={"time_limit": 2})
    code, _, _ = run.finish()
    assert code == 0
    assert settled(run.states())
    assert run.contents() == undisturbed(CLIPS)
    assert run.rows()["c0003"]["attempts"] == (1 if fate == "sealed" else 2)


def test_time_limits_hold_in_this_process_too(make):
    run = make(clips=4, fates={"c0001": "hangs"}, options={"executor": "local", "time_limit": 0.5, "attempts": 1})
    code, totals, _ = run.finish()
    assert (code, totals["failed"]) == (1, 1)
    assert "in suffer" in run.rows()["c0001"]["traceback"]


@pytest.mark.parametrize("press", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_cleanly_and_say_how_to_go_on(make, undisturbed, press):
    run = make(clips=CLIPS, options={"seconds": 0.2, "executor": "local"})
    process = run.start()
    run.wait_for_clips(2)
    process.send_signal(press)
    _, said = process.communicate(timeout=900)
    assert process.returncode == 130
    assert "run the same command again to go on" in said
    assert summary(Path(run.where)).session.ended == "stopped"
    assert set(run.states()) >= {path.name for path in (Path(run.where) / "clips").iterdir()}
    assert run.finish()[0] == 0
    assert run.contents() == undisturbed(CLIPS)


@pytest.mark.chaos
def test_ctrl_c_on_ray_leaves_no_process_behind(make, undisturbed):
    run = make(clips=CLIPS, options={"seconds": 0.2})
    process = run.start()
    run.wait_for_clips(2)
    family = run.family()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=900)
    assert process.returncode == 130
    assert not [each for each in family if each.is_running() and each.status() != "zombie"]
    assert run.finish()[0] == 0
    assert run.contents() == undisturbed(CLIPS)


def test_a_full_disk_ends_the_run_with_words_and_costs_nothing_but_the_rest(make, undisturbed, small_disk):
    run = make(str(small_disk / "run"), clips=CLIPS, options={"executor": "local", "seconds": 0})
    filler = small_disk / "filler"
    filler.write_bytes(bytes((1 << 20) - 350_000))
    code, _, said = run.finish()
    assert code == 2
    assert "No space left on device" in said
    assert "run again to go on" in said
    assert "failed" not in run.states().values()
    assert 0 < len(list((small_disk / "run" / "clips").iterdir())) < CLIPS
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert run.finish()[0] == 0
    assert settled(run.states())
    assert run.contents() == undisturbed(CLIPS)


@pytest.fixture
def small_disk(tmp_path):
    """Yield a file system of one MiB; skipped where one may not be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system takes root here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
