"""A rig file → a Rig: the sensors of one vehicle, written down by hand or copied from a calibration.

```yaml
cameras:                                  # in the order the views are joined in, left to right
  - channel: CAM_FRONT
    translation_m: [1.7, 0.0, 1.5]        # in the ego frame: under the rear axle, x ahead, y left, z up
    quat_wxyz: [0.5, -0.5, 0.5, -0.5]     # ego_SE3_cam (optical frame), or, to write it by hand:
    yaw_deg: 0.0                          #   positive to the left,  pitch_deg: positive looks down,
                                          #   roll_deg: positive dips the right side; turned in that order
    fx_px: 1252.8                         # with fy_px cx_px cy_px, or, to write it by hand:
    fov_deg: 65.0                         #   horizontal field of view, square pixels, centre in the middle
    width_px: 1600
    height_px: 900
lidar:
  channel: LIDAR_TOP
  translation_m: [0.94, 0.0, 1.84]
  quat_wxyz: [...]                        # or yaw_deg, pitch_deg, roll_deg
  elevation_deg: {from: -30.67, to: 10.67, beams: 32}     # or a list, from the lowest beam to the highest
```
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from jaxtyping import Float
from pydantic import Field, StringConstraints, field_validator, model_validator

import datagen
from datagen.errors import RecipeError, did_you_mean
from datagen.recipe.document import read_document
from datagen.recipe.mistakes import validated
from datagen.recipe.schema import Form, Name
from datagen.scene import SE3, Camera, Lidar, Rig
from datagen.scene.pose import quat_multiply

LOG = "log"
"""The rig of a recipe whose scenes bring the sensors they were recorded with."""

Channel: TypeAlias = Annotated[str, StringConstraints(max_length=60, pattern=r"^[A-Z][A-Z0-9_]*$")]
Metres: TypeAlias = Annotated[float, Field(ge=-100.0, le=100.0)]
Elevation: TypeAlias = Annotated[float, Field(ge=-90.0, le=90.0)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0)]
Pixels: TypeAlias = Annotated[int, Field(ge=16, le=16384)]

CAM_AHEAD_QUAT = np.array([0.5, -0.5, 0.5, -0.5])
"""ego_SE3_cam of a camera that looks straight ahead: its z is the ego's x, its x the ego's -y."""


class Mount(Form):
    """Where a sensor sits and how it is turned."""

    translation_m: tuple[Metres, Metres, Metres]
    quat_wxyz: tuple[float, float, float, float] | None = None
    yaw_deg: float | None = None
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    @model_validator(mode="after")
    def _one_rotation(self) -> Mount:
        if (self.quat_wxyz is None) == (self.yaw_deg is None):
            raise ValueError("give either quat_wxyz or yaw_deg (with pitch_deg and roll_deg)")
        if self.quat_wxyz is not None and (self.pitch_deg or self.roll_deg):
            raise ValueError("pitch_deg and roll_deg go with yaw_deg; quat_wxyz holds the whole rotation")
        return self

    @field_validator("quat_wxyz")
    @classmethod
    def _unit(cls, quat_wxyz: tuple[float, ...] | None) -> tuple[float, ...] | None:
        norm = 1.0 if quat_wxyz is None else float(np.linalg.norm(quat_wxyz))
        if abs(norm - 1.0) > 1e-3:
            raise ValueError(f"found a quaternion of length {norm:.4f}; a rotation has length 1 (w, x, y, z)")
        return quat_wxyz

    def pose(self, unturned_quat: Float[np.ndarray, "4"]) -> SE3:
        """Return ego_SE3_sensor; `unturned_quat` is its rotation at yaw, pitch and roll 0."""
        if self.quat_wxyz is not None:
            quat = np.array(self.quat_wxyz) / np.linalg.norm(self.quat_wxyz)
        else:
            turns_deg = {2: self.yaw_deg or 0.0, 1: self.pitch_deg, 0: self.roll_deg}
            quat = np.array([1.0, 0.0, 0.0, 0.0])
            for axis, turn_deg in turns_deg.items():
                quat = quat_multiply(quat, _quat_about(axis, np.deg2rad(turn_deg)))
            quat = quat_multiply(quat, unturned_quat)
        return SE3(quat_wxyz=quat, translation_m=np.array(self.translation_m))


class CameraForm(Mount):
    """A camera as it is written down."""

    channel: Channel
    width_px: Pixels
    height_px: Pixels
    fx_px: Positive | None = None
    fy_px: Positive | None = None
    cx_px: float | None = None
    cy_px: float | None = None
    fov_deg: Annotated[float, Field(gt=1.0, lt=170.0)] | None = None

    @model_validator(mode="after")
    def _one_projection(self) -> CameraForm:
        given = [value is not None for value in (self.fx_px, self.fy_px, self.cx_px, self.cy_px)]
        if not (all(given) if self.fov_deg is None else not any(given)):
            raise ValueError("give either fov_deg or all of fx_px, fy_px, cx_px and cy_px")
        return self

    def camera(self) -> Camera:
        """Return the camera."""
        if self.fov_deg is None:
            fx, fy, cx, cy = self.fx_px, self.fy_px, self.cx_px, self.cy_px
        else:
            fx = fy = self.width_px / 2 / np.tan(np.deg2rad(self.fov_deg) / 2)
            cx, cy = self.width_px / 2, self.height_px / 2
        return Camera(
            channel=self.channel,
            ego_SE3_cam=self.pose(CAM_AHEAD_QUAT),
            intrinsics_px=np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]),
            width_px=self.width_px,
            height_px=self.height_px,
        )


class Beams(Form):
    """Evenly spread beams, from the lowest to the highest, both included."""

    from_deg: Annotated[Elevation, Field(alias="from")]
    to_deg: Annotated[Elevation, Field(alias="to")]
    beams: Annotated[int, Field(ge=1, le=512)]


class LidarForm(Mount):
    """A spinning LiDAR as it is written down; the unstated is that of a Velodyne HDL-32E on nuScenes."""

    channel: Channel = "LIDAR_TOP"
    elevation_deg: Beams | Annotated[tuple[Elevation, ...], Field(min_length=1, max_length=512)]
    azimuth_steps: Annotated[int, Field(ge=8, le=16384)] = 1084
    max_range_m: Annotated[float, Field(gt=0.0, le=1000.0)] = 100.0
    range_noise_m: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02

    @field_validator("elevation_deg")
    @classmethod
    def _rises(cls, elevation_deg: Beams | tuple[float, ...]) -> Beams | tuple[float, ...]:
        ends = (elevation_deg.from_deg, elevation_deg.to_deg) if isinstance(elevation_deg, Beams) else elevation_deg
        single = isinstance(elevation_deg, Beams) and elevation_deg.beams == 1
        if not single and any(high <= low for low, high in pairwise(ends)):
            raise ValueError("beams go from the lowest to the highest, each above the one before")
        return elevation_deg

    def lidar(self) -> Lidar:
        """Return the LiDAR."""
        spec = self.elevation_deg
        if isinstance(spec, Beams):
            elevation_deg = np.linspace(spec.from_deg, spec.to_deg, spec.beams)
        else:
            elevation_deg = np.array(spec)
        return Lidar(
            channel=self.channel,
            ego_SE3_lidar=self.pose(np.array([1.0, 0.0, 0.0, 0.0])),
            elevation_rad=np.deg2rad(elevation_deg),
            azimuth_steps=self.azimuth_steps,
            max_range_m=self.max_range_m,
            range_noise_m=self.range_noise_m,
        )


class RigForm(Form):
    """All sensors of one vehicle as they are written down."""

    name: Name
    cameras: Annotated[tuple[CameraForm, ...], Field(min_length=1, max_length=32)]
    lidar: LidarForm

    @model_validator(mode="after")
    def _channels_differ(self) -> RigForm:
        channels = [*(camera.channel for camera in self.cameras), self.lidar.channel]
        twice = sorted({channel for channel in channels if channels.count(channel) > 1})
        if twice:
            raise ValueError(f"two sensors are called {', '.join(twice)}; each needs a channel of its own")
        return self


def load_rig(path: Path) -> Rig:
    """Read a rig file. Raises RecipeError with all mistakes, one a line."""
    document = read_document(path)
    document.data.setdefault("name", path.stem)
    form = validated(RigForm, document.data, document=document)
    document.raise_mistakes()
    assert form is not None, "a rig that does not validate has mistakes on record"
    return Rig(name=form.name, cameras=tuple(camera.camera() for camera in form.cameras), lidar=form.lidar.lidar())


def find_rig(word_or_path: str, recipe: Path) -> Path:
    """Return where a rig lies: `rigs/<word>.yaml` beside the recipe, above it or shipped; or a path.

    A path (anything with a slash or a suffix `.yaml`) is seen from the recipe's folder.
    Raises RecipeError where there is none.
    """
    folder = recipe.resolve().parent
    if "/" in word_or_path or word_or_path.endswith((".yaml", ".yml")):
        path = seen_from(folder, word_or_path)
        if not _is_file(path):
            raise RecipeError([f"no rig file '{word_or_path}' (looked for {path}); check the path"])
        return path
    folders = [above / "rigs" for above in (folder, *folder.parents)] + [shipped_recipes() / "rigs"]
    for rigs in folders:
        path = rigs / f"{word_or_path}.yaml"
        if _is_file(path):
            return path
    there_are = sorted({path.stem for rigs in folders for path in rigs.glob("*.yaml")} | {LOG})
    close = did_you_mean(word_or_path, there_are)
    raise RecipeError([f"no rig '{word_or_path}'; there are: {', '.join(there_are)}, or give a path.{close}"])


def seen_from(folder: Path, path: Path | str) -> Path:
    """Return the absolute path that is meant by one written in a file of `folder`; `~` is the home folder."""
    return Path(os.path.normpath(os.path.join(folder, os.path.expanduser(path))))  # noqa: PTH111, PTH118 (never raise)


def shipped_rig(word: str) -> Path:
    """Return where the shipped rig of that name lies, if it ships."""
    return shipped_recipes() / "rigs" / f"{word}.yaml"


def shipped_recipes() -> Path:
    """Return the folder of the recipes that come with the program: in the checkout, else where it is installed."""
    checkout = Path(datagen.__file__).resolve().parent.parent / "recipes"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "datagen" / "recipes"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the file system takes, a folder that may not be read
        return False


def _quat_about(axis: int, angle_rad: float) -> Float[np.ndarray, "4"]:
    quat = np.zeros(4)
    quat[0], quat[1 + axis] = np.cos(angle_rad / 2), np.sin(angle_rad / 2)
    return quat
