"""Teaching the perception network: labelled pictures in; masks, centres, weather and light out.

```
   loss = cross entropy of the pixels' classes (rare classes weigh more)
        + focal loss of the centres (Zhou et al. 2019, eq. 1)
        + cross entropy of weather and light
```

A bus is in one picture of thirty, and small in it. So a share of the pages is drawn by class: first the class, each as
likely as any other, then one of its objects, then a window of the picture that has it inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int, UInt8
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from datagen.errors import InputError
from datagen.models.perception.classes import CLASSES, FIRST_OBJECT, IGNORED, OBJECT_CLASSES
from datagen.models.perception.lessons import Lesson, read_lessons
from datagen.models.perception.network import STRIDE, Percept, Perception, PerceptionSpec
from datagen.models.perception.weights import open_perception
from datagen.models.training import LoopSettings, Phase, Share, phase_of

_PALETTE = np.array(
    [
        (20, 20, 20), (90, 90, 90), (240, 240, 240), (230, 60, 60), (240, 150, 40), (240, 220, 60), (160, 110, 60),
        (200, 160, 20), (60, 130, 240), (220, 80, 220), (60, 220, 220), (255, 110, 0), (140, 220, 90),
    ],
    dtype=np.uint8,
)  # fmt: skip


class PerceptionTraining(BaseModel):
    """What `perception` recipes say of the network.

    start: weights of ours to train further, which then decide the sizes, instead of chance.
    size_px: (width, height) that pictures are brought to.  held_out: every n-th scene is for looking and measuring.
    centers, ambience: weights of these two losses.  brightness: pictures are made brighter or darker by up to this
    share; little, because light is to be told.  balanced: share of the pages that is drawn by class.
    zoom: windows of the picture are enlarged by up to this.  blur: half of the pages lose detail, as if they had been
    made smaller by up to this and then enlarged: sharpness alone tells nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    start: Path | None = None
    size_px: tuple[int, int] = (224, 128)
    spec: PerceptionSpec = PerceptionSpec()
    held_out: int = 8
    centers: float = 0.5
    ambience: float = 0.3
    brightness: float = 0.1
    balanced: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    zoom: Annotated[float, Field(ge=1.0)] = 1.5
    blur: Annotated[float, Field(ge=1.0)] = 1.0
    phases: tuple[Phase, ...] = (Phase(steps=2000, batch=16, rate=2e-3, last_rate=2e-5),)
    loop: LoopSettings = LoopSettings(ema=0.995, precision="bf16")


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Pictures with what is to be said of them: a batch, or one without the batch's axis."""

    pictures: UInt8[Tensor, "*N 3 Hpx Wpx"]
    classes: Int[Tensor, "*N H W"]
    centers: Float[Tensor, "*N O H W"]
    weather: Int[Tensor, "*N"]
    light: Int[Tensor, "*N"]


class PerceptionTask:
    """Pages in, percepts out."""

    def __init__(self, settings: PerceptionTraining, *, lessons: Path, pictures: Path) -> None:
        self.settings, self.phases, self.pictures = settings, settings.phases, pictures
        scenes = read_lessons(lessons)
        self.lessons = [scene for i, scene in enumerate(scenes) if i % settings.held_out]
        self.unseen = scenes[:: settings.held_out]
        if not self.lessons:
            raise InputError(f"{lessons}: {len(scenes)} scenes are too few; every {settings.held_out}th is held out")
        self._index = [(i, j) for i, lesson in enumerate(self.lessons) for j in range(len(lesson.pictures))]
        self._by_class = _objects_by_class(self.lessons)
        self._weights = _class_weights(self.lessons)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.loop.seed)
            self.network = open_perception(settings.start).train() if settings.start else Perception(settings.spec)

    def batch(self, share: Share) -> Pages:
        """Return random windows of random pages, mirrored or blurred half of the time, a little brighter or darker."""
        generator = share.generator()
        count = phase_of(self.phases, share.step)[0].batch
        pages = [self._drawn(generator) for _ in range(count)]
        mirror, gain = torch.rand(2, count, generator=generator)
        gain = (1 + (2 * gain - 1) * self.settings.brightness)[:, None, None, None]
        flipped = (mirror < 0.5).tolist()
        if self.settings.blur > 1:
            less = 1 + (2 * torch.rand(count, generator=generator) - 1).clamp(min=0) * (self.settings.blur - 1)
            pages = [replace(page, pictures=blurred(page.pictures, by)) for page, by in zip(pages, less.tolist())]

        def stacked(name: str) -> Tensor:
            parts = [getattr(page, name) for page in pages]
            return torch.stack(
                [part.flip(-1) if flip and part.ndim > 1 else part for part, flip in zip(parts, flipped)]
            )

        return Pages(
            pictures=(stacked("pictures") * gain).clamp(0, 255).to(torch.uint8),
            classes=stacked("classes"),
            centers=stacked("centers"),
            weather=stacked("weather"),
            light=stacked("light"),
        )

    def _drawn(self, generator: torch.Generator) -> Pages:
        """Return a window of a page: of any, or of one with an object of a class that was drawn first."""
        by_class, which, row, column, zoom = torch.rand(5, generator=generator).tolist()
        zoom = 1 + zoom * (self.settings.zoom - 1)
        if by_class >= self.settings.balanced or not self._by_class:
            i, number = self._index[int(which * len(self._index))]
            return windowed(self.page(self.lessons[i], number), zoom=zoom, at=(row, column))
        kind = self._by_class[int(by_class / self.settings.balanced * len(self._by_class))]
        i, k = kind[int(which * len(kind))]
        lesson = self.lessons[i]
        number, _, top, left, bottom, right = lesson.objects[k].tolist()
        height, width = lesson.classes.shape[1:]
        inside = [
            _start_around((low + high) / 2, size, zoom=zoom, chance=chance)
            for low, high, size, chance in ((top, bottom, height, row), (left, right, width, column))
        ]
        return windowed(self.page(lesson, int(number)), zoom=zoom, at=(inside[0], inside[1]))

    def picture(self, lesson: Lesson, number: int) -> UInt8[Tensor, "3 Hpx Wpx"]:
        """Return one picture as the network is shown it."""
        return read_picture(self.pictures / lesson.pictures[number], self.settings.size_px)

    def page(self, lesson: Lesson, number: int) -> Pages:
        """Return one picture with its targets, without the batch's axis."""
        objects = lesson.objects[lesson.objects[:, 0] == number]
        return Pages(
            pictures=self.picture(lesson, number),
            classes=lesson.classes[number].long(),
            centers=center_maps(objects, shape=(lesson.classes.shape[1], lesson.classes.shape[2])),
            weather=torch.tensor(lesson.weather),
            light=torch.tensor(lesson.light),
        )

    def loss(self, network: nn.Module, batch: Pages, *, share: Share) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted losses of a batch."""
        device = next(network.parameters()).device
        percept: Percept = network(batch.pictures.to(device))
        masks = functional.cross_entropy(
            percept.classes.float(), batch.classes.to(device), weight=self._weights.to(device), ignore_index=IGNORED
        )
        centers = focal_loss(percept.centers.float(), batch.centers.to(device))
        ambience = functional.cross_entropy(percept.weather.float(), batch.weather.to(device))
        ambience = ambience + functional.cross_entropy(percept.light.float(), batch.light.to(device))
        total = masks + self.settings.centers * centers + self.settings.ambience * ambience
        return total, {"masks": masks.item(), "centers": centers.item(), "ambience": ambience.item()}

    @torch.inference_mode()
    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return pictures of unseen scenes above what is there and what the network says."""
        rows = []
        for lesson in self.unseen[:6]:
            pages = [self.page(lesson, j) for j in range(0, len(lesson.pictures), max(1, len(lesson.pictures) // 4))][
                :4
            ]
            percept = network(torch.stack([page.pictures for page in pages]).to(device))
            said = percept.classes.argmax(dim=1).cpu()
            true = torch.stack([page.classes for page in pages])
            small = functional.interpolate(
                torch.stack([page.pictures for page in pages]).float(), scale_factor=1 / STRIDE
            )
            shown = rearrange(small, "N c H W -> N H W c").to(torch.uint8)
            rows.append(rearrange(torch.stack([shown, painted(true), painted(said)]), "k N H W c -> (k H) (N W) c"))
        return {"picture-truth-said": torch.cat(rows)}


def windowed(page: Pages, *, zoom: float, at: tuple[float, float]) -> Pages:
    """Return a window of a page, enlarged to the page's size.

    zoom: by how much, from 1.  at: where between its extremes the window lies, from 0 (top, left) to 1.
    """
    height, width = page.classes.shape
    rows, columns = round(height / zoom), round(width / zoom)
    top, left = round(at[0] * (height - rows)), round(at[1] * (width - columns))
    if (rows, columns) == (height, width):
        return page

    def cut(maps: Tensor, stride: int, mode: str) -> Tensor:
        window = maps[:, top * stride : (top + rows) * stride, left * stride : (left + columns) * stride]
        return functional.interpolate(window[None].float(), size=(height * stride, width * stride), mode=mode)[0]

    return replace(
        page,
        pictures=cut(page.pictures, STRIDE, "bilinear").round().to(torch.uint8),
        classes=cut(page.classes[None], 1, "nearest-exact")[0].long(),
        centers=cut(page.centers, 1, "nearest-exact"),
    )


def blurred(picture: UInt8[Tensor, "3 Hpx Wpx"], by: float) -> UInt8[Tensor, "3 Hpx Wpx"]:
    """Return a picture made `by` times smaller, and enlarged again."""
    if by <= 1:
        return picture
    height, width = picture.shape[1:]
    small = functional.interpolate(
        picture[None].float(), size=(round(height / by), round(width / by)), mode="bilinear", antialias=True
    )
    return functional.interpolate(small, size=(height, width), mode="bilinear")[0].round().to(torch.uint8)


def _start_around(middle: float, size: int, *, zoom: float, chance: float) -> float:
    """Return where, from 0 to 1, a window of size / zoom may lie that has `middle` inside."""
    room = size - size / zoom
    if room <= 0:
        return 0.0
    low, high = max(0.0, middle - size / zoom), min(room, middle)
    return min(1.0, (low + chance * (high - low)) / room)


def read_picture(path: Path, size_px: tuple[int, int] | None = None) -> UInt8[Tensor, "3 Hpx Wpx"]:
    """Return a picture at a size, by default its own. Raises InputError if it cannot be read."""
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
            if size_px and picture.size != size_px:
                picture = picture.resize(size_px, Image.Resampling.BICUBIC)
            return rearrange(torch.from_numpy(np.array(picture)), "H W c -> c H W")
    except OSError as error:
        raise InputError(f"{path}: this picture cannot be read ({error})") from error


def center_maps(objects: Float[Tensor, "objects 6"], *, shape: tuple[int, int]) -> Float[Tensor, "O H W"]:
    """Return for each object class 1 at its objects' centres, falling off with a sixth of their size."""
    maps = torch.zeros(len(OBJECT_CLASSES), *shape)
    rows, columns = torch.arange(shape[0])[:, None] + 0.5, torch.arange(shape[1])[None] + 0.5
    for _, label, top, left, bottom, right in objects.tolist():
        row, column = int((top + bottom) / 2) + 0.5, int((left + right) / 2) + 0.5
        down, across = max(0.7, (bottom - top) / 6), max(0.7, (right - left) / 6)
        bell = torch.exp(-(((rows - row) / down) ** 2 + ((columns - column) / across) ** 2) / 2)
        channel = maps[int(label) - FIRST_OBJECT]
        torch.maximum(channel, bell, out=channel)
    return maps


def focal_loss(logits: Float[Tensor, "N O H W"], target: Float[Tensor, "N O H W"]) -> Tensor:
    """Return the penalty-reduced focal loss of Zhou et al. (2019), eq. 1, with alpha 2 and beta 4, by object."""
    here = target == 1
    p = logits.sigmoid()
    found = (1 - p) ** 2 * functional.logsigmoid(logits) * here
    missed = (1 - target) ** 4 * p**2 * functional.logsigmoid(-logits) * ~here
    return -(found.sum() + missed.sum()) / here.sum().clamp(min=1)


def painted(classes: Int[Tensor, "N H W"]) -> UInt8[Tensor, "N H W 3"]:
    """Return classes as colours; what is ignored is dark violet."""
    palette = np.full((256, 3), (60, 0, 60), dtype=np.uint8)
    palette[: len(CLASSES)] = _PALETTE
    return torch.from_numpy(palette[classes.numpy()])


def _class_weights(lessons: list[Lesson]) -> Float[Tensor, "K"]:
    """Return weights that fall with the square root of how often a class is seen, from 1 to 12."""
    counts = sum(torch.bincount(lesson.classes.flatten().long(), minlength=256)[: len(CLASSES)] for lesson in lessons)
    share = torch.as_tensor(counts).float().clamp(min=1)
    return (share.max() / share).sqrt().clamp(max=12.0)


def _objects_by_class(lessons: list[Lesson]) -> list[list[tuple[int, int]]]:
    """Return for each class that is there its objects, as (lesson, row of its objects)."""
    found: dict[int, list[tuple[int, int]]] = {}
    for i, lesson in enumerate(lessons):
        for k, label in enumerate(lesson.objects[:, 1].int().tolist()):
            found.setdefault(label, []).append((i, k))
    return [found[label] for label in sorted(found)]
