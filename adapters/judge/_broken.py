"""Pictures that show nothing of anything: unreadable, of one colour, frozen, or noise. No network is asked.

```
   flat     grey values hardly spread                     frozen   equals the picture before, although the ego moved
   noise    neighbouring pixels have nothing in common    (Immerkær 1996 estimates its standard deviation)
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from jaxtyping import Float
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from datagen.scene import Clip, Label

FLAT = 1.0
"""A picture whose grey values spread less than this (of 255) shows nothing; the darkest night spreads more."""
FROZEN, MOVED_M = 0.25, 0.5
"""Mean difference of grey values below which two pictures are the same one, if the ego moved by so much."""
NOISE = 32.0
"""Standard deviation of noise (of 255) from which a picture is lost."""
_LOOKED_AT_PX = (224, 128)
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)


class JudgeSettings(BaseModel):
    """What every judge asks of a clip."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    broken_frames: bool = True
    """Drop clips with unreadable, black, frozen or noisy frames."""
    min_labels: Annotated[int, Field(ge=0)] = 1
    """Drop clips with fewer labels than this."""
    films: Annotated[int, Field(ge=1, le=10)] = 1
    """How often a clip may be filmed, each time from another seed, before it is dropped."""


def complaints_of(clip: Clip, labels: tuple[Label, ...], *, settings: JudgeSettings) -> tuple[str, ...]:
    """Return what a clip lacks of what every judge asks for; the first broken picture stands for all."""
    seen = {label.actor_id for label in labels if label.visible > 0 or label.lidar_points > 0}
    if len(seen) < settings.min_labels:
        return (f"only {len(seen)} labelled things can be seen; judge.min_labels is {settings.min_labels}",)
    broken = next(broken_pictures(clip), None) if settings.broken_frames else None
    return (f"broken picture: {broken}",) if broken else ()


def broken_pictures(clip: Clip) -> Iterator[str]:
    """Name the pictures that cannot be read, or show nothing."""
    places_m = clip.scene.ego.at(clip.timeline.timestamp_us)[0]
    for camera in clip.rig.cameras:
        before: Float[np.ndarray, "height width"] | None = None
        for frame in range(len(clip.timeline)):
            try:
                grey = grey_picture(clip.frame_path(camera.channel, frame))
            except OSError as error:
                yield f"{camera.channel} frame {frame}: {error}"
                continue
            moved_m = float(np.linalg.norm(places_m[frame] - places_m[frame - 1])) if frame else 0.0
            if grey.std() < FLAT:
                yield f"{camera.channel} frame {frame} is one flat colour"
            elif (noise := noise_of(grey)) > NOISE:
                yield f"{camera.channel} frame {frame} is noise (standard deviation {noise:.0f} of 255)"
            elif before is not None and moved_m > MOVED_M and np.abs(grey - before).mean() < FROZEN:
                yield f"{camera.channel} frame {frame} is the one before, although the car drove {moved_m:.1f} m"
            before = grey


def grey_picture(path: Path) -> Float[np.ndarray, "height width"]:
    """Return a picture's grey values, 0 to 255, small. Raises OSError if it cannot be read."""
    with Image.open(path) as file:
        file.draft("L", _LOOKED_AT_PX)
        picture = file.convert("L")
        if picture.size != _LOOKED_AT_PX:
            picture = picture.resize(_LOOKED_AT_PX, Image.Resampling.BOX)
        return np.asarray(picture, dtype=np.float32)


def noise_of(grey: Float[np.ndarray, "height width"]) -> float:
    """Return the standard deviation of a picture's noise (Immerkær, Fast noise variance estimation, 1996)."""
    inner = cv2.filter2D(grey, -1, _IMMERKAER)[1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(inner).mean())
