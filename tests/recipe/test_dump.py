from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.recipe import Recipe, dump, load_rig, recipe_hash, shipped_recipes

Reload = Callable[[str], Recipe]

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
values = st.lists(words | st.integers() | finite, min_size=1, max_size=3, unique_by=str)


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, object]:
    vary = draw(st.dictionaries(names, values, max_size=2))
    text = draw(words.filter(str.strip)).replace("{", "{{").replace("}", "}}")
    text += "".join(f" {{{name}}}" for name in vary)
    return {"text": text, "count": draw(st.integers(1, 99)), "vary": vary}


scenes = st.fixed_dictionaries(
    {"use": st.just("nuscenes"), "root": st.sampled_from(["a", "../b", "/c d", "~/e"]), "scenes": st.lists(words)},
    optional={"mood": st.sampled_from(["calm", "busy"])},
) | st.fixed_dictionaries({"traffic": st.floats(0, 2)}, optional={"map": st.just({"use": "straight"})})

recipes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True),
        "seed": st.integers(0, 2**63 - 1),
        "prompts": st.lists(prompts() | words.filter(lambda text: text.strip() and not {*"{}"} & {*text}), max_size=3),
        "scenes": st.none() | st.integers(1, 10**6),
        "rig": st.sampled_from(["log", "nuscenes", "shuttle"]),
        "clip": st.fixed_dictionaries(
            {"rate_hz": st.sampled_from([2, 4.0, 12]), "duration_s": st.floats(0, 600, exclude_min=True)}
        ),
        "scene": scenes,
        "export": st.fixed_dictionaries(
            {"version": words, "splits": st.dictionaries(words, st.floats(0, 0.3), max_size=3)}
        ),
        "engine": st.fixed_dictionaries({"workers": st.just("auto") | st.integers(1, 99)}),
    },
)


@settings(max_examples=100, deadline=None)
@given(data=recipes)
def test_a_dumped_recipe_loads_again_to_an_equal_one(reload: Reload, data: dict[str, object]) -> None:
    recipe = reload(json.dumps({"seed": 0, **data}))
    again = reload(dump(recipe))
    assert again == recipe
    assert dump(again) == dump(recipe)
    assert recipe_hash(again) == recipe_hash(recipe)


def test_a_dump_leaves_nothing_unsaid(reload: Reload) -> None:
    text = dump(reload("prompts: [a van brakes]"))
    for line in (
        "seed: 0",
        "- text: a van brakes",
        "  count: 1",
        "  rate_hz: 4.0",
        "    use: rules",
        "  width_px: 224",
    ):
        assert line in text.splitlines(), text


def test_the_hash_knows_what_decides_the_content_and_nothing_else(reload: Reload) -> None:
    digest = recipe_hash(reload("prompts: [a]"))
    assert len(digest) == 64
    for same in ("name: other", "engine: {workers: 3, executor: local}", "film: {width_px: 224}", "clip: {rate_hz: 4}"):
        assert recipe_hash(reload(f"prompts: [a]\n{same}")) == digest
    for other in (
        "seed: 1",
        "film: {width_px: 448}",
        "scene: {planner: {use: none}}",
        "rig: log",
        "judge: {min_labels: 2}",
    ):
        assert recipe_hash(reload(f"prompts: [a]\n{other}")) != digest
    assert recipe_hash(reload("prompts: [b]")) != digest


def test_the_hash_knows_the_rigs_numbers_but_not_its_name(reload: Reload) -> None:
    recipe = reload("prompts: [a]")
    rig = load_rig(shipped_recipes() / "rigs" / "nuscenes.yaml")
    wider = replace(rig, lidar=replace(rig.lidar, elevation_rad=rig.lidar.elevation_rad * 1.01))
    digest = recipe_hash(recipe, rig)
    assert recipe_hash(recipe, replace(rig, name="other")) == digest
    assert recipe_hash(recipe, wider) != digest
    assert recipe_hash(recipe) != digest
