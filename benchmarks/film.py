"""Seconds per clip of the film model by steps and batch, where they go, and how idle the cores are in a run.

    OMP_NUM_THREADS=1 python benchmarks/film.py [--weights FOLDER] [--steps 5 10 20] [--batch 1 2] [--light day]
                                                [--clips 10]

A clip is 8 frames of six views of the street of `raycast.py`. One process, one thread; processor time, so that what
else the machine does is not counted. Without weights it films with random ones: the time does not depend on what was
learnt. The run goes through the whole engine, with as many workers as there are cores (--clips 0 leaves it out).
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from raycast import cameras, street

from adapters.video.unimvm import Settings
from adapters.video.unimvm.film import SHIPPED, Film
from adapters.video.unimvm.studio import Studio
from datagen import pipeline
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.weights import save_autoencoder
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.spec import TINY
from datagen.models.unimvm.weights import save_unimvm
from datagen.recipe import load_rig, shipped_recipes
from datagen.scene import Ambience, Light, Rig, Shot, regular_timeline
from datagen.stages import write_jpeg

FRAMES = 8
QUALITY = 90


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--steps", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--light", type=Light, choices=list(Light), default=Light.DAY)
    parser.add_argument("--clips", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = asked.weights
        if not weights.exists():
            weights = random_weights(Path(folder) / "weights")
            print(f"no weights at {asked.weights}: random ones")
        by_steps(weights, Path(folder), asked=asked)
        if asked.clips:
            idle_share(weights, Path(folder), clips=asked.clips)


def by_steps(weights: Path, folder: Path, *, asked: argparse.Namespace) -> None:
    """Print a line for each precision, batch and number of steps."""
    heads = (("told %", 8), ("denoise %", 11), ("decode %", 10), ("write %", 9))
    print(
        f"{'precision':10}{'batch':>6}{'steps':>6}{'s/clip':>8}" + "".join(f"{head:>{width}}" for head, width in heads)
    )
    for precision in asked.precision:
        for batch in asked.batch:
            for steps in asked.steps:
                settings = Settings(weights=weights, precision=precision, batch=batch, steps=steps)
                spent = seconds(settings, folder, light=asked.light)
                whole = sum(spent.values())
                told, denoise, decode, write = (100 * part / whole for part in spent.values())
                print(
                    f"{precision:10}{batch:6}{steps:6}{whole / batch:8.1f}{told:8.0f}{denoise:11.0f}{decode:10.0f}"
                    f"{write:9.0f}",
                    flush=True,
                )


def seconds(settings: Settings, folder: Path, *, light: Light) -> dict[str, float]:
    """Return the processor time of each part of making one batch."""
    film = Film(settings)
    studio = Studio.open(film.network_path, film.autoencoder_path, settings=settings)
    shots = [shot(seed, studio, light=light) for seed in range(settings.batch)]
    spent: dict[str, float] = {}
    with clocked(spent, "told"):
        told = studio.told(shots)
    with clocked(spent, "denoise"):
        latents = studio.denoised(told)
    with clocked(spent, "decode"):
        pictures = list(studio.pictures(latents))
    with clocked(spent, "write"):
        for camera, clips in zip(told.shots[0].rig.cameras, pictures):
            for image in clips.reshape(-1, *clips.shape[2:]):
                write_jpeg(image, folder / "picture.jpg", camera=camera, quality=QUALITY)
    return spent


@contextmanager
def clocked(spent: dict[str, float], part: str) -> Iterator[None]:
    """Note the processor time of what is done inside."""
    start = time.process_time()
    yield
    spent[part] = time.process_time() - start


def shot(seed: int, studio: Studio, *, light: Light) -> Shot:
    """Return 8 frames of the street at 4 Hz."""
    scene = street(Ambience(light=light))
    lidar = load_rig(shipped_recipes() / "rigs" / "nuscenes.yaml").lidar
    rig = Rig(name="bench", cameras=cameras(), lidar=lidar).resized(*studio.network.spec.view_px)
    timeline = regular_timeline(0, FRAMES / 4, rate_hz=4.0, views=len(rig.cameras))
    return Shot(clip_id=str(seed), scene=scene, rig=rig, timeline=timeline, seed=seed)


def idle_share(weights: Path, folder: Path, *, clips: int) -> None:
    """Print how long a run takes and how much of the machine idles between its first and its last finished clip."""
    recipe = folder / "bench.yaml"
    recipe.write_text(
        f"prompts: [{{text: dense traffic with a pedestrian, count: {clips}}}]\nclip: {{duration_s: {FRAMES / 4}}}\n",
        encoding="utf-8",
    )
    overrides = ["film.use=unimvm", f"film.weights={weights}"]
    run = pipeline.prepare(recipe, out=folder / "runs", overrides=overrides)
    moments: list[tuple[float, float, int]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            done = sum(run.store.clip_folder(take.id).is_dir() for take in run.takes)
            moments.append((*_jiffies(), done))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    totals = pipeline.run(run, progress=False)
    whole_s = time.perf_counter() - start
    stop.set()
    watcher.join()
    filming = [moment for moment in moments if 0 < moment[2] < clips]
    idle = (filming[-1][0] - filming[0][0]) / (filming[-1][1] - filming[0][1])
    print(f"\n{totals.done} of {clips} clips in {whole_s:.0f} s; cores idle while filming: {100 * idle:.1f} %")


def _jiffies() -> tuple[float, float]:
    """Return how long all cores idled, and how long they were there, in ticks since the machine started (Linux)."""
    ticks = [float(word) for word in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def random_weights(folder: Path) -> Path:
    """Write a `tiny` network and its autoencoder with random weights."""
    torch.manual_seed(0)
    network, autoencoder = UniMVM(TINY), PatchAutoencoder(PatchSpec())
    save_unimvm(folder / "unimvm.safetensors", TINY, tensors=network.state_dict(), about={})
    save_autoencoder(folder / "autoencoder.safetensors", autoencoder.spec, tensors=autoencoder.state_dict(), about={})
    return folder


if __name__ == "__main__":
    main()
