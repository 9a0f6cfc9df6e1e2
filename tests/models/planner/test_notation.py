"""The notation: what is written is read back, what is out of bounds is clamped and named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.models.planner.instruction import EXAMPLES, instruction
from datagen.models.planner.notation import IN_SI, NotationError, Units, mend, read_line, write_line
from datagen.scene import Category, Light, Place, Weather
from datagen.scene.plan import EGO_DOES, Manoeuvre, Plan, PlanActor, PlanAmbience, PlanRoad, can_do

LINE = (
    "rain night heavy lanes 3 | ego: turn left | 2 white car van ahead gap 20m: "
    "cut in at 3s left to 20km/h gap 4m hard, brake under 10m | out: snow, a dragon"
)


def test_a_line_is_written_as_it_is_read() -> None:
    plan = read_line(LINE)
    assert write_line(plan) == LINE
    (van,) = plan.actors
    assert (van.category, van.kind, van.color, van.count, van.gap_m) == (Category.CAR, "van", "white", 2, 20.0)
    assert van.manoeuvres[0] == Manoeuvre(do="cut_in", at_s=3, side="left", speed_mps=20 / 3.6, gap_m=4, hard=True)
    assert van.manoeuvres[1].when_gap_below_m == 10.0
    assert (plan.road.lanes, plan.density, plan.left_out) == (3, "heavy", ("snow", "a dragon"))


@pytest.mark.parametrize(("said", "mps"), [("36km/h", 10.0), ("25mph", 11.176), ("10m/s", 10.0)])
def test_speeds_keep_the_unit_of_the_text(said: str, mps: float) -> None:
    (act,) = read_line(f"clear day | ego: constant speed to {said}").ego
    assert act.speed_mps == pytest.approx(mps)


def test_what_is_out_of_bounds_is_clamped_and_named() -> None:
    plan = read_line("clear day lanes 9 | 99 car: constant speed to 900km/h, brake gap 1ft")
    (car,) = plan.actors
    assert (plan.road.lanes, car.count) == (4, 8)
    assert (car.manoeuvres[0].speed_mps, car.manoeuvres[1].gap_m) == (40.0, 2.0)
    assert plan.left_out == ("the number 9", "the number 99", "900km/h", "1ft")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "sunny day",
        "clear day | dragon",
        "clear day | car: fly",
        "clear day | car: walk",
        "clear day | ego: cut in left",
        "clear day | car school",
        "clear day | car: brake at 1s at 2s",
        "clear day | car: brake hard hard",
        "clear day" + " | car" * 13,
        "clear day | car: " + ", ".join(["brake"] * 7),
        "__import__('os')",
        "clear day | out",
    ],
)
def test_anything_outside_the_form_is_refused_or_holds_nothing(line: str) -> None:
    try:
        plan = read_line(line)
    except NotationError:
        return
    assert plan == Plan(), "only an empty `out` is harmless"


def test_a_thing_left_out_must_stand_in_the_prompt() -> None:
    line = "clear day | out: snow, a purple dragon"
    assert read_line(line, text="Snow and dragons").left_out == ("snow",)


def test_a_line_cut_short_loses_its_unfinished_end() -> None:
    assert mend("rain day | car: cut in left, bra") == "rain day | car: cut in left"
    assert mend("rain day | car: cut") == "rain day"


def test_the_instruction_names_every_word_and_its_examples_are_lines() -> None:
    told = instruction()
    for prompt, line in EXAMPLES:
        assert write_line(read_line(line, text=prompt)) == line
    for category in Category:
        assert category.value.replace("_", " ") in told
    assert all(do.replace("_", " ") in told for category in Category for do in can_do(category))


NUMBERS = {"speed_mps": (0, 140, 1 / 3.6), "gap_m": (2, 80, 1.0), "takes_s": (1, 20, 1.0)}


def manoeuvres(allowed: frozenset[str]) -> st.SearchStrategy[Manoeuvre]:
    trigger = st.sampled_from(["at_s", "when_gap_below_m", "when_ego_at_m"]).flatmap(
        lambda name: st.integers(2, 60).map(lambda value: {name: float(value)})
    )
    numbers = st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(low, high).map(lambda v, u=unit: v * u) for name, (low, high, unit) in NUMBERS.items()
        },
    )
    rest = st.fixed_dictionaries(
        {
            "do": st.sampled_from(sorted(allowed)),
            "side": st.sampled_from([None, "left", "right"]),
            "hard": st.booleans(),
        }
    )
    return st.builds(lambda a, b, c: Manoeuvre(**{**a, **b, **c}), rest, numbers, st.just({}) | trigger)


def actors() -> st.SearchStrategy[PlanActor]:
    def of(category: Category) -> st.SearchStrategy[PlanActor]:
        return st.builds(
            PlanActor,
            category=st.just(category),
            kind=st.sampled_from(["plain", *category.kinds]),
            color=st.sampled_from([None, "white", "turquoise"]),
            count=st.integers(1, 8),
            where=st.sampled_from([None, "ahead", "opposite"]),
            lane=st.sampled_from([None, "own", "left"]),
            gap_m=st.none() | st.integers(2, 80).map(float),
            state=st.sampled_from([None, "moving", "parked"]),
            manoeuvres=st.lists(manoeuvres(can_do(category)), max_size=6).map(tuple),
        )

    return st.sampled_from(list(Category)).flatmap(of)


PLANS = st.builds(
    Plan,
    ambience=st.builds(
        PlanAmbience,
        weather=st.sampled_from(list(Weather)),
        light=st.sampled_from(list(Light)),
        place=st.sampled_from(list(Place)),
    ),
    road=st.builds(
        PlanRoad,
        lanes=st.integers(1, 4),
        curve=st.sampled_from([None, "left", "right"]),
        crossing=st.booleans(),
        junction=st.booleans(),
    ),
    density=st.sampled_from(["empty", "light", "normal", "heavy"]),
    ego=st.lists(manoeuvres(EGO_DOES), max_size=6).map(tuple),
    actors=st.lists(actors(), max_size=4).map(tuple),
    left_out=st.lists(st.sampled_from(["snow", "a dragon", "the number -5"]), max_size=3, unique=True).map(tuple),
)


@given(PLANS, st.sampled_from(sorted(IN_SI["speed"])))
@settings(max_examples=60, deadline=None)
def test_any_plan_comes_back_to_within_the_rounding_of_its_unit(plan: Plan, unit: str) -> None:
    line = write_line(plan, units=Units(speed=unit))
    back = read_line(line)
    assert write_line(back, units=Units(speed=unit)) == line
    said = [act for who in (plan, *plan.actors) for act in (who.ego if isinstance(who, Plan) else who.manoeuvres)]
    again = [act for who in (back, *back.actors) for act in (who.ego if isinstance(who, Plan) else who.manoeuvres)]
    for first, second in zip(said, again, strict=True):
        assert first.model_copy(update={"speed_mps": None}) == second.model_copy(update={"speed_mps": None})
        assert (first.speed_mps or 0) == pytest.approx(second.speed_mps or 0, abs=0.05 * IN_SI["speed"][unit] + 1e-9)
