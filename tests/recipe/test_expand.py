from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from datagen.recipe import PromptSpec, Recipe, derive_seed, expand

NIGHT = PromptSpec(text="a {what} at night", vary={"what": ("van", "bus")}, count=2)
DAY = PromptSpec(text="day traffic")


def recipe(*prompts: PromptSpec, seed: int = 0, scenes: int | None = None) -> Recipe:
    return Recipe(name="r", prompts=prompts, seed=seed, scenes=scenes)


def test_the_grid_times_the_count_in_a_fixed_order() -> None:
    spec = PromptSpec(text="{a} {b}", vary={"a": ("x", "y"), "b": (1, 2.5)}, count=2)
    prompts = expand(recipe(spec), count=None)
    assert [prompt.text for prompt in prompts] == ["x 1", "x 1", "x 2.5", "x 2.5", "y 1", "y 1", "y 2.5", "y 2.5"]
    assert [prompt.index for prompt in prompts] == list(range(8))
    assert prompts[2].values == {"a": "x", "b": "2.5"}
    assert len(prompts) == spec.clips


def test_ids_and_seeds_stay_when_other_prompts_come_and_go() -> None:
    alone = {prompt.id: prompt.seed for prompt in expand(recipe(NIGHT), count=None)}
    among = {prompt.id: prompt.seed for prompt in expand(recipe(DAY, NIGHT, scenes=2), count=None)}
    assert alone.items() <= among.items()
    assert len(among) == 4 + 1 + 2


def test_the_same_words_twice_are_two_clips() -> None:
    twice = expand(recipe(DAY, DAY), count=None)
    counted = expand(recipe(PromptSpec(text="day traffic", count=2)), count=None)
    assert twice == counted
    assert len({prompt.id for prompt in twice}) == len({prompt.seed for prompt in twice}) == 2


def test_ids_are_the_same_on_every_machine() -> None:
    (prompt,) = expand(recipe(DAY), count=None)
    assert (prompt.id, prompt.seed) == ("dae3456320f2729f", 7198398200450926306)


def test_wordless_prompts_are_as_many_as_asked_or_as_there_are() -> None:
    assert [prompt.text for prompt in expand(recipe(scenes=3), count=10)] == ["", "", ""]
    assert len(expand(recipe(), count=10)) == 10
    assert len(expand(recipe(), count=None)) == 0
    assert len(expand(recipe(DAY), count=10)) == 1
    assert len(expand(recipe(DAY, scenes=2), count=10)) == 3


@given(st.integers(0, 2**63 - 1), st.lists(st.text(max_size=5), max_size=3))
def test_a_derived_seed_fits_in_63_bits_and_depends_on_every_name(seed: int, names: list[str]) -> None:
    derived = derive_seed(seed, *names)
    assert 0 <= derived < 2**63
    assert derived == derive_seed(seed, *names)
    assert derived != derive_seed(seed, *names, "film")
    assert derived != derive_seed(seed + 1, *names)


def test_names_of_seeds_do_not_run_together() -> None:
    assert derive_seed(1, "ab", "c") != derive_seed(1, "a", "bc")
    assert derive_seed(1, "1") != derive_seed(11)
