"""Boxes of a detector held against labels that can be checked by hand; a real detector that looks at a film."""

from __future__ import annotations

import pytest

from adapters.detector.mmdet3d.compiled import provide
from adapters.exporter.nuscenes.tokens import sample_token
from adapters.judge.mmdet3d import Settings, build, verdict_of
from datagen.errors import DependencyError, InputError
from datagen.scene import Category

ALL_NEAR = {"reach_m": 500.0, "visible": 0.0}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(checkpoint=tmp_path / "detector.safetensors", found=0.6, unlabelled=0.5, **ALL_NEAR)


def found_at(label, *, aside_m: float = 0.0, score: float = 0.3, name: str = "car") -> dict:
    x_m, y_m, z_m = label.world_SE3_box.translation_m.tolist()
    return {"translation": [x_m + aside_m, y_m, z_m], "detection_name": name, "detection_score": score}


@pytest.fixture
def car(taken):
    """The label of a car at the first key frame."""
    return next(label for label in taken.labels if label.category is Category.CAR and label.frame == 0)


def test_a_box_of_the_kind_near_a_label_is_trusted_by_its_score(taken, car, settings) -> None:
    token = sample_token("c1", 0)
    for box, trust in (
        (found_at(car), 0.5),
        (found_at(car, score=0.6), 1.0),
        (found_at(car, score=0.15, name="truck"), 0.25),
        (found_at(car, name="pedestrian"), 0.0),
        (found_at(car, aside_m=4.5), 0.0),
    ):
        verdict = verdict_of(taken.clip, [car], boxes={token: [box]}, settings=settings)
        assert verdict.trust == {(car.actor_id, 0): pytest.approx(trust)}


def test_a_clip_without_its_cars_or_with_others_is_not_kept(taken, car, settings) -> None:
    token = sample_token("c1", 0)
    assert verdict_of(taken.clip, [car], boxes={token: [found_at(car)]}, settings=settings).complaints == ()
    gone = verdict_of(taken.clip, [car], boxes={}, settings=settings)
    assert gone.complaints == ("the detector finds 0% of the labels; judge.found is 60%",)
    stranger = found_at(car, aside_m=20.0)
    more = verdict_of(taken.clip, [car], boxes={token: [found_at(car), stranger, stranger]}, settings=settings)
    frames = len(taken.clip.timeline.keyframes)
    assert more.scores == {"unlabelled": 2 / frames, "found": 1.0}
    assert more.complaints == (
        f"the detector finds {2 / frames:.2g} things without a label in a key frame; judge.unlabelled is 0.5",
    )


def test_a_checkpoint_that_is_not_there_is_told_before_anything_is_filmed(settings) -> None:
    with pytest.raises(InputError, match=r"judge.checkpoint: .*detector.safetensors: No such file"):
        build(settings).fingerprint()


def test_a_detector_that_has_learnt_nothing_is_asked_and_finds_nothing(taken, tmp_path) -> None:
    try:
        provide()
    except DependencyError as error:
        pytest.skip(str(error))
    from mmdet3d.registry import MODELS
    from safetensors.torch import save_file

    from adapters.detector.mmdet3d.components import register
    from adapters.detector.mmdet3d.configs import Splits, config_of

    register()
    nowhere = {"root": str(tmp_path), "version": "v", "split": "s"}
    config = config_of("fcos3d_small", Splits(training=[nowhere], validation=nowhere), iterations=1, options=())
    network = MODELS.build(config.model)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, tmp_path / "w.safetensors")
    judge = build(Settings(checkpoint=tmp_path / "w.safetensors", found=0.5, sure=1.0, **ALL_NEAR))
    judge.open()
    verdict = judge.judge(taken.clip, labels=taken.labels)
    assert verdict.scores["found"] == 0.0 and verdict.scores["unlabelled"] == 0.0
    assert verdict.complaints and set(verdict.trust.values()) != {1.0}
    assert len(judge.fingerprint()) == 64
