"""The corpus: pairs that agree, in every language, with phrasings kept for the exam."""

from __future__ import annotations

import re

import pytest

from datagen.models.planner.corpus import SHARES, pair
from datagen.models.planner.corpus.tables import LANGUAGES, inflected, language, of_split
from datagen.models.planner.notation import mentions, read_line, write_line
from datagen.scene import Category
from datagen.scene.plan import Color


def test_every_pair_is_a_valid_line_and_the_same_every_time() -> None:
    for seed in range(60):
        one = pair(seed, split="taught")
        assert one == pair(seed, split="taught")
        assert one != pair(seed, split="exam")
        plan = read_line(one.line)
        assert len(one.text) < 1000
        assert all(act for actor in plan.actors for act in actor.manoeuvres)
        assert write_line(plan).count("|") == one.line.count("|")


def test_numbers_and_colours_of_a_line_stand_in_its_text() -> None:
    checked = 0
    for seed in range(150):
        one = pair(seed, split="exam")
        for number in re.findall(r"(?:to|at|under|past|gap|for) ([0-9.]+)", one.line):
            assert number in one.text
            checked += 1
    assert checked > 30


def test_what_is_left_out_is_mentioned_but_for_slips_of_the_pen() -> None:
    said = [
        (one.text, thing)
        for one in (pair(n, split="taught") for n in range(300))
        for thing in read_line(one.line).left_out
    ]
    assert len(said) > 20
    assert sum(mentions(text, thing) for text, thing in said) / len(said) > 0.8


def test_the_exam_s_phrasings_are_never_taught() -> None:
    for code in LANGUAGES:
        for phrases in language(code).acts.values():
            taught, exam = set(of_split(phrases, "taught")), set(of_split(phrases, "exam"))
            assert not taught & exam or len(phrases) < 4 or taught == set(phrases) or exam == set(phrases)
    english = language("en")
    kept = [
        p
        for phrases in english.acts.values()
        if len(phrases) >= 4
        for p in set(phrases) - set(of_split(phrases, "taught"))
    ]
    assert len(kept) > 10


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_table_knows_the_form_s_words(code: str) -> None:
    table = language(code)
    assert set(table.who) <= {category.value for category in Category}
    assert set(table.colors) <= set(Color.__args__)  # type: ignore[attr-defined]
    for phrases in table.acts.values():
        assert all("{" not in re.sub(r"\{(side|from|to)\}", "", phrase) for phrase in phrases)
    if len(table.genders) > 1:
        names = [name for kinds in table.who.values() for names in kinds.values() for name in names]
        assert all(name.split(" ")[0] in table.genders for name in names)
        forms = {len(table.genders) + 1, 2 * len(table.genders)}
        assert all(len(phrases[0].split(" ")) in forms for phrases in table.colors.values())


def test_brackets_choose_a_form() -> None:
    assert [inflected("[cuts|cut|cutting] in", form) for form in range(3)] == ["cuts in", "cut in", "cutting in"]
    assert inflected("[biegt|biegen] ab", 2) == "biegen ab"


def test_languages_come_in_their_shares() -> None:
    found = [pair(seed, split="taught").language for seed in range(300)]
    assert all(abs(found.count(code) / 300 - share) < 0.08 for code, share in SHARES.items())
