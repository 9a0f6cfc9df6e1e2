"""Prompts to lines: a chat model that can write nothing but the notation.

```
   prompts ─ padded left ─▶ model ─▶ logits ─▶ − where the grammar forbids ─▶ argmax ─▶ one more token each
                              ▲                                                            │
                              └────────────────────────────────────────────────────────────┘
```
Greedy, so the same model, prompts and batch give the same lines. `llguidance` says which tokens may come next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.planner.grammar import line_pattern

MOST_NEW_TOKENS = 120
_HERE = "\ue000"  # a private character: where the prompt stands in a model's chat format


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a model wrote, and the tokens it took; `whole` is False if it was cut at MOST_NEW_TOKENS."""

    text: str
    tokens_in: int
    tokens_out: int
    whole: bool = True


class ChatModel:
    """A causal language model with its tokenizer, its adapter merged into it, and the grammar.

    instruction: what a model that was not fine-tuned must be told first; empty for one that was.
    """

    def __init__(self, folder: Path, *, adapter: Path | None = None, instruction: str = "") -> None:
        self.tokenizer = load_tokenizer(folder)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = load_model(folder)
        if adapter is not None:
            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        self.model = model.to(self.device).eval()
        self._instruction = instruction
        vocabulary = llguidance.hf.from_tokenizer(self.tokenizer, n_vocab=self.model.config.vocab_size)
        grammar = llguidance.LLMatcher.grammar_from_regex(line_pattern())
        self._matcher = llguidance.LLMatcher(vocabulary, grammar)
        if self._matcher.is_error():
            raise InputError(f"{folder}: this tokenizer cannot be held to the grammar ({self._matcher.get_error()})")

    @torch.inference_mode()
    def write(self, texts: Sequence[str]) -> list[Line]:
        """Return one line per text, all decoded together."""
        prompts = [chat(self.tokenizer, text, instruction=self._instruction) for text in texts]
        tokens, seen = _padded_left(prompts, pad=self.tokenizer.eos_token_id)
        matchers = [self._matcher.deep_copy() for _ in texts]
        written: list[list[int]] = [[] for _ in texts]
        past: Any = None
        for _ in range(MOST_NEW_TOKENS):
            answer = self.model(
                input_ids=tokens.to(self.device),
                attention_mask=seen.to(self.device),
                position_ids=(seen.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :].to(self.device),
                past_key_values=past,
                logits_to_keep=1,
            )
            past = answer.past_key_values
            chosen = _allowed(answer.logits[:, -1].float().cpu(), matchers).argmax(-1)
            for row, (matcher, token) in enumerate(zip(matchers, chosen.tolist(), strict=True)):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
                    written[row].append(token)
            if all(matcher.is_stopped() for matcher in matchers):
                break
            tokens, seen = chosen[:, None], torch.cat([seen, torch.ones_like(seen[:, :1])], dim=1)
        return [
            Line(
                text=self.tokenizer.decode(row, skip_special_tokens=True),
                tokens_in=len(prompt),
                tokens_out=len(row),
                whole=matcher.is_stopped(),
            )
            for row, prompt, matcher in zip(written, prompts, matchers, strict=True)
        ]


def _allowed(logits: Float[Tensor, "B tokens"], matchers: Sequence[Any]) -> Float[Tensor, "B tokens"]:
    """Return the logits with minus infinity wherever the grammar forbids the token."""
    for row, matcher in zip(logits, matchers, strict=True):
        if not matcher.is_stopped():
            row.masked_fill_(~_mask(matcher, row.numel()), -torch.inf)
    return logits


def _mask(matcher: Any, size: int) -> Bool[Tensor, "tokens"]:
    bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    mask = torch.zeros(size, dtype=torch.bool)
    allowed = torch.from_numpy(np.unpackbits(bits, bitorder="little")[:size].astype(bool))
    mask[: len(allowed)] = allowed
    return mask


def chat(tokenizer: Any, text: str, *, instruction: str = "") -> list[int]:
    """Return the tokens after which the model writes its line.

    Without an instruction that is the text and a line break, as fine-tuned models are taught; with one, a
    conversation in the model's own format. Nothing in the text is taken for a control token.
    """
    said: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    if not instruction:
        return [*tokenizer.encode(""), *said, *tokenizer.encode("\n", add_special_tokens=False)]
    content = f"{instruction}\n\nPrompt: {_HERE}"
    messages = [{"role": "user", "content": content}]
    framed = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    before, after = framed.split(_HERE)
    head, tail = (tokenizer.encode(piece, add_special_tokens=False) for piece in (before, after))
    return [*head, *said, *tail]


def _padded_left(prompts: Sequence[list[int]], *, pad: int) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Return the prompts as one array that ends where the model goes on, and which of it is theirs."""
    longest = max(map(len, prompts))
    tokens = torch.full((len(prompts), longest), pad)
    seen = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
        seen[row, longest - len(prompt) :] = 1
    return tokens, seen


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model folder. Raises InputError if there is none that can be used."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no Hugging Face tokenizer can be read here ({error})") from error
    if not tokenizer.is_fast:
        raise InputError(f"{folder}: constrained decoding needs a tokenizer.json, which this model lacks")
    return tokenizer


def load_model(folder: Path) -> Any:
    """Return the model of a folder in bfloat16, from safetensors only. Raises InputError if there is none."""
    try:
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no causal language model can be read here ({error})") from error


def weights_sha256(folder: Path) -> str:
    """Return one hash of all weights, of the configuration and of the tokenizer in a folder."""
    named = {
        path.name: file_sha256(path)
        for pattern in ("*.safetensors", "config.json", "adapter_config.json", "tokenizer.json", "*.jinja")
        for path in sorted(folder.glob(pattern))
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
