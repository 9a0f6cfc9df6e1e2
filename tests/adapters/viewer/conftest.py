"""A small run to look at, and a browser to look with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from adapters.viewer._footage import Footage, read_footage
from datagen import pipeline
from datagen.engine import Store

SPITEFUL = "at night in rain, a white van cuts in <script>document.title = 'stolen'</script>"
RECIPE = f"""
name: small
prompts:
  - "{SPITEFUL}"
  - day, a pedestrian crosses the road ahead of us
clip: {{duration_s: 2, rate_hz: 4}}
film: {{use: raycast, width_px: 112, height_px: 64}}
engine: {{executor: local}}
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def spiteful() -> str:
    """A prompt that would like to be a program."""
    return SPITEFUL


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with a report."""
    folder = tmp_path_factory.mktemp("run")
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    job = pipeline.prepare(recipe, out=folder / "runs")
    assert pipeline.run(job, progress=False).failed == 0
    return job.folder


@pytest.fixture(scope="session")
def footage(run_folder: Path) -> Footage:
    """The first clip of that run."""
    first = pipeline.prepare(run_folder.parents[1] / "small.yaml", out=run_folder.parent).takes[0]
    return read_footage(Store(run_folder).clip_folder(first.id))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a screen; a test that needs it is skipped where none is installed."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"chromium does not start: {error.message.splitlines()[0]}")
        yield chromium
        chromium.close()
