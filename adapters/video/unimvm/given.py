"""Which of a log's own pictures are given to the film, and where they lie.

```
   none              first_frame        front_video        subset: views [CAM_BACK], frames []
   T ┌ ······        xxxxxx             ·x····             ····x·            x given
     │ ······        ······             ·x····             ····x·            · made
     ▼ ······ V ──▶  ······             ·x····             ····x·
```

A picture fits only what its own camera saw when its own shutter fired: hence `rig: log`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from adapters.video.unimvm.conditions import around
from adapters.video.unimvm.log import read_picture
from datagen.errors import ClipError
from datagen.scene import Camera, Recording, Rig, Shot


def given_mask(shot: Shot, *, mode: str, views: Sequence[str], frames: Sequence[int]) -> Bool[np.ndarray, "T V"]:
    """Return which (frame, view) is given. Raises ClipError for a view or frame the shot does not have."""
    T, rig = len(shot.timeline), shot.rig
    mask = np.zeros((T, len(rig.cameras)), dtype=bool)
    match mode:
        case "first_frame":
            mask[0] = True
        case "front_video":
            mask[:, front_of(rig)] = True
        case "subset":
            mask[np.ix_(_frames(frames, T), _views(views, rig))] = True
    return mask


def front_of(rig: Rig) -> int:
    """Return the view that looks ahead."""
    order = around(rig)
    return order[1] if len(order) > 2 else order[0]


def given_pictures(shot: Shot, mask: Bool[np.ndarray, "T V"]) -> UInt8[np.ndarray, "given Hpx Wpx 3"]:
    """Return the log's pictures where the mask is set, frame by frame, at the size of the shot's cameras.

    Raises ClipError if the scene has no recording, its cameras are not the shot's, or a picture is missing.
    """
    recording = shot.scene.recording
    if recording is None or not recording.pictures:
        raise ClipError(
            "film.mode needs pictures to be given, and this scene was read from no log that has some;"
            " use `scene: {use: nuscenes}` with `rig: log`, or `mode: none`"
        )
    pictures = []
    for frame, view in np.argwhere(mask):
        camera = shot.rig.cameras[view]
        _check_same(camera, recording)
        fired_us = int(shot.timeline.camera_timestamp_us[frame, view])
        path = recording.pictures.get((camera.channel, fired_us))
        if path is None or not path.is_file():
            raise ClipError(
                f"film.mode: the log has no picture of {camera.channel} at {fired_us} µs (frame {frame})"
                f"{'' if path is None else f': {path} is not there'}; use `mode: first_frame`, a clip.rate_hz that the"
                " log has pictures at, or `mode: none`"
            )
        pictures.append(read_picture(path, (camera.width_px, camera.height_px)))
    return np.stack(pictures)


def _check_same(camera: Camera, recording: Recording) -> None:
    """Make sure that a picture of the log's camera is one of this camera, apart from its size."""
    for own in recording.rig.cameras:
        if own.channel == camera.channel:
            scaled = own.resized(camera.width_px, camera.height_px)
            poses = (camera.ego_SE3_cam, own.ego_SE3_cam)
            if (
                np.allclose(scaled.intrinsics_px, camera.intrinsics_px, atol=0.5)
                and np.allclose(poses[0].rotation, poses[1].rotation, atol=1e-3)
                and np.allclose(poses[0].translation_m, poses[1].translation_m, atol=1e-2)
            ):
                return
            raise ClipError(f"film.mode: the recipe's {camera.channel} is not the log's own; say `rig: log`")
    raise ClipError(
        f"film.mode: the log has no {camera.channel}; it has {', '.join(recording.rig.channels)}. Say `rig: log`"
    )


def _frames(frames: Sequence[int], total: int) -> list[int]:
    beyond = [frame for frame in frames if frame >= total]
    if beyond:
        raise ClipError(f"film.frames: {beyond} are beyond this clip, which has frames 0 to {total - 1}")
    return list(frames) or list(range(total))


def _views(views: Sequence[str], rig: Rig) -> list[int]:
    unknown = [view for view in views if view not in rig.channels]
    if unknown:
        raise ClipError(f"film.views: no {', '.join(unknown)} in this rig; it has {', '.join(rig.channels)}")
    return [rig.channels.index(view) for view in views] or list(range(len(rig.channels)))
