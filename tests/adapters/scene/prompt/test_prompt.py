"""Words to a scene with a map, through the three stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.scene.prompt import Settings, build
from datagen.ports import Dropped, Take
from datagen.scene import Prompt, Weather


def scene_of(text: str, *, seed: int = 0, **settings: object) -> Take | Dropped:
    source = build(Settings(**settings))  # type: ignore[arg-type]
    prompt = Prompt(id="p", index=0, text=text, seed=seed, duration_s=4.0)
    take: Take | Dropped = Take(id="p", prompt=prompt, workdir=Path())
    for stage in source.stages():
        stage.open()
        assert isinstance(take, Take)
        (take,) = stage.run([take])
        stage.close()
    return take


def test_the_stages_are_plan_simulate_map() -> None:
    source = build(Settings())
    assert [stage.name for stage in source.stages()] == ["plan", "simulate", "map"]
    assert source.needs_text
    assert source.count() is None


def test_words_become_a_scene_with_a_whole_map() -> None:
    take = scene_of("rain, a white van cuts in from the left, and a dragon")
    assert isinstance(take, Take)
    assert take.scene is not None
    assert take.scene.ambience.weather is Weather.RAIN
    assert take.scene.hdmap.drivable
    assert take.scene.description == take.prompt.text
    (van,) = (actor for actor in take.scene.actors if actor.event)
    assert van.look.kind == "van"
    assert "dragon" in take.notes["left_out"]


def test_the_seed_decides() -> None:
    first, second, other = (scene_of("a bus ahead", seed=seed) for seed in (1, 1, 2))
    assert isinstance(first, Take) and isinstance(second, Take) and isinstance(other, Take)
    assert first.scene and second.scene and other.scene
    assert first.scene.hdmap.location == second.scene.hdmap.location != other.scene.hdmap.location
    assert (first.scene.ego.translation_m == second.scene.ego.translation_m).all()


def test_density_zero_is_nobody_else() -> None:
    take = scene_of("a bus ahead", density=0.0)
    assert isinstance(take, Take)
    assert take.scene is not None
    assert len(take.scene.actors) == 1


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(densty=1.0)  # type: ignore[call-arg]
