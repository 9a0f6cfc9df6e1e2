"""Preparing drives: what becomes of the processes that do it."""

from __future__ import annotations

import subprocess
import sys

STARTS_ONE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from adapters.video.unimvm.log import end_with_parent

with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""


def test_a_process_that_prepares_ends_with_the_one_that_started_it():
    starter = subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None and int(starter.stdout.readline()) != starter.pid
    starter.kill()
    starter.communicate(timeout=30)  # returns when nobody has its output open any more
