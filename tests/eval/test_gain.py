"""The experiment: what it refuses, what its intervals cover, and one that runs from recipe to page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from adapters.detector.mmdet3d.compiled import provide
from datagen.errors import DependencyError, InputError, RecipeError
from datagen.plugins import settings_of, words
from datagen.recipe import load
from eval import matching
from eval.__main__ import main
from eval.gain import made, with_arms
from eval.gain.compare import Comparison, Result, compare, sign_test
from eval.gain.page import verdict as told_by
from eval.gain.recipe import Arm, Data, Real, load_recipe

SHIPPED = Path(__file__).resolve().parents[2] / "recipes" / "experiments"


HEADLINES = ("mAP", "NDS", "AMOTA")


def verdict(comparison: Comparison) -> str:
    return told_by(comparison, HEADLINES)


def result(arm: str, seed: int, *, skill: float, iterations: int = 100, scenes: int = 12) -> Result:
    """A trial that finds each of 20 cars a scene with probability `skill`, and predicts 5 that are not there."""
    rng = np.random.default_rng([seed, round(1000 * skill)])
    hit = np.concatenate([rng.random(20 * scenes) < skill, np.zeros(5 * scenes, dtype=bool)])
    matches = {
        "car": matching.ClassMatches(
            scene=np.concatenate([np.arange(20 * scenes) % scenes, np.arange(5 * scenes) % scenes]),
            confidence=np.linspace(1.0, 0.1, 25 * scenes),
            hit=np.tile(hit, (4, 1)),
            errors=np.where(hit[:, None], 0.2, np.nan) * np.ones(5),
            truths=np.full(scenes, 20),
        )
    }
    report = {
        "arm": arm,
        "seed": seed,
        "iterations": iterations,
        "batch_size": 6,
        "scenes": [f"scene-{at}" for at in range(scenes)],
        "slice_scenes": {"light:night": ["scene-0", "scene-1"]},
        "slices": {"distance:0-20m": {"mean_ap": skill, "ap_of": {"car": skill}}},
        "tracking": {"amota": skill, "amotp_m": 1.0, "mota": skill, "recall": skill},
    }
    return Result(report=report, matches=matches)


def arm(name: str, skill: float, seeds: int = 3, **more) -> list[Result]:
    return [result(name, seed, skill=skill, **more) for seed in range(seeds)]


def test_a_better_arm_is_told_with_an_interval_above_zero_and_an_equal_one_is_not() -> None:
    better = compare("d", arm("new", 0.8), arm("real", 0.5), resamples=60)
    found = {each.metric: each for each in better.differences}
    low, high = found["mAP"].interval
    assert 0.1 < low < found["mAP"].difference < high
    assert found["mAP"].seeds_ahead == (3, 0)
    assert found["mAP"].scenes_ahead == (12, 0)
    assert found["mAP"].scenes_p == pytest.approx(2 / 2**12)
    assert found["AMOTA"].difference == pytest.approx(0.3)
    assert found["light:night/mAP"].difference > 0
    assert found["distance:0-20m/mAP"].resampled == "seeds"
    assert "light:night/car/AP" not in found
    names = ["light:night/car/AP", "distance:0-20m/car/AP"]
    asked = compare("d", arm("new", 0.8), arm("real", 0.5), resamples=60, also=names)
    assert all(each.difference > 0 for each in asked.differences if each.metric in names)
    assert {each.metric for each in asked.differences} >= set(names)
    same = compare("d", arm("again", 0.501), arm("real", 0.5), resamples=60)
    low, high = next(each for each in same.differences if each.metric == "mAP").interval
    assert low < 0 < high


def test_no_gain_is_told_of_arms_with_unequal_budgets() -> None:
    told = compare("d", arm("new", 0.8, iterations=200), arm("real", 0.5), resamples=20)
    assert told.differences == ()
    assert "no gain is told: unequal budgets (100 iterations of 6 and 200 iterations of 6)" in verdict(told)


def test_fewer_than_three_seeds_are_said_beside_the_number() -> None:
    assert "not enough seeds (2 of 3)" in verdict(
        compare("d", arm("new", 0.8, seeds=2), arm("real", 0.5), resamples=20)
    )
    assert "not enough" not in verdict(compare("d", arm("new", 0.8), arm("real", 0.5), resamples=20))


def test_a_trial_that_predicted_nothing_is_no_zero() -> None:
    silent = [Result(report=each.report, matches=None) for each in arm("new", 0.8)]
    told = compare("d", silent, arm("real", 0.5), resamples=20)
    assert "nothing was predicted with seeds [0, 1, 2]" in verdict(told)


def test_the_sign_test_leaves_ties_out() -> None:
    assert sign_test([0.1, 0.2, 0.0, 0.3]) == (3, 0, 0.25)
    assert sign_test([0.0]) == (0, 0, 1.0)


def test_a_schedule_comes_down_to_real_samples() -> None:
    assert Arm(synthetic="s", ratio=0.5, warm_down=0.25).schedule == ((0.0, 0.5), (0.75, 0.5), (0.75, 0.0), (1.0, 0.0))
    assert Arm(synthetic="s").schedule == ()
    with pytest.raises(ValueError, match="needs `synthetic:`"):
        Arm(real=False)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("gain_*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_experiment_loads(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert len(recipe.seeds) >= 3


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("gain_*.yaml")), ids=lambda path: path.stem)
def test_the_datasets_an_experiment_asks_for_can_be_asked_for(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    train = Data(root=tmp_path, version="v1.0-log", split="train")
    made = [
        data.over(train) for data in (recipe.real.train, recipe.real.val, *recipe.synthetic.values()) if data.recipe
    ]
    recipes = [load(data.recipe, settings_of=settings_of, words_of=words, overrides=data.set) for data in made]
    names = [one.name for one in recipes]
    assert len(set(names)) == len(names), "each has a run of its own"
    for one in recipes:
        if one.scene["use"] == "nuscenes":
            assert (one.scene["root"], one.scene["version"], one.scene["split"]) == (tmp_path, "v1.0-log", "train")
        pictures = {one.film.get("width_px", 224), one.film.get("height_px", 128)}
        assert pictures == {224, 128}


def test_some_arms_of_an_experiment_need_their_own_data_only() -> None:
    recipe = with_arms(load_recipe(SHIPPED / "gain_playground.yaml"), ["real+copies", "prompted"])
    assert list(recipe.arms) == ["real", "real+copies", "prompted"]
    assert list(recipe.synthetic) == ["prompted", "copies"]
    assert recipe.look_at == ("prompted",)
    with pytest.raises(InputError, match=r"no arm 'real\+copy'; there are: real, .*Did you mean 'real\+copies'\?"):
        with_arms(recipe, ["real+copy"])


def test_a_dataset_of_other_clips_than_todays_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        """
name: one
prompts: [a car ahead]
clip: {duration_s: 1.0, rate_hz: 2.0}
film: {use: raycast, width_px: 64, height_px: 40}
engine: {executor: local}
""",
        encoding="utf-8",
    )
    experiment = load_recipe(SHIPPED / "gain_playground.yaml")
    data = Data(recipe=tmp_path / "one.yaml")
    recipe = experiment.model_copy(update={"real": Real(train=data, val=data), "synthetic": {}})
    for _ in range(2):
        root = made(recipe, out=tmp_path / "runs").real.train.root
        (clip,) = (root.parent / "clips").iterdir()
        shutil.rmtree(clip)


def test_mistakes_of_an_experiment_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    text = (SHIPPED / "gain_playground.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("ratio: 1.0", "ratio: -1.0"), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"bad\.yaml:\d+ .*ratio"):
        load_recipe(path)
    path.write_text(text.replace("model: fcos3d_small", "modle: fcos3d_small"), encoding="utf-8")
    with pytest.raises(RecipeError, match="modle"):
        load_recipe(path)


def test_an_experiment_runs_from_recipe_to_page_and_again_without_work(glimpse, tmp_path: Path, capsys) -> None:
    try:
        provide()
    except DependencyError as error:
        pytest.skip(str(error))
    recipe = tmp_path / "tiny.yaml"
    data = f"{{root: {glimpse.dataset}, split: synth_all}}"
    low = "options: [model.test_cfg.score_thr=0.0, model.test_cfg.nms_pre=10, model.test_cfg.max_per_img=10]"
    recipe.write_text(
        f"""
real: {{train: {data}, val: {data}}}
synthetic: {{copy: {data}}}
detectors: {{fcos3d: {{use: mmdet3d, {low}}}}}
seeds: [0, 1]
base: {{iterations: 2, batch_size: 2}}
budget: {{iterations: 1, batch_size: 2}}
reference: real
arms: {{real: {{}}, both: {{synthetic: copy, ratio: 1.0}}}}
look_at: [copy]
resamples: 10
engine: {{executor: local}}
""",
        encoding="utf-8",
    )
    assert main(["gain", str(recipe), "--out", str(tmp_path / "runs")]) == 0
    assert "fcos3d: both against real: mAP " in capsys.readouterr().out
    (folder,) = (tmp_path / "runs").glob("tiny-*")
    found = json.loads((folder / "gain" / "gain.json").read_text())
    assert [(each["arm"], each["budgets"]) for each in found["arms"]] == [
        ("real", [[1, 2]] * 2),
        ("both", [[1, 2]] * 2),
    ]
    assert found["base"]["fcos3d"]["budget"] == [2, 2]
    first = {}
    for clip in (folder / "clips").iterdir():
        told = json.loads((clip / "trial.json").read_text())
        first[told["arm"], told["seed"]] = load_file(clip / "weights.safetensors")["backbone.conv1.weight"]
    base = first.pop(("base", 0))
    assert set(first) == {(arm, seed) for arm in ("real", "both") for seed in (0, 1)}
    for weights in first.values():  # of seed 1, too, whose own beginning would be another
        np.testing.assert_allclose(weights, base, atol=1e-3)  # a step of Adam at 1e-4
        assert (weights != base).any()
    assert "not enough seeds (2 of 3)" in found["differences"][0]["verdict"]
    page = (folder / "gain" / "gain.md").read_text()
    assert "| fcos3d | both | 2 | 1 × 2 |" in page
    assert "before all arms: one fcos3d, 2 iterations of 2 on the real log alone" in page
    assert (folder / "gain" / "curves.png").is_file()
    trials = sorted(path.stat().st_mtime_ns for path in folder.glob("clips/*/trial.json"))
    assert main(["gain", str(recipe), "--out", str(tmp_path / "runs")]) == 0
    assert sorted(path.stat().st_mtime_ns for path in folder.glob("clips/*/trial.json")) == trials
