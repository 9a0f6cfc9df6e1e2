"""A recipe back to text, with nothing left unsaid, and to the hash that names its run."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
from pydantic_core import to_jsonable_python
from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from datagen.recipe.schema import Recipe
from datagen.scene import SE3, Rig


class _Representer(SafeRepresenter):
    """Writes texts so that every character comes back: what is not printable goes in double quotes, escaped."""

    def text(self, text: str) -> Any:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Representer.add_representer(str, _Representer.text)


def dump(recipe: Recipe) -> str:
    """Return YAML that holds every setting, defaults too, and loads again to an equal recipe."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 1 << 20
    text = io.StringIO()
    yaml.dump(to_jsonable_python(recipe), text)
    return text.getvalue()


def recipe_hash(recipe: Recipe, rig: Rig | None = None) -> str:
    """Return a SHA-256 in hexadecimal of everything that decides the dataset's content.

    How the work runs (`engine`) and what the recipe is called do not decide it. `rig` is the one the recipe names,
    where it names one: its numbers count, not where its file lies.
    """
    content = to_jsonable_python(recipe, exclude={"name", "engine", *(["rig"] if rig else [])})
    canonical = json.dumps([content, rig and _rig_numbers(rig)], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _rig_numbers(rig: Rig) -> dict[str, Any]:
    lidar = rig.lidar
    return {
        "cameras": [
            [
                camera.channel,
                _pose(camera.ego_SE3_cam),
                _numbers(camera.intrinsics_px),
                camera.width_px,
                camera.height_px,
            ]
            for camera in rig.cameras
        ],
        "lidar": [lidar.channel, _pose(lidar.ego_SE3_lidar), _numbers(lidar.elevation_rad)],
        "returns": [lidar.azimuth_steps, lidar.max_range_m, lidar.range_noise_m],
    }


def _pose(pose: SE3) -> list[Any]:
    return [_numbers(pose.translation_m), _numbers(pose.quat_wxyz)]


def _numbers(array: np.ndarray) -> Any:
    return np.round(array, 12).tolist()
