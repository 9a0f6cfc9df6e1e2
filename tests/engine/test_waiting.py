"""Batches as full as they can be, and lonely jobs."""

from datagen.engine.jobs import Job
from datagen.engine.waiting import Passage, Waiting


def queue(jobs: str, *, batch_size: int) -> Waiting:
    """One job for each letter; a capital goes alone."""
    waiting = Waiting(batch_size=batch_size)
    for index, letter in enumerate(jobs):
        waiting.add(Passage(Job(index=index, item=None, alone=letter.isupper()), letter))
    return waiting


def batches(jobs: str, *, batch_size: int, more_may_come: bool = False) -> list[str]:
    waiting = queue(jobs, batch_size=batch_size)
    taken = []
    while batch := waiting.next_batch(more_may_come=more_may_come):
        taken.append("".join(passage.item for passage in batch))
    return taken


def test_batches_are_full_and_the_last_is_the_rest() -> None:
    assert batches("abcdefg", batch_size=3) == ["abc", "def", "g"]


def test_the_rest_waits_for_what_may_still_come() -> None:
    assert batches("abcdefg", batch_size=3, more_may_come=True) == ["abc", "def"]


def test_a_lonely_job_goes_alone_and_keeps_nobody_waiting() -> None:
    assert batches("abCdE", batch_size=4, more_may_come=True) == ["ab", "C", "d", "E"]
    assert batches("Ab", batch_size=4, more_may_come=True) == ["A"]


def test_an_empty_queue_gives_nothing() -> None:
    assert batches("", batch_size=2) == []


def test_a_call_may_take_several_batches_but_no_part_of_one_while_more_may_come() -> None:
    waiting = queue("abcdefgh", batch_size=3)
    assert "".join(each.item for each in waiting.next_batch(more_may_come=True, most=6)) == "abcdef"
    assert waiting.next_batch(more_may_come=True, most=6) == []
    assert "".join(each.item for each in waiting.next_batch(more_may_come=False, most=6)) == "gh"
    waiting = queue("abcdE", batch_size=3)
    assert "".join(each.item for each in waiting.next_batch(more_may_come=True, most=6)) == "abc"
