"""What is said of a run where there is no terminal."""

import pytest

from datagen.engine import progress
from datagen.engine.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_now_and_then_with_pace_and_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress(total=100, show=True)
    shown.skipped()
    for state in ("done", "dropped", "failed", "done", "done"):
        clock[0] += 10
        shown.settled(state=state)
    shown.close()
    assert capsys.readouterr().err.splitlines() == [
        "3/100 clips, 1 dropped, 0 failed",
        "5/100 clips, 6.0 clips/min, 16 min left, 1 dropped, 1 failed",
        "6/100 clips, 6.0 clips/min, 16 min left, 1 dropped, 1 failed",
    ]


def test_silence_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress(total=None, show=False)
    shown.settled(state="done")
    shown.say("hello")
    shown.close()
    assert capsys.readouterr().err == ""
