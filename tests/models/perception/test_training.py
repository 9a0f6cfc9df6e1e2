"""The perception network learns, resumes to the bit, and comes back from its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.perception import CLASSES, ROAD, PerceptionSpec, open_perception
from datagen.models.perception.lessons import read_lesson, write_lesson
from datagen.models.perception.targets import SeenObject, Target
from datagen.models.perception.teaching import train_perception
from datagen.models.perception.training import Pages, PerceptionTask, PerceptionTraining, windowed
from datagen.models.training import LoopSettings, Phase, Share
from datagen.scene import Ambience, Light, Weather

SIZE_PX = (64, 32)
SPEC = PerceptionSpec(widths=(8, 16, 16, 16), blocks=(1, 1, 1), decoder=16)


def settings(steps: int) -> PerceptionTraining:
    phase = Phase(steps=steps, batch=4, rate=5e-3, last_rate=1e-3)
    loop = LoopSettings(warmup=2, checkpoint_every=1000, look_every=1000, ema=0.9)
    return PerceptionTraining(size_px=SIZE_PX, spec=SPEC, held_out=3, phases=(phase,), loop=loop)


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    """Return lessons of three scenes: red cars on grey roads under skies as bright as the light."""
    rng = np.random.default_rng(0)
    car = CLASSES.index("car")
    for number, light in enumerate((Light.DAY, Light.NIGHT, Light.DAY)):
        names, targets = [], []
        for i in range(4):
            picture = np.full((32, 64, 3), 40 if light is Light.NIGHT else 200, dtype=np.uint8)
            classes = np.zeros((16, 32), dtype=np.uint8)
            picture[16:], classes[8:] = 90, ROAD
            left = int(rng.integers(0, 24))
            picture[14:22, 2 * left : 2 * left + 12] = (220, 20, 20)
            classes[7:11, left : left + 6] = car
            names.append(f"{number}-{i}.png")
            Image.fromarray(picture).save(tmp_path / names[-1])
            seen = SeenObject(actor=0, label=car, distance_m=9.0, pixels=24, box=(7, left, 11, left + 6))
            targets.append(Target(classes=classes, objects=(seen,)))
        path = tmp_path / "lessons" / f"{number}.safetensors"
        write_lesson(path, names, targets=targets, ambience=Ambience(weather=Weather.CLEAR, light=light))
    return tmp_path / "lessons"


def test_a_lesson_comes_back_as_it_was_written(lessons: Path) -> None:
    lesson = read_lesson(lessons / "1.safetensors")
    assert lesson.pictures == tuple(f"1-{i}.png" for i in range(4))
    assert list(Light)[lesson.light] is Light.NIGHT
    assert lesson.classes.shape == (4, 16, 32) and lesson.objects.shape == (4, 6)


def test_a_window_is_cut_from_the_picture_and_from_what_is_said_of_it_alike() -> None:
    picture = torch.zeros(3, 32, 64, dtype=torch.uint8)
    picture[:, 16:, 32:] = 200
    classes, centers = torch.zeros(16, 32, dtype=torch.int64), torch.zeros(10, 16, 32)
    classes[8:, 16:], centers[0, 15, 31] = ROAD, 1.0
    page = Pages(pictures=picture, classes=classes, centers=centers, weather=torch.tensor(0), light=torch.tensor(0))
    corner = windowed(page, zoom=2.0, at=(1.0, 1.0))
    assert (corner.pictures == 200).all() and (corner.classes == ROAD).all()
    assert corner.centers.shape == centers.shape and corner.centers[0, -1, -1] == 1
    opposite = windowed(page, zoom=2.0, at=(0.0, 0.0))
    assert (opposite.pictures == 0).all() and (opposite.classes == 0).all()
    assert windowed(page, zoom=1.0, at=(0.3, 0.7)) is page


def test_half_of_the_pages_lose_detail_and_none_its_brightness(lessons: Path, tmp_path: Path) -> None:
    sharp = settings(20).model_copy(update={"brightness": 0.0, "zoom": 1.0})
    tasks = [
        PerceptionTask(sharp.model_copy(update={"blur": blur}), lessons=lessons, pictures=tmp_path) for blur in (1, 4)
    ]
    pages = [torch.cat([task.batch(Share(seed=0, step=s)).pictures for s in range(20)]).float() for task in tasks]
    detail = [picture.diff(dim=-1).square().mean(dim=(1, 2, 3)) for picture in pages]
    less = detail[1] < 0.98 * detail[0]
    assert 0.3 < less.float().mean() < 0.7 and torch.equal(detail[1][~less], detail[0][~less])
    assert (pages[0].mean(dim=(1, 2, 3)) - pages[1].mean(dim=(1, 2, 3))).abs().max() < 1


def test_pages_that_are_drawn_by_class_have_a_thing_of_that_class(lessons: Path, tmp_path: Path) -> None:
    by_class = settings(8).model_copy(update={"balanced": 1.0, "zoom": 2.0})
    task = PerceptionTask(by_class, lessons=lessons, pictures=tmp_path)
    for step in range(8):
        pages = task.batch(Share(seed=0, step=step))
        assert (pages.classes == CLASSES.index("car")).flatten(1).any(dim=1).all()
        assert pages.pictures.shape == (4, 3, 32, 64)


def test_it_learns_what_is_where(lessons: Path, tmp_path: Path) -> None:
    path = train_perception(settings(60), tmp_path / "out", lessons=lessons, pictures=tmp_path)
    network = open_perception(path)
    picture = torch.from_numpy(np.array(Image.open(tmp_path / "0-0.png"))).permute(2, 0, 1)[None]
    with torch.inference_mode():
        said = network(picture)
    true = read_lesson(lessons / "0.safetensors")
    assert (said.classes.argmax(dim=1)[0] == true.classes[0]).float().mean() > 0.9
    assert list(Light)[int(said.light.argmax())] is Light.DAY
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    assert card["weights_sha256"] == file_sha256(path) and card["held_out_scenes"] == 1
    assert card["iou_car"] > 0.5 and card["light_right"] == 1.0 and "iou_bus" not in card


def test_stopping_and_going_on_ends_with_the_same_bits(lessons: Path, tmp_path: Path) -> None:
    whole = train_perception(settings(4), tmp_path / "whole", lessons=lessons, pictures=tmp_path)
    parts = tmp_path / "parts"
    train_perception(settings(4), parts, lessons=lessons, pictures=tmp_path, stop_after=2)
    resumed = train_perception(settings(4), parts, lessons=lessons, pictures=tmp_path)
    assert file_sha256(whole) == file_sha256(resumed)


def test_too_few_scenes_and_other_files_are_said_to_be(lessons: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (lessons / "0.safetensors").rename(tmp_path / "one" / "0.safetensors")
    with pytest.raises(InputError, match="1 scenes are too few"):
        train_perception(settings(1), tmp_path / "out", lessons=tmp_path / "one", pictures=tmp_path)
    with pytest.raises(InputError, match="holds 'datagen-lesson-1', not 'datagen-perception-1'"):
        open_perception(tmp_path / "one" / "0.safetensors")


def test_training_goes_on_from_weights_whose_sizes_it_takes(lessons: Path, tmp_path: Path) -> None:
    first = train_perception(settings(2), tmp_path / "first", lessons=lessons, pictures=tmp_path)
    further = PerceptionTraining(**{**settings(1).model_dump(), "start": first, "spec": PerceptionSpec()})
    task = PerceptionTask(further, lessons=lessons, pictures=tmp_path)
    begun, kept = task.network.state_dict(), open_perception(first).state_dict()
    assert all(torch.equal(begun[name], kept[name]) for name in kept)
    second = train_perception(further, tmp_path / "second", lessons=lessons, pictures=tmp_path)
    assert open_perception(second).spec == SPEC
