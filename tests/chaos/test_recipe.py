"""A real recipe, killed while it films: the dataset is byte for byte that of an undisturbed run."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

RECIPE = """
name: killed
seed: 5
prompts:
- {text: "night, rain, a white van cuts in from the left", count: 4}
- {text: "day, a truck brakes hard ahead of us", count: 4}
clip: {duration_s: 4, rate_hz: 2}
film: {use: raycast, width_px: 112, height_px: 64}
"""
PATIENCE_S = 900.0
pytestmark = pytest.mark.chaos


def run(recipe: Path, out: Path) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("datagen")), "run", str(recipe), "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said


def checksums(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the run's dataset."""
    (dataset,) = out.glob("killed-*/dataset")
    files = [path for path in sorted(dataset.rglob("*")) if path.is_file()]
    return {str(path.relative_to(dataset)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_dataset_after_kill_minus_nine_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    recipe = tmp_path / "killed.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    calm, wild = run(recipe, tmp_path / "calm"), tmp_path / "wild"
    finish(calm)

    driver = run(recipe, wild)
    deadline = time.monotonic() + PATIENCE_S
    while not list(wild.glob("killed-*/clips/*")):
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(driver.pid).children(recursive=True)
    for process in [driver, *family]:
        process.kill()
    psutil.wait_procs(family, timeout=30)
    assert not list(wild.glob("killed-*/dataset"))

    finish(run(recipe, wild))
    assert checksums(wild) == checksums(tmp_path / "calm")
