"""Being connected to Ray: somebody's cluster, or one of our own on this machine, on the loopback, gone afterwards."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import ray
from ray._private import ray_constants
from ray._private.accelerators import NvidiaGPUAcceleratorManager

from datagen.engine.placement import Node
from datagen.errors import DatagenError, InputError

OBJECT_STORE_BYTES = 200 * 1024**2
"""Of the Ray that is started here: only scenes and reports travel through it."""

START_TRIES = 3
"""On a very busy machine Ray's processes may not come up in the time it gives them."""

TEMP_PREFIX = "datagen-"

LONGEST_TEMP_FOLDER = 20
"""Characters. Ray puts Unix sockets 62 characters below what is made in it, and their paths may have 107."""


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to a Ray cluster: the one this process is in already, the one at `address`, or one of our own.

    What is started or connected here is shut down here. Raises InputError if nothing answers at `address`.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    with ExitStack() as stack:
        if address:
            stack.callback(ray.shutdown)
            _connect(address)
        else:
            folder = stack.enter_context(_temp_folder())
            stack.enter_context(_loopback())
            stack.callback(ray.shutdown)  # before the folder goes
            _start(folder)
        yield


def _connect(address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"no Ray cluster answers at '{address}': {error}") from error


def _start(folder: Path) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    for tries_left in reversed(range(START_TRIES)):
        try:
            ray.init(
                address="local",
                num_cpus=len(os.sched_getaffinity(0)),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(folder),
            )
        except Exception as error:  # that is what Ray raises when its processes take longer than 30 s
            ray.shutdown()
            if not tries_left:
                raise DatagenError(f"Ray cannot start on this machine, tried {START_TRIES} times: {error}") from error
        else:
            return


@contextmanager
def _loopback() -> Iterator[None]:
    """Make Ray listen on 127.0.0.1 only.

    Ray replaces a loopback `_node_ip_address` by the machine's outer one, so that other nodes can join, and then
    all its servers listen to everybody. This switch of its own (it is how Ray runs where it cannot form clusters)
    is read once, at import, hence set here and not in the environment alone.
    """
    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _temp_folder() -> Iterator[Path]:
    """Yield a folder for Ray's sockets and logs whose path is short enough for a Unix socket, and remove it.

    Those of drivers that were killed before they could are removed as well.
    """
    parent = Path(tempfile.gettempdir())
    parent = parent if len(str(parent)) <= LONGEST_TEMP_FOLDER else Path("/tmp")
    for left in parent.glob(f"{TEMP_PREFIX}*"):
        pid = left.name.removeprefix(TEMP_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"{TEMP_PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def nodes() -> list[Node]:
    """Return the machines that are there now, and what each has for workers."""
    return [
        Node(cpus=node["Resources"].get("CPU", 0.0), gpus=node["Resources"].get("GPU", 0.0))
        for node in ray.nodes()
        if node["Alive"]
    ]


def there(address: str | None) -> list[Node]:
    """Return the machines a run would have: those of a cluster, or this one, on which nothing is started for it."""
    if ray.is_initialized() or address or os.environ.get("RAY_ADDRESS"):
        with connected(address):
            return nodes()
    cards = NvidiaGPUAcceleratorManager.get_current_node_num_accelerators()
    shown = NvidiaGPUAcceleratorManager.get_current_process_visible_accelerator_ids()
    gpus = cards if shown is None else min(cards, len(shown))
    return [Node(cpus=len(os.sched_getaffinity(0)), gpus=gpus)]
