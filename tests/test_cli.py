"""The command line: exit codes, and one clear error for each kind of bad input, with nothing half-written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from datagen.cli import ALL_DONE, WRONG_INPUT, main

REPO = Path(__file__).resolve().parent.parent
QUICKSTART = REPO / "recipes" / "quickstart.yaml"

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi")
)
TEN_MISTAKES = """\
seeds: 3
seed: many
prompts:
  - text: "a {colour} van"
    count: 0
  - txt: hello
clip: {duration_s: -1, rate_hz: 3}
film: {use: raycsat}
judge: {min_labels: few}
export: {use: nuscenes, version: ../../etc, jpeg_quality: 400}
engine: {executor: slurm}
"""


def run(recipe: Path, out: Path, *more: str) -> int:
    return main(["run", str(recipe), "--out", str(out), *more])


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "runs"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_says_what_a_sound_recipe_asks_for(capsys, out):
    assert main(["check", str(QUICKSTART), "--out", str(out)]) == ALL_DONE
    assert "4 clips, plan → simulate → map → film → label → judge → export" in capsys.readouterr().out
    assert not out.exists()


def test_show_fills_in_the_defaults(capsys):
    assert main(["show", str(QUICKSTART)]) == ALL_DONE
    shown = capsys.readouterr().out
    assert "jpeg_quality: 90" in shown
    assert "use: straight" in shown


def test_a_missing_recipe_is_named(capsys, tmp_path, out):
    assert run(tmp_path / "none.yaml", out) == WRONG_INPUT
    assert "none.yaml" in capsys.readouterr().err
    assert not out.exists()


def test_ten_mistakes_are_told_at_once_with_their_lines(capsys, tmp_path, out):
    assert run(written(tmp_path, TEN_MISTAKES), out) == WRONG_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) >= 10
    assert all("bad.yaml:" in line for line in lines)
    assert any("bad.yaml:8 film.use" in line and "Did you mean 'raycast'?" in line for line in lines)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "alias"),
        ("name: ../../evil\nprompts: [a van brakes]\n", "name"),
        ("prompts: [a van brakes]\nrig: nonesuch\n", "nonesuch"),
        ("prompts: []\n", "prompts"),
        ("scene: {use: nuscenes, root: nowhere}\nrig: log\n", "nowhere"),
        ("prompts: !!python/object/apply:os.system [echo]\n", "bad.yaml:1"),
    ],
)
def test_bad_recipes_get_one_error_that_names_the_place(capsys, tmp_path, out, text, told):
    assert run(written(tmp_path, text), out) == WRONG_INPUT
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
    assert not out.exists()


def test_a_nan_in_a_pose_of_a_log_is_found_before_anything_is_written(capsys, tmp_path, out, nuscenes_mini):
    root = tmp_path / "log"
    shutil.copytree(nuscenes_mini / "v1.0-mini", root / "v1.0-mini", copy_function=shutil.copyfile)
    shutil.copytree(nuscenes_mini / "maps", root / "maps", copy_function=shutil.copyfile)
    table = root / "v1.0-mini" / "ego_pose.json"
    table.parent.chmod(0o755)
    rows = json.loads(table.read_text())
    rows[7]["translation"][1] = float("nan")
    table.write_text(json.dumps(rows))
    recipe = written(tmp_path, f"scene: {{use: nuscenes, root: '{root}'}}\nrig: log\n")
    assert run(recipe, out) == WRONG_INPUT
    error = capsys.readouterr().err
    assert rows[7]["token"] in error
    assert "ego_pose" in error
    assert not out.exists()


@pytest.mark.parametrize("command", [["status"], ["view"], ["validate"]])
def test_a_folder_without_a_run_is_answered_with_what_to_do(capsys, tmp_path, command):
    assert main([*command, str(tmp_path)]) == WRONG_INPUT
    assert str(tmp_path) in capsys.readouterr().err


def test_merging_refuses_an_output_that_exists(capsys, tmp_path):
    assert main(["merge", str(tmp_path), str(tmp_path), "--out", str(tmp_path)]) == WRONG_INPUT
    assert str(tmp_path) in capsys.readouterr().err


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "datagen run recipes/quickstart.yaml" in capsys.readouterr().out
