"""The command line: exit codes, and one clear error for each kind of bad input, with nothing half-written."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datagen.cli import ALL_DONE, WRONG_INPUT, main
from datagen.engine import Place
from datagen.engine.session import PoolState, Session

REPO = Path(__file__).resolve().parent.parent
QUICKSTART = REPO / "recipes" / "quickstart.yaml"

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POOL = PoolState(name="film", workers=2, most=4, cpus=0.5, gpus=0, threads=1, busy_s=75, alive_s=100, waiting=5)

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


def test_a_dry_run_says_who_would_do_what_and_writes_nothing(capsys, out):
    assert run(QUICKSTART, out, "--dry-run") == ALL_DONE
    said = capsys.readouterr().out
    assert "4 to make, 0 there already" in said
    assert "clips at a time" in said
    assert "\nfilm " in said
    assert "MB a clip" in said
    assert not out.exists()


def test_status_tells_of_the_session(capsys, tmp_path):
    session = Session(number=3, id="ab", driver="node7/1", total=9, started=NOON, beat=NOON, stages=(POOL,))
    session.write(Place(tmp_path))
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    assert main(["status", str(tmp_path), "--watch"]) == ALL_DONE
    said = capsys.readouterr().out
    assert "0 done, 0 dropped, 0 failed of 9" in said
    assert "session  3 on node7/1: not heard of any more: run again to go on" in said
    assert "film       2 of 4 workers,  75 % busy, 5 waiting" in said


def test_a_key_in_an_address_is_refused_and_not_repeated(capsys):
    assert run(QUICKSTART, "s3://me:hunter2@bucket/runs") == WRONG_INPUT
    said = capsys.readouterr()
    assert "keys do not belong into an address" in said.err
    assert "hunter2" not in said.err + said.out
