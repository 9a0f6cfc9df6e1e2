"""Every small training for two iterations, looked at and judged; the hooks' effect; going on after a break."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner import Runner
from safetensors.torch import load_file, save_file

from adapters.detector.mmdet3d.components import LabelTrustHook, NuScenesRoots, SyntheticMixHook, register
from adapters.detector.mmdet3d.configs import MODELS, Splits, config_of
from datagen import plugins
from datagen.errors import InputError
from datagen.ports import Lesson
from eval.scoring import open_dataset, score_detection

FEW = ("model.test_cfg.score_thr=0.0", "model.test_cfg.nms_pre=10", "model.test_cfg.max_per_img=10")
LOW = {
    "fcos3d_small": FEW,
    "pgd_small": FEW,
    "centerpoint_small": ("model.pts_bbox_head.bbox_coder.score_threshold=0.0", "model.test_cfg.pts.max_per_img=10"),
}
"""Two iterations teach nothing: predictions are wanted all the same."""
CAMERA = {"load_type": "mv_image_based", "box_type_3d": "Camera", "modality": {"use_camera": True}}


def lesson(made, **more) -> Lesson:
    arm = {"name": "both", "iterations": 2, "batch_size": 2, "seed": 1, **more}
    return Lesson(portions=(made.portion(), made.portion(synthetic=True)), validation=made.portion(), **arm)


@pytest.mark.parametrize("model", LOW)
def test_a_small_detector_learns_and_its_boxes_can_be_judged(model: str, made, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    detector = plugins.build("detector", {"use": "mmdet3d", "model": model, "options": LOW[model]})
    learned = detector.learn(lesson(made, mix=((0.0, 1.0), (1.0, 1.0)), trust="weigh"), tmp_path)
    assert (learned.iterations, learned.batch_size) == (2, 2)
    assert [point["iteration"] for point in learned.curve] == [2]
    assert 0.0 <= learned.curve[0]["detection/mAP"] < 0.5
    found = detector.look(made.portion(), learned.weights)
    assert score_detection(open_dataset(made.root, "v1.0-synth"), "synth_all", found).boxes > 0
    counted = MessageHub.get_current_instance().get_scalar("train/synthetic_share").data[0]
    assert counted.tolist() == [0.5, 0.5]


def test_a_lesson_broken_off_goes_on_and_the_curve_of_another_arm_is_told_against(made, tmp_path: Path) -> None:
    detector = plugins.build("detector", {"use": "mmdet3d", "options": FEW})
    short = lesson(made, iterations=1)
    detector.learn(short, tmp_path / "rival")
    shutil.copytree(tmp_path / "rival", tmp_path / "arm")
    both = replace(short, name="more", iterations=3, evaluate_every=1, rival=tmp_path / "rival" / "curve.jsonl")
    learned = detector.learn(both, tmp_path / "arm")
    assert learned.iterations == 3
    assert [point["iteration"] for point in learned.curve] == [1, 2, 3]
    assert [point["arm"] for point in learned.curve] == ["both", "more", "more"]
    before, after = (load_file(tmp_path / arm / "weights.safetensors") for arm in ("rival", "arm"))
    assert any(not torch.equal(before[key], after[key]) for key in before)
    checkpoint = torch.load(next((tmp_path / "arm" / "mmengine").glob("iter_3.pth")), weights_only=True)
    assert "cfg" not in checkpoint["meta"]


def test_a_lesson_begins_with_the_weights_of_an_earlier_one(made, tmp_path: Path) -> None:
    detector = plugins.build("detector", {"use": "mmdet3d", "options": FEW})
    first = detector.learn(lesson(made, iterations=1), tmp_path / "first").weights
    moved = {name: one + 1.0 if name == "backbone.conv1.weight" else one for name, one in load_file(first).items()}
    save_file(moved, tmp_path / "moved.safetensors")
    learned = detector.learn(lesson(made, iterations=1, weights=tmp_path / "moved.safetensors"), tmp_path / "second")
    after = load_file(learned.weights)["backbone.conv1.weight"]
    torch.testing.assert_close(after, moved["backbone.conv1.weight"], atol=1e-2, rtol=0.0)
    assert not torch.equal(after, moved["backbone.conv1.weight"])
    slow = lesson(made, iterations=1, weights=tmp_path / "moved.safetensors", rate=1e-6)
    still = load_file(detector.learn(slow, tmp_path / "third").weights)["backbone.conv1.weight"]
    torch.testing.assert_close(still, moved["backbone.conv1.weight"], atol=1e-7, rtol=0.0)


def test_the_mixing_hook_changes_what_is_sampled(made) -> None:
    runner = _loader(made)
    before = [draw >= runner.entries for draw in islice(iter(runner.train_dataloader.sampler), 20)]
    SyntheticMixHook(schedule=[(0, 3.0), (0.5, 3.0), (0.5, 0.0), (1, 0.0)]).before_train(runner)
    after = [draw >= runner.entries for draw in islice(iter(runner.train_dataloader.sampler), 20)]
    assert sum(before) == 10
    assert sum(after[:10]) in (7, 8)
    assert not any(after[11:])
    with pytest.raises(InputError, match="progress rising"):
        SyntheticMixHook(schedule=[(0.5, 1.0), (0.0, 1.0)])


def test_distrusted_boxes_have_weight_0_and_half_trusted_ones_half(made, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(made.root, root)
    data = NuScenesRoots([made.source() | {"root": str(root)}], **CAMERA)
    entry = max(range(len(data)), key=lambda at: len(data.get_data_info(at)["ann_info"]["annotation_token"]))
    first, second = data.get_data_info(entry)["ann_info"]["annotation_token"][:2]
    (root / "v1.0-synth" / "trust.json").write_text(json.dumps({str(first): 0.0, str(second): 0.5}))

    def share(hook: LabelTrustHook, token: str, draws: int = 400) -> float:
        runner = _loader(made, data=data)
        hook.before_train(runner)
        drawn = runner.train_dataloader.dataset
        found = [token in drawn.get_data_info(entry)["ann_info"]["annotation_token"] for _ in range(draws)]
        return float(np.mean(found))

    assert share(LabelTrustHook(how="drop", threshold=0.5), first, 5) == 0.0
    assert share(LabelTrustHook(how="drop", threshold=0.5), second, 5) == 1.0
    assert share(LabelTrustHook(how="weigh"), first) == 0.0
    assert share(LabelTrustHook(how="weigh"), second) == pytest.approx(0.5, abs=0.08)


class _Training:
    """What the hooks ask of a runner before training begins: its loader, its length, its seed and its log."""

    def __init__(self, loader, entries: int) -> None:
        from mmengine.logging import MMLogger

        self.train_dataloader, self.entries = loader, entries
        self.max_iters, self.seed = 10, 7
        self.logger = MMLogger.get_instance("training", log_level="WARNING")


def _loader(made, data: NuScenesRoots | None = None) -> _Training:
    once = len(NuScenesRoots([made.source()], **CAMERA))
    data = data or NuScenesRoots([made.source(), made.source(synthetic=True)], **CAMERA)
    sampler = DATA_SAMPLERS.build({"type": "MixtureSampler"}, default_args={"dataset": data, "seed": 0})
    loader = Runner.build_dataloader({"dataset": data, "sampler": sampler, "batch_size": 2, "num_workers": 0})
    return _Training(loader, once)


def test_the_published_configs_aim_at_our_datasets_and_keep_their_models(made) -> None:
    register()
    splits = Splits(training=[made.source()], validation=made.source())
    fcos3d, centerpoint = (config_of(name, splits, iterations=120) for name in ("fcos3d", "centerpoint"))
    assert fcos3d.model.backbone.depth == 101
    assert fcos3d.param_scheduler[1].milestones == [80, 110]
    assert centerpoint.model.pts_voxel_encoder.voxel_size == (0.2, 0.2, 8)
    for config in (fcos3d, centerpoint):
        assert config.train_dataloader.dataset.sources[0].root == str(made.root)
        assert config.train_cfg.max_iters == 120


def test_a_config_of_the_users_own_is_aimed_at_the_sources(made, tmp_path: Path) -> None:
    register()
    path = tmp_path / "mine.py"
    config_of("fcos3d_small", iterations=10).dump(path)
    splits = Splits(training=[made.source()], validation=made.source())
    config = config_of(str(path), splits, iterations=5, batch_size=3, options=("optim_wrapper.optimizer.lr=0.5",))
    assert config.train_dataloader.dataset.sources == [made.source()]
    assert config.train_dataloader.batch_size == 3
    assert config.optim_wrapper.optimizer.lr == 0.5


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        InputError, match=r"no detector model 'fcos3d_smal'; there are: .*Did you mean 'fcos3d_small'\?"
    ):
        config_of("fcos3d_smal", iterations=1)
    assert len(MODELS) == 6
