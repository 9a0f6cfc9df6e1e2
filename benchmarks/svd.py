"""The `svd` preset beside diffusers' own Stable Video Diffusion pipeline: clips a minute and memory, at one size.

    python benchmarks/svd.py [--folder SVD] [--steps 30] [--view 448 256] [--channels 320 640 1280 1280]

Both make 8 frames of six views as one wide picture in as many Euler steps with guidance, and decode them; each in a
process of its own, so that its peak of memory is its own. Ours draws its conditions as well. Without a folder both take
one with random weights: neither time nor memory depends on what was learnt. `--channels` shrinks that, to try it out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLTemporalDecoder,
    EulerDiscreteScheduler,
    StableVideoDiffusionPipeline,
    UNetSpatioTemporalConditionModel,
)
from film import FRAMES, shot
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from adapters.video.unimvm import Settings
from adapters.video.unimvm.studio import Studio, autoencoder_precision, precision
from datagen.models.autoencoder.weights import open_autoencoder
from datagen.models.unimvm.pipeline import SVD_SAMPLING
from datagen.models.unimvm.spec import SVD
from datagen.models.unimvm.weights import load_svd

VIEWS = SVD.views
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main() -> None:
    """Print a line for each of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of Stable Video Diffusion, as diffusers saves it")
    parser.add_argument("--steps", type=int, default=SVD_SAMPLING.steps)
    parser.add_argument("--view", type=int, nargs=2, default=list(SVD.view_px), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--channels", type=int, nargs=4, default=list(SVD.unet.channels), help="of a random UNet")
    parser.add_argument("--clips", type=int, default=1, help="to make after one that is not counted (on a GPU)")
    asked = parser.parse_args()
    where = torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{FRAMES} frames of {VIEWS} views of {asked.view[0]}x{asked.view[1]}, {asked.steps} steps, {where}")
    print(f"{'':24}{'s/clip':>9}{'clips/min':>11}{'memory, GiB':>13}")
    with tempfile.TemporaryDirectory() as folder:
        svd = asked.folder or random_folder(Path(folder), channels=tuple(asked.channels))
        for name, side in (("diffusers", diffusers_alone), ("UniMVM", unimvm)):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
                seconds, gib = alone.submit(side, svd, asked).result()
            print(f"{name:24}{seconds:9.1f}{60 / seconds:11.2f}{gib:13.1f}", flush=True)


def random_folder(folder: Path, *, channels: tuple[int, ...]) -> Path:
    """Write what is used of Stable Video Diffusion's folder: the UNet, in half precision, and the autoencoder."""
    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=channels, num_attention_heads=tuple(max(1, width // 64) for width in channels)
    )
    unet.half().save_pretrained(folder / "unet", variant="fp16")
    AutoencoderKLTemporalDecoder(
        block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4, layers_per_block=2
    ).save_pretrained(folder / "vae")
    return folder


@torch.inference_mode()
def diffusers_alone(folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Time the pipeline of diffusers: a picture in, a film of the same width out."""
    dtype = precision("auto", DEVICE)
    unet = UNetSpatioTemporalConditionModel.from_pretrained(
        folder, subfolder="unet", variant="fp16" if list((folder / "unet").glob("*fp16*")) else None, torch_dtype=dtype
    )
    vae = AutoencoderKLTemporalDecoder.from_pretrained(folder, subfolder="vae", torch_dtype=dtype)
    eyes = CLIPVisionConfig(
        hidden_size=64, num_hidden_layers=1, num_attention_heads=1, projection_dim=unet.config["cross_attention_dim"]
    )
    pipe = StableVideoDiffusionPipeline(
        vae=vae,
        image_encoder=CLIPVisionModelWithProjection(eyes).to(dtype),
        unet=unet,
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            timestep_type="continuous",
            timestep_spacing="leading",
            use_karras_sigmas=True,
            sigma_min=SVD_SAMPLING.sigma_min,
            sigma_max=SVD_SAMPLING.sigma_max,
        ),
        feature_extractor=CLIPImageProcessorPil(),
    ).to(DEVICE)
    pipe.set_progress_bar_config(disable=True)
    width, height = asked.view[0] * VIEWS, asked.view[1]
    picture = Image.new("RGB", (width, height))

    def clip() -> None:
        pipe(
            picture,
            height=height,
            width=width,
            num_frames=FRAMES,
            num_inference_steps=asked.steps,
            min_guidance_scale=SVD_SAMPLING.guidance[0],
            max_guidance_scale=SVD_SAMPLING.guidance[1],
            fps=4,
            output_type="pt",
        )

    return measured(clip, clips=asked.clips)


@torch.inference_mode()
def unimvm(folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Time ours, from a scene to pictures."""
    dtype = precision("auto", DEVICE)
    network = load_svd(folder, SVD.model_copy(update={"view_px": tuple(asked.view)})).eval().to(DEVICE)
    studio = Studio(
        network=network.in_precision(dtype),
        autoencoder=open_autoencoder(folder, device=DEVICE, svd_dtype=autoencoder_precision(dtype)),
        sampling=SVD_SAMPLING.model_copy(update={"steps": asked.steps}),
        settings=Settings(),
        device=DEVICE,
    )
    seeds = iter(range(1 + asked.clips))

    def clip() -> None:
        list(studio.pictures(studio.denoised(studio.told([shot(next(seeds), studio)]))))

    return measured(clip, clips=asked.clips)


def measured(clip: Callable[[], None], *, clips: int) -> tuple[float, float]:
    """Return seconds for a clip, and the peak of memory in GiB: the card's, or this process's where there is none."""
    if DEVICE.type == "cuda":
        clip()
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(clips):
        clip()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    seconds = (time.perf_counter() - start) / clips
    if DEVICE.type == "cuda":
        return seconds, torch.cuda.max_memory_allocated() / 2**30
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
