"""Scores on sights drawn by hand, and a network that looks at a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters.judge.perception import Bounds, boxes, order
from adapters.judge.perception.scores import Found, complaints
from adapters.judge.perception.sight import Looker, Sight, View
from datagen import plugins
from datagen.errors import InputError
from datagen.models.perception import CLASSES, ROAD, Perception, PerceptionSpec, open_perception, save_perception
from datagen.models.perception.targets import SeenObject, Target
from datagen.ports import Dropped
from datagen.scene import SE3, Camera
from datagen.sensors.masks import Mask
from datagen.stages import JudgeStage

CAR, TRUCK = CLASSES.index("car"), CLASSES.index("truck")
H, W = 20, 40
AHEAD = SE3(quat_wxyz=np.array([0.5, -0.5, 0.5, -0.5]), translation_m=np.array([0.0, 0.0, 1.5]))
"""1.5 m above the ground, level: the horizon is between rows 9 and 10."""


def view(*, told: slice | None, shown: slice | None, kind: int = CAR, grey: float = 90.0, frame: int = 0) -> View:
    """Return a road with a labelled car of 10 rows at some columns, and a network that sees one elsewhere, surely."""
    owner = np.full((H, W), -1, dtype=np.int32)
    classes = np.full((H, W), ROAD, dtype=np.uint8)
    seen = np.zeros((len(CLASSES), H, W))
    seen[ROAD] = 1.0
    objects = ()
    if told:
        owner[5:15, told], classes[5:15, told] = 0, CAR
        box = (5, told.start, 15, told.stop)
        objects = (SeenObject(actor=0, label=CAR, distance_m=9.0, pixels=int((owner == 0).sum()), box=box),)
    if shown:
        seen[:, 5:15, shown] = 0.0
        seen[kind, 5:15, shown] = 1.0
    intrinsics = np.array([[20.0, 0, W / 2], [0, 20.0, H / 2], [0, 0, 1]])
    return View(
        frame=frame,
        camera=Camera(channel="CAM", ego_SE3_cam=AHEAD, intrinsics_px=intrinsics, width_px=W, height_px=H),
        world_SE3_cam=SE3.identity(),
        mask=Mask(
            owner=owner,
            distance_m=np.full((H, W), 9.0, dtype=np.float32),
            road=owner < 0,
            paint=np.zeros((H, W), dtype=bool),
        ),
        target=Target(classes=classes, objects=objects),
        seen=seen,
        grey=np.full((H, W), grey),
    )


def sight(*moments: tuple[View, ...]) -> Sight:
    return Sight(moments=moments, weather=np.full(4, 0.25), light=np.array([0.8, 0.1, 0.1]))


def test_a_car_where_its_label_is_is_shown_and_in_place_whatever_vehicle_it_is_taken_for() -> None:
    for kind in (CAR, TRUCK):
        (seen,) = boxes.sightings(view(told=slice(10, 20), shown=slice(10, 20), kind=kind))
        assert (seen.pixels, seen.shown, seen.placed) == (100, 1.0, 1.0)


def test_a_label_half_beside_its_car_is_half_shown_and_would_be_better_placed_elsewhere() -> None:
    (seen,) = boxes.sightings(view(told=slice(10, 20), shown=slice(15, 25)))
    assert seen.shown == 0.5
    assert seen.placed == -1.0  # 2 m are 4 columns: it would lose columns 10-13, empty, and win 20-23, all car
    many = [replace(seen, actor=i % boxes.LEAST_THINGS) for i in range(boxes.LEAST_SIGHTINGS)]
    assert boxes.mean_placed(many) == -1.0 and boxes.mean_placed(many[1:]) is None
    assert boxes.mean_placed([seen] * 2 * boxes.LEAST_SIGHTINGS) is None, "one thing may stand beside a house"


def test_what_is_painted_over_is_missing_and_what_is_small_is_not_judged() -> None:
    gone = [one for frame in range(3) for one in boxes.sightings(view(told=slice(10, 20), shown=None, frame=frame))]
    assert boxes.worst_track(gone) == (0, 0.0)
    assert boxes.worst_track(gone[:2]) is None
    assert list(boxes.sightings(view(told=slice(10, 12), shown=None))) == []


def test_one_large_picture_does_not_outvote_the_others_that_show_a_vehicle() -> None:
    def seen(frame: int, pixels: int, shown: float) -> boxes.Sighting:
        return boxes.Sighting(
            actor=0, group="vehicle", frame=frame, pixels=pixels, shown=shown, placed=None, visible=1.0
        )

    passing = [*(seen(frame, 100, 0.9) for frame in range(3)), seen(3, 2600, 0.1)]
    worst = boxes.worst_track(passing)
    assert worst == (0, pytest.approx((300 * 0.9 + boxes.MOST_PIXELS * 0.1) / (300 + boxes.MOST_PIXELS)))


def test_a_vehicle_without_a_label_is_a_ghost_of_its_size() -> None:
    assert boxes.largest_ghost(view(told=None, shown=slice(10, 20))).pixels == 100
    assert boxes.largest_ghost(view(told=slice(10, 20), shown=slice(10, 20))).pixels == 0
    assert boxes.largest_ghost(view(told=slice(10, 20), shown=slice(12, 22))).pixels == 0, "the halo of a label"
    beside = boxes.largest_ghost(view(told=slice(10, 20), shown=slice(10, 32)))
    assert beside.pixels == 100, "it touches a label, and goes on beyond its halo"
    assert boxes.largest_ghost(view(told=slice(10, 20), shown=slice(10, 26))).pixels == 0, "only a seam is left of it"


@pytest.mark.parametrize(("rows", "pixels"), [(5, 0), (6, 60)])
def test_what_the_lower_edge_cuts_off_counts_if_it_is_high_enough(rows: int, pixels: float) -> None:
    usual = view(told=None, shown=slice(10, 20))
    seen = usual.seen[:, :1, :1].repeat(H, axis=1).repeat(W, axis=2)
    seen[:, H - rows :, 10:20] = usual.seen[:, 5:6, 10:20]
    assert boxes.largest_ghost(replace(usual, seen=seen)).pixels == pixels


def test_what_lies_flat_on_the_ground_is_no_ghost() -> None:
    parts = np.zeros((H, W), dtype=np.int32)
    parts[5:15, 10:20], parts[17:, 25:35], parts[2:6, 30:] = 1, 2, 3
    camera = view(told=None, shown=None).camera
    # feet 4.5 and 9.5 rows below the horizon, 20 pixels of focal length: 6.67 m and 3.16 m away; tops -4.5 and 7.5 rows
    assert boxes.rises_m(camera, parts) == pytest.approx([3.0, 1.5 - 7.5 / 20 * 1.5 * 20 / 9.5, np.inf])
    flat = view(told=None, shown=slice(10, 20))
    seen = np.roll(flat.seen, 10, axis=1)
    seen[:, :15] = flat.seen[:, :1]
    assert boxes.largest_ghost(replace(flat, seen=seen)).pixels == 0


@pytest.mark.parametrize(("frames", "pixels"), [(1, 0), (4, 100)])
def test_a_ghost_lasts(frames: int, pixels: float) -> None:
    parts = [slice(5, 15)] * frames + [None] * (8 - frames)
    ghosts = [boxes.largest_ghost(view(told=None, shown=part, frame=frame)) for frame, part in enumerate(parts)]
    assert boxes.lasting_ghost(ghosts) == pixels


def test_pictures_side_with_their_own_camera_until_they_are_swapped() -> None:
    left, right = slice(5, 15), slice(20, 30)
    one, two = view(told=left, shown=left), view(told=right, shown=right)
    enough = [(one, two)] * 3
    assert order.views_in_place(sight(*enough)) == 1.0
    swapped = [(replace(one, seen=two.seen), replace(two, seen=one.seen))] * 3
    assert order.views_in_place(sight(*swapped)) == 0.0
    assert order.views_in_place(sight((one, one))) is None


def test_frames_side_with_their_moment_unless_all_moments_are_alike() -> None:
    moving = [view(told=slice(3 * i, 3 * i + 10), shown=slice(3 * i, 3 * i + 10), frame=i) for i in range(10)]
    assert order.frames_in_order(sight(*((one,) for one in moving))) == 1.0
    turned = [(replace(one, seen=other.seen),) for one, other in zip(moving, moving[::-1])]
    assert order.frames_in_order(sight(*turned)) < 0.6
    assert order.frames_in_order(sight(*((moving[0],) for _ in range(10)))) is None


def test_the_same_road_is_as_bright_in_the_next_frame() -> None:
    calm = [(view(told=None, shown=None, frame=i),) for i in range(2)]
    flickering = [(view(told=None, shown=None, frame=i, grey=90 + 51 * i),) for i in range(2)]
    assert order.steadiness(sight(*calm)) == 1.0
    assert order.steadiness(sight(*flickering)) == pytest.approx(0.8)


def test_a_complaint_says_what_was_found_and_what_is_asked() -> None:
    found = Found(scores={"ghost": 200.0, "light": 0.5}, words={"ghost": "a ghost", "light": "dark"}, trust={})
    assert complaints(found, Bounds(ghost=100.0, light=0.4)) == {
        "ghost": "a ghost (judge.ghost is 200, at most 100 is asked)"
    }
    assert complaints(found, Bounds(ghost=None, light=0.6)) == {
        "light": "dark (judge.light is 0.5, at least 0.6 is asked)"
    }


@pytest.fixture
def weights(tmp_path):
    """A network that has learnt nothing."""
    spec = PerceptionSpec(widths=(8, 16, 16, 16), blocks=(1, 1, 1), decoder=16)
    torch.manual_seed(0)
    path = tmp_path / "perception.safetensors"
    save_perception(path, spec, tensors=Perception(spec).state_dict(), about={})
    return path


def test_a_network_that_knows_nothing_finds_nothing_in_place(taken, weights) -> None:
    stage = JudgeStage(plugins.build("judge", {"use": "perception", "weights": weights}))
    stage.open()
    (dropped,) = stage.run([taken])
    assert isinstance(dropped, Dropped)
    assert "judge.placed is" in dropped.reason


def test_without_bounds_a_clip_is_kept_with_its_scores_and_every_large_box_with_its_trust(taken, weights) -> None:
    free = dict.fromkeys(Bounds.model_fields)
    stage = JudgeStage(plugins.build("judge", {"use": "perception", "weights": weights, "bounds": free}))
    stage.open()
    (kept,) = stage.run([taken])
    assert {"judge.placed", "judge.ghost", "judge.light", "judge.weather"} <= set(kept.notes)
    trusts = [label.trust for label in kept.labels if label.trust is not None]
    assert trusts and all(0 <= trust <= 1 for trust in trusts)


def test_a_picture_and_its_mirror_image_are_seen_alike(weights) -> None:
    looker = Looker(open_perception(weights))
    pictures = torch.randint(0, 256, (2, 3, 128, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        seen, mirrored = looker.percept(pictures), looker.percept(pictures.flip(-1))
    assert torch.allclose(seen.classes, mirrored.classes.flip(-1), atol=1e-4)
    assert torch.allclose(seen.weather, mirrored.weather, atol=1e-5)


def test_weights_that_are_not_there_are_told_before_anything_is_filmed(tmp_path) -> None:
    judge = plugins.build("judge", {"use": "perception", "weights": tmp_path / "none.safetensors"})
    with pytest.raises(InputError, match=r"judge.weights: there are none at .*none.safetensors"):
        judge.fingerprint()
