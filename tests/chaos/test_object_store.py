"""A run that is kept on S3: a real server, on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from datagen.cli import ALL_DONE, main
from datagen.engine import Place, Store
from datagen.engine.session import read_session

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_EC2_METADATA_DISABLED": "true"}
CLIPS = 12
RECIPE = """
seed: 5
prompts: ["day, a white van cuts in from the left", "a pedestrian crosses the road ahead of us"]
clip: {duration_s: 4, rate_hz: 2}
film: {use: raycast, width_px: 56, height_px: 32}
engine: {executor: local}
"""


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Yield the address of an empty bucket, `s3://runs?…`."""
    pytest.importorskip("moto.server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = dict(os.environ)
    os.environ.update(KEYS)
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    options = f"endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
    try:
        _wait_for(port)
        admin, _ = fs.FileSystem.from_uri(f"s3://runs?{options}&allow_bucket_creation=true")
        admin.create_dir("runs")
        yield f"s3://runs?{options}"
    finally:
        server.kill()
        server.wait()
        os.environ.clear()
        os.environ.update(before)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 900
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def copied(place: Place, folder: Path) -> dict[str, bytes]:
    """Return every file of finished clips, without their seals."""
    files = {}
    for kind in ("clips", "dropped"):
        place.download(kind, folder / kind)
        for path in (folder / kind).rglob("*"):
            if path.is_file() and path.name not in ("done.json", "reason.json"):
                files[str(path.relative_to(folder))] = path.read_bytes()
    return files


def test_a_folder_on_s3_is_read_and_written_as_one_on_disk_is(bucket, tmp_path):
    for place in (Place(bucket) / "plain", Place(tmp_path / "plain")):
        assert place.names() == []
        place.write("a.json", b"{}")
        place.write("deep/b.json", b"[]")
        assert place.names() == ["a.json", "deep"]
        assert (place / "deep").read("b.json") == b"[]"
        for name in ("c.json.gz", "d.zst"):  # what a name promises is no reason to compress
            place.write(name, b"as it is")
            assert place.read(name) == b"as it is"
            place.remove(name)
        assert place.has("deep")
        place.remove("deep")
        assert not place.has("deep/b.json")
        with pytest.raises(FileNotFoundError):
            place.read("none")


def test_a_run_on_s3_survives_a_kill_and_equals_one_on_disk(bucket, make, undisturbed, tmp_path):
    where = Place(bucket) / "killed"
    run = make(where.where, clips=CLIPS, options={"executor": "local", "seconds": 0.1})
    process = run.start()
    run.wait_for_clips(3)
    process.kill()
    process.wait()
    _forget_the_driver(where)
    code, totals, _ = run.finish()
    assert code == 0
    assert totals["done"] < CLIPS - 2
    assert copied(where, tmp_path / "copy") == undisturbed(CLIPS)
    assert not where.has("work")


def _forget_the_driver(place: Place) -> None:
    """Let as much time pass as it takes to believe that a driver is dead."""
    from dataclasses import replace
    from datetime import timedelta

    said = read_session(place)
    assert said
    assert said.is_alive
    replace(said, beat=said.beat - timedelta(minutes=2)).write(place)


@pytest.mark.chaos
def test_two_drivers_are_kept_apart(bucket, make):
    run = make((Place(bucket) / "twice").where, clips=CLIPS, options={"executor": "local", "seconds": 0.5})
    run.start()
    run.wait_for_clips(1)
    other = make(run.where, clips=CLIPS, options={"executor": "local"})
    code, _, said = other.finish()
    assert code == 2
    assert "is being worked on by" in said


def test_a_clip_without_its_seal_is_made_again(bucket, make, undisturbed, tmp_path):
    where = Place(bucket) / "torn"
    (where / "clips").write("c0001/film.bin", b"half")
    run = make(where.where, clips=3, options={"executor": "local", "seconds": 0})
    assert run.finish()[0] == 0
    run.finish()
    (where / "clips").remove("c0002/done.json")
    assert run.finish()[0] == 0
    assert Store(where).complete_ids() == {"c0000", "c0001", "c0002"}
    where.download("clips", tmp_path / "copy/clips")
    assert (tmp_path / "copy/clips/c0001/film.bin").read_bytes() == undisturbed(CLIPS)["clips/c0001/film.bin"]


@pytest.mark.chaos
def test_a_recipe_runs_to_a_dataset_on_s3_that_equals_the_one_on_disk(bucket, tmp_path, capsys):
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE)
    assert main(["run", str(recipe), "--out", str(tmp_path / "runs")]) == ALL_DONE
    assert main(["run", str(recipe), "--out", bucket]) == ALL_DONE
    [name] = [path.name for path in (tmp_path / "runs").iterdir()]
    place = Place(bucket) / name
    place.download("dataset", tmp_path / "copy")
    ours, theirs = (
        {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "runs" / name / "dataset", tmp_path / "copy")
    )
    assert ours == theirs
    capsys.readouterr()
    assert main(["status", place.where]) == ALL_DONE
    said = capsys.readouterr()
    assert "2 done, 0 dropped, 0 failed of 2" in said.out
    everything = b"".join(theirs.values()) + said.out.encode()
    assert KEYS["AWS_SECRET_ACCESS_KEY"].encode() not in everything
