from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.errors import RecipeError
from datagen.recipe import Recipe, check_words

Reader = Callable[..., Recipe]
Complaints = Callable[..., list[str]]

TEN_MISTAKES = """\
seed: -3
prompts:
  - text: "{wether} in town"
    vary: {weather: [rain, fog]}
  - text: a van
    cuont: 2
clip:
  duration_s: long
  rate_hz: 5
scene:
  use: promt
film: {use: raycast, width: 448, height_px: 100}
judge: {broken_frames: yes}
export: {version: 1.0}
engine: {workers: many}
"""


def test_an_empty_mapping_would_do_if_it_had_prompts(recipe_of: Reader) -> None:
    recipe = recipe_of("prompts: [a van brakes]")
    assert recipe.name == "rain"
    assert recipe.prompts[0].text == "a van brakes"
    assert recipe.prompts[0].count == 1
    assert (recipe.clip.duration_s, recipe.clip.rate_hz, recipe.rig) == (8.0, 4.0, "nuscenes")


def test_defaults_of_adapters_are_filled_in_however_deep(recipe_of: Reader, tmp_path: Path) -> None:
    recipe = recipe_of("prompts: [x]\nscene: {map: {use: straight}}")
    rules = {"use": "rules", "grammar": tmp_path / "grammar.txt", "judge": {"use": "none"}}
    assert recipe.scene == {"use": "prompt", "planner": rules, "map": {"use": "straight"}, "traffic": 1.0}
    assert recipe.film == {"use": "raycast", "width_px": 224, "height_px": 128}
    assert recipe.export["version"] == "v1.0-synth"


def test_an_optional_choice_may_be_none(recipe_of: Reader) -> None:
    assert recipe_of("prompts: [x]\nscene: {map: null}").scene["map"] is None


def test_paths_are_seen_from_the_recipe(recipe_of: Reader, tmp_path: Path) -> None:
    recipe = recipe_of("scene: {use: nuscenes, root: ../data/log}")
    assert recipe.scene["root"] == tmp_path.parent / "data" / "log"


def test_ten_mistakes_are_reported_at_once_each_with_its_line(problems_of: Complaints) -> None:
    problems = problems_of(TEN_MISTAKES)
    assert [problem.split(": ")[0] for problem in problems] == [
        "rain.yaml:1 seed",
        "rain.yaml:3 prompts.0",
        "rain.yaml:6 prompts.1.cuont",
        "rain.yaml:8 clip.duration_s",
        "rain.yaml:9 clip.rate_hz",
        "rain.yaml:11 scene.use",
        "rain.yaml:12 film.width",
        "rain.yaml:12 film.height_px",
        "rain.yaml:13 judge.broken_frames",
        "rain.yaml:14 export.version",
        "rain.yaml:15 engine.workers",
    ]


SAID = [
    ("seed: -3", "rain.yaml:1 seed: found -3; must be at least 0."),
    ("seed: 1.0", "rain.yaml:1 seed: found 1.0; must be a whole number."),
    ("scenes: true", "rain.yaml:1 scenes: found true; must be a whole number."),
    (
        "film: {use: unimvn}",
        "rain.yaml:1 film.use: no video adapter 'unimvn'; there are: raycast, unimvm. Did you mean 'unimvm'?",
    ),
    (
        "film: raycast",
        "rain.yaml:1 film: found 'raycast'; write 'film: {use: word}' with a word of: raycast, unimvm",
    ),
    (
        "clip: {rate: 4}",
        "rain.yaml:1 clip.rate: unknown key; there are: duration_s, rate_hz. Did you mean 'rate_hz'?",
    ),
    ("clip: {rate_hz: 5}", "rain.yaml:1 clip.rate_hz: found 5; key frames are 2 Hz, so take a multiple of that"),
    ("engine: {workers: 0}", "rain.yaml:1 engine.workers: found 0; must be at least 1 or 'auto'."),
    (
        "engine: {executor: rya}",
        "rain.yaml:1 engine.executor: found 'rya'; must be 'ray' or 'local'. Did you mean 'ray'?",
    ),
    ("prompts: {text: a}", "rain.yaml:1 prompts: found a mapping; must be a list."),
    ("prompts: ['  ']", "rain.yaml:1 prompts.0: the text is blank; say what shall happen"),
    (
        "prompts:\n- a {b.c}",
        "rain.yaml:2 prompts.0: '{b.c}' is no placeholder; write {name}, or {{ and }} for plain braces",
    ),
    ("name: ../up", "rain.yaml:1 name: found '../up', which cannot name a file;"),
    (
        "scene:\n  planner: {use: rulse}",
        "rain.yaml:2 scene.planner.use: no planner adapter 'rulse'; there are: none, rules. Did you mean 'rules'?",
    ),
    (
        "scene:\n  planner:\n    judge: {use: none, x: 1}",
        "rain.yaml:3 scene.planner.judge.x: unknown key; there are: use.",
    ),
    ("scene: {use: nuscenes}", "rain.yaml:1 scene.root: missing; it has to be given"),
    ("scene: {use: nuscenes, root: a, mood: bussy}", "must be 'calm' or 'busy'. Did you mean 'busy'?"),
    (
        "scene:\n  use: nuscenes\n  root: a\n  drop:\n  - {scene: a}\n  - {scnee: b}",
        "rain.yaml:6 scene.drop.1.scnee: unknown key; there are: categories, scene. Did you mean 'scene'?",
    ),
    ("export: {splits: {a: 0.7, b: 0.7}}", "rain.yaml:1 export.splits: the shares add up to 1.4;"),
    ("rig: nuscens", "rain.yaml:1 rig: no rig 'nuscens'; there are: log, nuscenes, shuttle, or give a path."),
    ("rig: rigs/none.yaml", "rain.yaml:1 rig: no rig file 'rigs/none.yaml' (looked for rigs/none.yaml)"),
    (
        "prompts: [{text: 'a {b}{c}{d}', vary: {b: [%s], c: [%s], d: [%s]}}]"
        % ((", ".join(map(str, range(200))),) * 3),
        "rain.yaml:1 prompts: they make 8,000,000 clips; at most 1,000,000 go into one recipe, so split it",
    ),
]


@pytest.mark.parametrize(("text", "said"), SAID, ids=range(len(SAID)))
def test_a_mistake_is_said_in_words_that_help(problems_of: Complaints, text: str, said: str) -> None:
    assert any(said in problem for problem in problems_of(text)), problems_of(text)


def test_one_mistake_is_said_once(problems_of: Complaints) -> None:
    assert len(problems_of("prompts: [{text: a}, {text: [b]}]")) == 1
    assert len(problems_of("prompts: [.nan]")) == 1
    assert len(problems_of("scene: {planner: {use: 3}}")) == 1
    assert len(problems_of("scene: {planner: rules}")) == 1
    assert len(problems_of("film: raycast")) == 1
    assert len(problems_of("export: null")) == 1
    assert len(problems_of("rig: [a]")) == 1


BASE = {
    "prompts": ["a", {"text": "{b}", "count": 2, "vary": {"b": ["x", 1]}}],
    "rig": "log",
    "scene": {"use": "prompt", "planner": {"use": "rules", "judge": {"use": "none"}}, "map": {"use": "straight"}},
    "film": {"width_px": 8},
    "clip": {"rate_hz": 4},
    "export": {"splits": {"a": 0.5}},
    "engine": {"workers": "auto"},
}
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["~x/y.yaml", "a" * 300, "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_stands_anywhere_in_a_recipe_only_a_recipe_error_comes(reload: Reader, data: st.DataObject) -> None:
    recipe = copy.deepcopy(BASE)
    holder: Any = recipe
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not (isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans())):
            break
        holder = holder[key]
    holder[key] = data.draw(junk)
    if isinstance(holder, dict) and data.draw(st.booleans()):
        holder[data.draw(st.text())] = holder.pop(key)
    try:
        reload(json.dumps(recipe).replace("NaN", ".nan").replace("Infinity", ".inf"))
    except RecipeError as error:
        assert all(re.fullmatch(r"\S+rain\.yaml:1[ :].*", problem) for problem in error.problems), error.problems


def test_placeholders_and_vary_must_match_both_ways(problems_of: Complaints) -> None:
    (problem,) = problems_of('prompts: [{text: "{wether} now", vary: {weather: [rain]}}]')
    assert "asks for {wether}, which vary does not give. Did you mean 'weather'?" in problem
    assert "vary gives 'weather', which the text does not use" in problem


def test_a_value_given_twice_in_vary_is_a_mistake(problems_of: Complaints) -> None:
    (problem,) = problems_of('prompts: [{text: "{n} vans", vary: {n: [1, 2, "1"]}}]')
    assert "same value twice for 'n'" in problem


def test_a_rig_beside_the_recipe_is_found_before_the_shipped_one(recipe_of: Reader, tmp_path: Path) -> None:
    from datagen.recipe import shipped_recipes

    rigs = tmp_path / "rigs"
    rigs.mkdir()
    rigs.joinpath("mine.yaml").write_text((shipped_recipes() / "rigs" / "shuttle.yaml").read_text())
    assert recipe_of("rig: mine").rig == str(rigs / "mine.yaml")
    assert recipe_of("rig: rigs/mine.yaml").rig == str(rigs / "mine.yaml")
    assert recipe_of("rig: shuttle").rig == "shuttle"
    assert recipe_of("rig: log").rig == "log"


def test_mistakes_in_the_rig_file_are_reported_with_the_recipes(problems_of: Complaints, tmp_path: Path) -> None:
    tmp_path.joinpath("r.yaml").write_text("cameras: []\n")
    problems = problems_of("seed: x\nrig: r.yaml")
    assert [problem.split(":")[1] for problem in problems] == ["1 seed", "2 rig", "2 rig"]
    assert "r.yaml:1 cameras: found a list of 0; must be a list of at least 1." in "".join(problems)


def test_an_override_wins_over_the_file_and_is_yaml(recipe_of: Reader) -> None:
    text = "prompts: [a, {text: b}]\nscene: {use: nuscenes, root: a}"
    recipe = recipe_of(text, "scene.root=../x", "prompts.1.count=3", "clip={duration_s: 2}", "seed=5", "name='7'")
    assert recipe.scene["root"] == Path.cwd().parent / "x", "a path on the command line is seen from where one is"
    assert recipe.prompts[1].count == 3
    assert (recipe.clip.duration_s, recipe.seed, recipe.name) == (2.0, 5, "7")


def test_a_star_in_a_path_stands_for_the_one_place_that_fits(
    recipe_of: Reader, problems_of: Complaints, tmp_path: Path
) -> None:
    text = "prompts: [a]\nscene: {use: nuscenes, root: runs/log-*/dataset}"
    assert recipe_of(text).scene["root"] == tmp_path / "runs/log-*/dataset", "nothing is there yet"
    (tmp_path / "runs/log-1a2b/dataset").mkdir(parents=True)
    assert recipe_of(text).scene["root"] == tmp_path / "runs/log-1a2b/dataset"
    (tmp_path / "runs/log-3c4d/dataset").mkdir(parents=True)
    (problem,) = problems_of(text)
    assert ":2 scene.root: " in problem
    assert "fits 2 places; name one" in problem


def test_a_wrong_override_is_named_instead_of_a_line(problems_of: Complaints) -> None:
    assert problems_of("seed: 1", "seed=x") == ["override 'seed=x' seed: found 'x'; must be a whole number."]
    assert problems_of("seed: 1", "clip.fps=4")[0].startswith("override 'clip.fps=4' clip.fps: unknown key")
    assert "not of the form key.path=value" in problems_of("seed: 1", "seed")[0]
    assert "not of the form key.path=value" in problems_of("seed: 1", ".=3")[0]
    assert "'seed' is 1 and has no 'x' to set" in problems_of("seed: 1", "seed.x=3")[0]
    assert "'prompts' is a list of 1 and has no '4' to set" in problems_of("prompts: [a]", "prompts.4.count=3")[0]
    assert "not YAML" in problems_of("seed: 1", "seed=[")[0]


def test_all_problems_stay_apart_and_travel_between_processes(problems_of: Complaints) -> None:
    error = RecipeError(problems_of(TEN_MISTAKES))
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_words_are_needed_where_scenes_are_made_of_them(recipe_of: Reader) -> None:
    with pytest.raises(RecipeError, match=r"rain\.yaml prompts: none given"):
        check_words(recipe_of("scenes: 3"), needs_text=True, file="rain.yaml")
    with pytest.raises(RecipeError, match="scenes: found 3"):
        check_words(recipe_of("{prompts: [a], scenes: 3}"), needs_text=True)
    check_words(recipe_of("prompts: [a]"), needs_text=True)
    check_words(recipe_of("scenes: 3"), needs_text=False)
