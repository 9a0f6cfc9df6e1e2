"""The recording for Rerun, read back by Rerun."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.viewer.rerun import Settings, build
from datagen.cli import WRONG_INPUT, main

rr = pytest.importorskip("rerun", reason='rerun-sdk is not installed: pip install "datagen[rerun]"')


@pytest.fixture(scope="module")
def recorded(run_folder):
    """The recording of the run's clips."""
    rr.set_strict_mode(True)
    return rr.dataframe.load_recording(build(Settings()).show(run_folder))


def cells(recorded, path: str, component: str) -> list[np.ndarray]:
    """Return what was logged of one component, in time; None where it was cleared away."""
    table = recorded.view(index="time", contents=path).select(f"{path}:{component}").read_all()
    return [np.array(cell) for cell in table.column(0).to_pylist() if cell]


def test_boxes_stand_at_every_frame_where_the_labels_are(recorded, footage):
    centres = cells(recorded, f"/world/{footage.name}/boxes", "PoseTranslation3D")
    turns = cells(recorded, f"/world/{footage.name}/boxes", "PoseRotationQuat")
    assert len(centres) == len(footage.timestamp_us)
    there = [track for track in footage.tracks if track.trajectory.start_us <= footage.timestamp_us[0]]
    expected = np.array([track.trajectory.translation_m[0] for track in there]) - footage.ego.translation_m[0]
    np.testing.assert_allclose(centres[0], expected, atol=1e-4)
    wxyz = np.array([track.trajectory.quat_wxyz[0] for track in there])
    np.testing.assert_allclose(turns[0], np.roll(wxyz, -1, axis=1), atol=1e-6)


def test_every_sensor_the_map_and_the_tracks_are_there(recorded, footage):
    paths = {column.entity_path for column in recorded.schema().component_columns()}
    root = f"/world/{footage.name}"
    assert {f"{root}/{view.channel}" for view in footage.views} <= paths
    assert {f"{root}/lidar", f"{root}/tracks", f"{root}/ego", f"{root}/road/drivable"} <= paths


def test_pictures_are_the_datasets_own(recorded, footage):
    view = footage.views[0]
    blobs = cells(recorded, f"/world/{footage.name}/{view.channel}", "Blob")
    assert [blob.astype(np.uint8).tobytes() for blob in blobs] == [path.read_bytes() for path in view.pictures]


def test_comparing_is_for_the_report(run_folder, capsys):
    assert main(["view", str(run_folder), "--rerun", "--against", str(run_folder)]) == WRONG_INPUT
    assert "--against" in capsys.readouterr().err
