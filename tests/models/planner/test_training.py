"""Fine-tuning on a tiny model: the loss is over the line alone, a stopped run goes on, the adapter ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.trainer import planner
from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.planner.corpus import Pair, pair
from datagen.models.planner.decoding import load_tokenizer
from datagen.models.planner.exam import Report, fields
from datagen.models.planner.notation import read_line
from datagen.models.planner.training import PlannerTraining, lesson_of, pairs_of, train_planner


def settings(base: Path, **more: object) -> PlannerTraining:
    return PlannerTraining(base=base, **{"steps": 6, "batch": 2, "rank": 2, "warmup": 1, "exam": 4, **more})


def test_only_the_line_is_learnt(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(tiny_model)
    pairs = [
        Pair(text="fog", line="fog day", language="en"),
        Pair(text="a lorry, night", line="clear night | truck", language="en"),
    ]
    lesson = lesson_of(pairs, tokenizer)
    learnt = [tokenizer.decode(row[row != -100], skip_special_tokens=True) for row in lesson.targets]
    assert learnt == [" fog day", " clear night | truck"]
    assert (lesson.tokens[lesson.targets != -100] == lesson.targets[lesson.targets != -100]).all()


def test_a_step_s_pairs_are_its_own_and_alike_in_length(tiny_model: Path) -> None:
    chosen = settings(tiny_model, batch=4)
    steps = [pairs_of(chosen, step) for step in range(8)]
    assert steps == [pairs_of(chosen, step) for step in range(8)]
    assert len({one.text for step in steps for one in step}) >= 30
    spread = [max(len(p.text) for p in step) - min(len(p.text) for p in step) for step in steps]
    whole = [len(p.text) for step in steps for p in step]
    assert sum(spread) / 8 < (max(whole) - min(whole)) / 2


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tiny_model: Path, tmp_path: Path) -> None:
    straight = train_planner(settings(tiny_model), tmp_path / "straight")
    train_planner(settings(tiny_model), tmp_path / "stopped", stop_after=3)
    resumed = train_planner(settings(tiny_model), tmp_path / "stopped")
    assert file_sha256(straight) == file_sha256(resumed)
    card = json.loads((straight.parent / "card.json").read_text())
    assert card["exam_pairs"] == 4
    assert card["pairs_taught"] == 12
    assert card["weights_sha256"] == file_sha256(straight)
    assert len((straight.parent / "exam.jsonl").read_text().splitlines()) == 4
    assert str(tmp_path) not in (straight.parent / "adapter_config.json").read_text()


def test_training_makes_taught_lines_likelier(tiny_model: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", settings(tiny_model, steps=40, rate=0.3, rank=8, checkpoint_every=1)
    path = planner.build(planner.Settings(**said.model_dump())).train(out, stop_after=30)
    assert path.name == "state.safetensors"
    losses = [json.loads(row)["loss"] for row in (out / "log.jsonl").read_text().splitlines()]
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 0.05


def test_another_run_s_state_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    train_planner(settings(tiny_model), tmp_path, stop_after=1)
    state = tmp_path / "state.safetensors"
    tensors, about = weights.load(state)
    weights.save(state, {name: tensor for name, tensor in tensors.items() if "q_proj" not in name}, about=about)
    with pytest.raises(InputError, match="another training's state"):
        train_planner(settings(tiny_model), tmp_path)


def test_the_exam_counts_fields() -> None:
    one = pair(0, split="exam")
    expected = read_line("rain night | car van: cut in left hard")
    found = read_line("rain day | car van: cut in right hard")
    report = Report()
    report.count(one, expected, found)
    figures = report.figures()
    assert dict(fields(expected))["actor0.0.side"] == "left"
    assert (figures["exam_plans_exact"], figures["exam_light_exact"], figures["exam_do_exact"]) == (0.0, 0.0, 1.0)
    assert figures["exam_fields_exact"] == pytest.approx(5 / 7, abs=1e-4)
