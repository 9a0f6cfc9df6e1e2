"""Any endpoint that speaks OpenAI's chat completions: the vendor's own, vLLM, llama.cpp, Ollama …

`url`: up to and with /v1. `model`: as the endpoint names it. `key_env`: the environment variable that holds the key;
the key itself stands nowhere, null is for endpoints that ask for none. `timeout_s`: of one request. `retries`: how
often a request is repeated that was refused for now (429) or failed (5xx, no answer), waiting longer each time.
`usd_per_million_in`, `usd_per_million_out`: prices of tokens, for the cost in the ledger. `parallel`: requests at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from adapters.planner._answers import Answer
from adapters.planner._language import LanguagePlanner
from datagen.errors import ClipError, InputError
from datagen.models.planner.instruction import instruction
from datagen.models.planner.notation import NotationError, read_line

_BUSY = (429, 500, 502, 503, 504)
_MOST_TOKENS = 400
_MOST_BYTES = 1 << 20


class Settings(BaseModel):
    """What a recipe may say beside `use: openai`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] = "https://api.openai.com/v1"
    key_env: str | None = "OPENAI_API_KEY"
    timeout_s: Annotated[float, Field(gt=0.0, le=600.0)] = 60.0
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    usd_per_million_in: Annotated[float, Field(ge=0.0)] | None = None
    usd_per_million_out: Annotated[float, Field(ge=0.0)] | None = None
    cache: bool = True


def build(settings: Settings) -> LanguagePlanner:
    """Return the planner; nothing is asked yet."""
    return LanguagePlanner(Endpoint(settings), batch=settings.parallel, cache=settings.cache)


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    """The part of a chat completion that is used."""

    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage = _Usage()


class Endpoint:
    """Asks for one line per text; one that is not in the notation is asked for once more, with what is wrong."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._key: str | None = None
        self._session: requests.Session | None = None

    @property
    def identity(self) -> str:
        """The endpoint, its model and the instruction."""
        return f"{self.settings.url} {self.settings.model} {instruction()}"

    def open(self) -> None:
        """Take the key from the environment. Raises InputError if it is not there."""
        name = self.settings.key_env
        self._key = os.environ.get(name) if name else None
        if name and not self._key:
            raise InputError(
                f"the planner 'openai' needs a key in ${name}; set it, or say `key_env: null` if none is asked"
            )
        retry = Retry(
            total=self.settings.retries,
            backoff_factor=0.5,
            backoff_max=30,
            status_forcelist=_BUSY,
            allowed_methods={"POST"},
            raise_on_status=False,
        )
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=self.settings.parallel))

    def write(self, texts: Sequence[str]) -> Sequence[Answer]:
        """Ask for all texts at once. Raises ClipError if the endpoint cannot be reached or says no."""
        with ThreadPoolExecutor(max_workers=self.settings.parallel) as pool:
            return list(pool.map(self._line, texts))

    def _line(self, text: str) -> Answer:
        messages = [{"role": "system", "content": instruction()}, {"role": "user", "content": f"Prompt: {text}"}]
        used: list[_Usage] = []
        line = self._ask(messages, used)
        try:
            read_line(line)
        except NotationError as error:
            wrong = f"That is not in the notation: {error}. Answer with the corrected line alone."
            line = self._ask(
                [*messages, {"role": "assistant", "content": line}, {"role": "user", "content": wrong}], used
            )
        return self._answer(line, used)

    def _answer(self, line: str, used: Sequence[_Usage]) -> Answer:
        tokens_in, tokens_out = sum(u.prompt_tokens for u in used), sum(u.completion_tokens for u in used)
        prices = self.settings.usd_per_million_in, self.settings.usd_per_million_out
        cost = None
        if prices[0] is not None and prices[1] is not None:
            cost = (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6
        return Answer(line=line, tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=cost)

    def _ask(self, messages: list[dict[str, str]], used: list[_Usage]) -> str:
        body = {"model": self.settings.model, "messages": messages, "temperature": 0, "max_tokens": _MOST_TOKENS}
        completion = self._post(body)
        used.append(completion.usage)
        lines = completion.choices[0].message.content.strip().splitlines() or [""]
        return lines[-1].removeprefix("Line:").strip()[:2000]

    def _post(self, body: dict[str, Any]) -> _Completion:
        assert self._session is not None, "open comes before write"
        url = self.settings.url.rstrip("/") + "/chat/completions"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with self._session.post(
                url, json=body, headers=headers, timeout=self.settings.timeout_s, allow_redirects=False, stream=True
            ) as response:
                said = response.raw.read(_MOST_BYTES, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise ClipError(self._without_key(f"{url}: no answer ({error})")) from None
        if response.status_code != requests.codes.ok:
            text = " ".join(said.decode(errors="replace").split())[:200]
            raise ClipError(self._without_key(f"{url}: status {response.status_code}: {text}"))
        try:
            return _Completion.model_validate_json(said)
        except ValidationError as error:
            raise ClipError(f"{url}: not a chat completion: {error.errors()[0]['msg']}") from None

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text
