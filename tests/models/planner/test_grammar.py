"""The grammar: it lets through every plan that can be written, and nothing that cannot be read."""

from __future__ import annotations

import random

import llguidance
import pytest

from datagen.models.planner.grammar import line_pattern
from datagen.models.planner.instruction import EXAMPLES
from datagen.models.planner.notation import read_line, write_line
from datagen.scene import Category
from datagen.scene.plan import Plan, PlanActor


@pytest.fixture(scope="module")
def matcher() -> llguidance.LLMatcher:
    """A matcher over single bytes: no tokenizer stands between the grammar and the text."""
    made = llguidance.LLMatcher(llguidance.LLTokenizer("byte"), llguidance.LLMatcher.grammar_from_regex(line_pattern()))
    assert not made.is_error(), made.get_error()
    return made


@pytest.mark.parametrize("line", [line for _, line in EXAMPLES])
def test_good_lines_pass(matcher: llguidance.LLMatcher, line: str) -> None:
    spelt = list(f" {line}".encode())
    fresh = matcher.deep_copy()
    assert fresh.try_consume_tokens(spelt) == len(spelt)
    assert fresh.is_accepting()


@pytest.mark.parametrize("category", list(Category))
def test_every_kind_passes_as_it_is_written(matcher: llguidance.LLMatcher, category: Category) -> None:
    for kind in category.kinds:
        spelt = list(f" {write_line(Plan(actors=(PlanActor(category=category, kind=kind),)))}".encode())
        fresh = matcher.deep_copy()
        assert fresh.try_consume_tokens(spelt) == len(spelt), kind
        assert fresh.is_accepting()


@pytest.mark.parametrize(
    "line", ["clear day | car: walk", "sunny day", "clear day | ego: cut in", "clear day | car school"]
)
def test_bad_lines_do_not(matcher: llguidance.LLMatcher, line: str) -> None:
    spelt = list(f" {line}".encode())
    fresh = matcher.deep_copy()
    assert fresh.try_consume_tokens(spelt) < len(spelt) or not fresh.is_accepting()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_written_blindly_is_a_plan(matcher: llguidance.LLMatcher, seed: int) -> None:
    rng, fresh = random.Random(seed), matcher.deep_copy()
    written = bytearray()
    while not fresh.is_stopped() and not (len(written) > 150 and fresh.is_accepting()):
        mask = fresh.compute_bitmask()
        allowed = [token for token in range(128) if mask[token // 8] >> (token % 8) & 1]
        if not allowed:
            break
        written.append(rng.choice(allowed))
        fresh.consume_token(written[-1])
    assert read_line(written.decode()).version == 2
