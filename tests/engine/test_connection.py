"""What a driver leaves on a machine, and what it finds there of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from datagen.engine.cluster import connection


def test_folders_of_killed_drivers_are_swept_and_those_of_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    monkeypatch.setattr(connection, "LONGEST_TEMP_FOLDER", len(str(tmp_path)))
    monkeypatch.setattr(connection.tempfile, "gettempdir", lambda: str(tmp_path))
    for name in (f"datagen-{ended.pid}-abc", f"datagen-{os.getpid()}-abc", "datagen-mine"):
        (tmp_path / name / "logs").mkdir(parents=True)
    with connection._temp_folder() as folder:
        assert folder.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {f"datagen-{os.getpid()}-abc", "datagen-mine"}
