from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.errors import RecipeError
from datagen.recipe.document import MAX_BYTES, read_document, read_text

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
)

NO_RECIPES: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "r.yaml: empty;"),
    "comments": ("# only words\n", "r.yaml: empty;"),
    "words": ("just words", "r.yaml: no keys at the top, only 'just words'"),
    "a_list": ("- a\n- b", "r.yaml: no keys at the top, only a list of 2"),
    "not_utf8": (b"seed: 1\nname: caf\xe9", "r.yaml:2: byte 0xe9 is not UTF-8"),
    "open_bracket": ("seed: 1\nprompts: [a", "r.yaml:2: not YAML ("),
    "tab": ("seed: 1\n\tname: x", "r.yaml:2: not YAML ("),
    "two_documents": ("seed: 1\n---\nseed: 2", "not YAML (expected a single document"),
    "undefined_alias": ("a: *b", "r.yaml:1: not YAML (found undefined alias"),
    "control_character": ("seed: \x00", "r.yaml: not YAML ("),
    "key_twice": ("seed: 1\nseed: 2", "r.yaml:1 seed: given again on line 2; keep one of them"),
    "inner_key_twice": ("clip:\n  a: 1\n  a: 2", "r.yaml:2 clip.a: given again on line 3; keep one of them"),
    "python_tag": (
        "seed: !!python/object/apply:os.system [ls]",
        "r.yaml:1 seed: tag 'tag:yaml.org,2002:python/object/apply:os",
    ),
    "own_tag": ("seed: !mine 3", "r.yaml:1 seed: tag '!mine' is not plain data"),
    "binary": ("seed: !!binary aGVsbG8=", "is not plain data; leave it out"),
    "nan_in_list": ("x: [1, .nan]", "r.yaml:1 x.1: found .nan; a finite number is needed"),
    "inf": ("x: -.inf", "r.yaml:1 x: found -.inf; a finite number is needed"),
    "overflow": ("x: 1e999", "r.yaml:1 x: found 1e999; a finite number is needed"),
    "long_number": ("x: " + "9" * 10_000, "found a number of 10000 digits; a smaller one is needed"),
    "nul": ('x: "a\\0"', "r.yaml:1 x: found a character that no text or file name can hold"),
    "half_a_character": ('x: "\\ud800"', "r.yaml:1 x: found a character that no text or file name can hold"),
    "number_key": ("1.5: x", "r.yaml:1: '1.5' on line 1 cannot be a key; keys are words"),
    "list_key": ("? [a]\n: x", "a list of 1 on line 1 cannot be a key"),
    "merge_of_a_number": ("<<: 3", "'<<' takes one mapping"),
    "billion_laughs": (LAUGHS, "its aliases unfold to more than 50,000 values"),
    "alias_in_itself": ("a: &a [*a]", "r.yaml:1: nested deeper than 32 levels (by an alias)"),
    "alias_in_own_mapping": ("a: &a {b: *a}", "r.yaml:1: nested deeper than 32 levels (by an alias)"),
    "deep_brackets": ("a: " + "[" * 100_000, "r.yaml:1: nested deeper than 32 levels"),
    "deep_dashes": ("- " * 100_000, "r.yaml:1: nested deeper than 32 levels"),
    "many_values": ("x: [" + "1," * 400_000 + "]", "more than 50,000 values; split it"),
    "large": ("x: " + "y" * MAX_BYTES, "r.yaml: larger than 1 MiB, which nobody writes by hand; is it the right file?"),
}


def problem_of(path: Path, content: bytes | str) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    started = time.process_time()
    with pytest.raises(RecipeError) as caught:
        document = read_document(path)
        document.raise_mistakes()
    assert time.process_time() - started < 60.0, "a bad file must not cost minutes"
    (problem,) = caught.value.problems
    return problem.replace(f"{path.parent}/", "")


@pytest.mark.parametrize(("content", "said"), NO_RECIPES.values(), ids=NO_RECIPES)
def test_what_is_no_recipe_gives_one_clear_error_fast(tmp_path: Path, content: bytes | str, said: str) -> None:
    problem = problem_of(tmp_path / "r.yaml", content)
    assert said in problem
    assert "\n" not in problem


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_document(tmp_path)


def test_anchors_and_merges_within_bounds_are_welcome() -> None:
    text = "base: &b {a: 1, deep: {x: [1]}}\none: *b\ntwo: {<<: *b, a: 2}\n"
    document = read_text(text, file="r.yaml")
    document.raise_mistakes()
    assert document.data["one"] == {"a": 1, "deep": {"x": [1]}}
    assert document.data["two"] == {"a": 2, "deep": {"x": [1]}}


def test_words_of_yaml_1_1_stay_words() -> None:
    text = "a: yes\nb: 2020-01-01\nc: 1:30\nd: 0o17\ne: 1e3\nf: ~\ng: true\n"
    data = read_text(text, file="r.yaml").data
    assert data == {"a": "yes", "b": "2020-01-01", "c": "1:30", "d": 15, "e": 1000.0, "f": None, "g": True}


def test_json_is_welcome_with_its_escaped_pairs() -> None:
    assert read_text('{"\\ud83d\\ude00": ["\\ud83d\\ude00"]}', file="r.yaml").data == {"😀": ["😀"]}


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfseed: 1")
    assert read_document(path).data == {"seed": 1}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{}&*!|>%@`'\"#,\n\t 01.<")), max_size=40) | st.text(max_size=20))
def test_any_text_is_either_data_or_one_recipe_error(text: str) -> None:
    try:
        document = read_text(text, file="r.yaml")
        document.raise_mistakes()
    except RecipeError as error:
        assert error.problems
        assert all(problem.startswith("r.yaml") for problem in error.problems)
