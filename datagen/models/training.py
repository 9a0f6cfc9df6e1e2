"""One training loop for every network of the house: what is trained is a `Task`, how is `LoopSettings`.

```
   out/  state.safetensors    network, EMA, optimizer and step: where a stopped run goes on
         tensorboard/         curves and pictures
         looks/               the same pictures as files
```

All randomness of a step is a function of (seed, step, rank), and batches are too. So a run that was stopped and
resumed ends, on CPU, with the same bits as one that was not; there is no state of a random generator to keep.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from jaxtyping import UInt8
from PIL import Image
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from tqdm import tqdm

from datagen.errors import DatagenError, InputError
from datagen.models import weights

STATE = "state.safetensors"
FORMAT = "datagen-training-1"
_AHEAD = 3


class LoopSettings(BaseModel):
    """How any network is trained.

    warmup: steps over which a learning rate rises at the start of each phase.  clip_norm: of the gradient.
    ema: decay of the averaged weights, which are the ones that are looked at and shipped.
    checkpoint_every, log_every, look_every: steps.  compile: torch.compile, on a GPU.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    seed: int = 0
    ema: float = 0.999
    warmup: int = 100
    clip_norm: float = 1.0
    weight_decay: float = 0.01
    precision: Literal["no", "bf16"] = "no"
    checkpoint_every: int = 500
    log_every: int = 20
    look_every: int = 1000


class Phase(BaseModel):
    """A stretch of training: `steps` steps of `batch` clips for each process, the rate falling along a half cosine."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: int
    batch: int
    rate: float = 3e-4
    last_rate: float = 3e-5


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which step this is, and which of how many processes."""

    seed: int
    step: int
    rank: int = 0

    def generator(self) -> torch.Generator:
        """Return the random numbers of this share: the same whenever it is run."""
        mixed = (self.seed * 1_000_003 + self.step) * 1_009 + self.rank
        return torch.Generator().manual_seed(mixed % 2**63)


Batch = TypeVar("Batch")


@runtime_checkable
class Task(Protocol[Batch]):
    """What is trained: a network, its data and the loss of one step."""

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def phases(self) -> tuple[Phase, ...]:
        """When it is trained how."""
        ...

    def batch(self, share: Share) -> Batch:
        """Return what one process works on in one step; called ahead of time, from a thread."""
        ...

    def loss(self, network: nn.Module, batch: Batch, *, share: Share) -> tuple[Tensor, dict[str, float]]:
        """Return what to make small, and figures to plot. `network` may be wrapped: call it, do not look into it."""
        ...

    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return pictures of how far it has come, by name; `network` has the averaged weights."""
        ...


def phase_of(phases: tuple[Phase, ...], step: int) -> tuple[Phase, int]:
    """Return the phase a step lies in, and which step of it that is."""
    for phase in phases:
        if step < phase.steps:
            return phase, step
        step -= phase.steps
    raise IndexError("the step lies behind the last phase")


def rate_at(phases: tuple[Phase, ...], step: int, *, warmup: int) -> float:
    """Return the learning rate: rises over `warmup` steps, then follows a half cosine to the phase's last rate."""
    phase, inside = phase_of(phases, step)
    fallen = (1 - cos(pi * inside / phase.steps)) / 2
    return (phase.rate + (phase.last_rate - phase.rate) * fallen) * min(1.0, (inside + 1) / max(1, warmup))


def train(task: Task[Any], out: Path, *, settings: LoopSettings, stop_after: int | None = None) -> Path:
    """Train until the last phase ends, or `stop_after` steps are done in all; go on where `out` was left.

    Without phases the state is what it would begin with. Returns its path. Raises InputError if `out` holds another
    network's state, DatagenError if the loss is no longer a number.
    """
    accelerator = Accelerator(
        mixed_precision=settings.precision,
        log_with="tensorboard",
        project_dir=out,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    accelerator.init_trackers("tensorboard")
    optimizer = torch.optim.AdamW(task.network.parameters(), lr=1.0, weight_decay=settings.weight_decay)
    network, optimizer = accelerator.prepare(task.network.train(), optimizer)
    run = _Run(accelerator.unwrap_model(network), optimizer.optimizer)
    if (out / STATE).exists():
        run.read(out / STATE)
    total = sum(phase.steps for phase in task.phases)
    stop = min(total, stop_after or total)
    share_of = lambda step: Share(seed=settings.seed, step=step, rank=accelerator.process_index)  # noqa: E731
    ahead = Ahead(lambda step: task.batch(share_of(step)), first=run.step, stop=stop)
    bar = tqdm(total=total, initial=run.step, desc=str(out), disable=not accelerator.is_main_process)
    for batch in ahead:
        optimizer.param_groups[0]["lr"] = rate_at(task.phases, run.step, warmup=settings.warmup)
        with accelerator.autocast():
            loss, figures = task.loss(network, batch, share=share_of(run.step))
        if not torch.isfinite(loss):
            raise DatagenError(f"{out}: the loss at step {run.step} is {loss.item()}; try a lower rate")
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(network.parameters(), settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        run.count(settings.ema)
        bar.update()
        if not accelerator.is_main_process:
            continue
        if run.step % settings.log_every == 0 or run.step == stop:
            bar.set_postfix(loss=f"{loss.item():.4f}")
            figures |= {"loss": loss.item(), "gradient": float(norm), "rate": optimizer.param_groups[0]["lr"]}
            accelerator.log(figures, step=run.step)
        if run.step % settings.look_every == 0 or run.step == total:
            tracker = accelerator.get_tracker("tensorboard")
            show(run.looked_at(task, accelerator.device), out, step=run.step, tracker=tracker)
        if run.step % settings.checkpoint_every == 0 or run.step == stop:
            run.write(out / STATE)
    bar.close()
    if accelerator.is_main_process and not (out / STATE).exists():
        run.write(out / STATE)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return out / STATE


class _Run:
    """A network with its averaged twin, its optimizer and the steps done."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.optimizer, self.step = network, optimizer, 0
        self.ema = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def count(self, decay: float) -> None:
        """Count a step, and let the average follow: quickly at first, then by `decay`."""
        self.step += 1
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self.ema[name].lerp_(tensor, 1 - decay)

    def looked_at(self, task: Task[Any], device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return the task's pictures with averaged weights in the network, and put the others back."""
        trained = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(self.ema)
        self.network.eval()
        pictures = task.look(self.network, device=device)
        self.network.load_state_dict(trained)
        self.network.train()
        return pictures

    def write(self, path: Path) -> None:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"ema.{name}": tensor for name, tensor in self.ema.items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"adam.{key}.{name}"] = value
        weights.save(path, tensors, about={"format": FORMAT, "step": str(self.step)})

    def read(self, path: Path) -> None:
        device = next(self.network.parameters()).device
        tensors, about = weights.load(path, device=device)
        if about.get("format") != FORMAT:
            raise InputError(f"{path}: not a training state")
        try:
            self.network.load_state_dict(_below(tensors, "network."))
        except RuntimeError as error:
            raise InputError(f"{path}: another network's state; give this one a folder of its own ({error})") from error
        self.ema = _below(tensors, "ema.")
        self.step = int(about["step"])
        for name, parameter in self.network.named_parameters():
            state = {key: tensors[f"adam.{key}.{name}"] for key in _ADAM if f"adam.{key}.{name}" in tensors}
            if state:
                self.optimizer.state[parameter] = {**state, "step": state["step"].cpu()}


_ADAM = ("step", "exp_avg", "exp_avg_sq")


def averaged(path: Path) -> tuple[dict[str, Tensor], int]:
    """Return the averaged weights of a training state, which are the ones to ship, and the steps they took."""
    tensors, about = weights.load(path)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not a training state")
    return _below(tensors, "ema."), int(about["step"])


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Ahead(Generic[Batch]):
    """Batches by step, made in a thread a few steps before they are needed."""

    def __init__(self, make: Callable[[int], Batch], *, first: int, stop: int) -> None:
        self._make, self._steps = make, range(first, stop)

    def __iter__(self) -> Iterator[Batch]:
        with ThreadPoolExecutor(max_workers=1) as pool:
            waiting: list[Future[Batch]] = []
            for step in self._steps:
                waiting.append(pool.submit(self._make, step))
                if len(waiting) > _AHEAD:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()


def show(pictures: dict[str, UInt8[Tensor, "Hpx Wpx 3"]], out: Path, *, step: int, tracker: Any) -> None:
    """Put pictures beside the curves, and as PNG under `out/looks`."""
    folder = out / "looks"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        tracker.writer.add_image(name, picture.cpu().numpy(), global_step=step, dataformats="HWC")
        Image.fromarray(picture.cpu().numpy()).save(folder / f"{name}-{step:07d}.png")


def write_settings(out: Path, settings: BaseModel) -> None:
    """Keep what a run was asked for beside it."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(settings.model_dump(mode="json"), indent=2, sort_keys=True)
    (out / "settings.json").write_text(text + "\n", encoding="utf-8")
