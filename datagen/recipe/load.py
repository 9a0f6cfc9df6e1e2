"""A recipe file → a checked Recipe with every default filled in, or one error that lists every mistake.

The recipe's own keys are checked against `schema.Recipe`, the keys beside each `use:` against that adapter's
`Settings`, and so on inwards where an adapter's settings choose further adapters (`datagen.ports.PortRef`).
What adapters there are the caller says, so that this room knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from datagen.errors import RecipeError, did_you_mean
from datagen.ports import PortRef
from datagen.recipe.document import Document, KeyPath, described, read_document
from datagen.recipe.mistakes import validated
from datagen.recipe.rig import LOG, find_rig, load_rig, seen_from, shipped_rig
from datagen.recipe.schema import Recipe

PORT_OF = {"scene": "scene", "film": "video", "judge": "judge", "export": "exporter"}
"""Which port the adapter of each section belongs to."""

SettingsOf = Callable[[str, str], type[BaseModel]]
WordsOf = Callable[[str], list[str]]


def load(path: Path, *, settings_of: SettingsOf, words_of: WordsOf, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file.

    settings_of: (port, word) → the adapter's Settings.  words_of: port → the words it knows.
    overrides: `key.path=value`, the value in YAML, on top of the file.
    Paths in the file are seen from the file's folder, those in overrides from the folder one is in; so are rigs
    that do not ship. A star in a path stands for what only a machine knows, such as a run's hash: one place must fit.
    Raises RecipeError with all mistakes, one a line: `file:line key.path: what was found; what there is`.
    """
    document = read_document(path)
    for given in overrides:
        document.override(given)
    document.data.setdefault("name", path.stem)
    _write_out_plain_prompts(document.data)
    own = {key: value for key, value in document.data.items() if key not in PORT_OF}
    recipe = validated(Recipe, own, document=document, also=PORT_OF)
    folder = path.resolve().parent
    adapters = _Adapters(document=document, folder=folder, settings_of=settings_of, words_of=words_of)
    chosen = {section: adapters.filled((section,), port) for section, port in PORT_OF.items()}
    rig = _checked_rig(document, path)
    document.raise_mistakes()
    assert recipe is not None, "a recipe that does not validate has mistakes on record"
    return recipe.model_copy(update={**chosen, "rig": rig})


def load_settings(
    path: Path,
    model: type[BaseModel],
    *,
    settings_of: SettingsOf,
    words_of: WordsOf,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Read a file that holds one adapter's settings, such as a training recipe; defaults filled in, paths absolute.

    Paths, overrides and mistakes are as `load` has them.
    """
    document = read_document(path)
    for given in overrides:
        document.override(given)
    adapters = _Adapters(document=document, folder=path.resolve().parent, settings_of=settings_of, words_of=words_of)
    filled = adapters.settings(model, document.data, ())
    document.raise_mistakes()
    return filled


def _write_out_plain_prompts(data: dict[str, Any]) -> None:
    """Make `- a text` what it is short for, `- {text: a text}`."""
    if isinstance(data.get("prompts"), list):
        data["prompts"] = [{"text": prompt} if isinstance(prompt, str) else prompt for prompt in data["prompts"]]


@dataclass(frozen=True, kw_only=True)
class _Adapters:
    """Checks `{use: word, ...}` wherever it stands in one document."""

    document: Document
    folder: Path
    settings_of: SettingsOf
    words_of: WordsOf

    def filled(self, path: KeyPath, port: str) -> dict[str, Any]:
        """Return what a section of the recipe chooses, with all defaults; mistakes go on record."""
        default = Recipe.model_fields[str(path[0])].default
        return self.choice(self.document.data.get(path[0], default), path, port, default)

    def choice(self, given: Any, path: KeyPath, port: str, default: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            self.document.mistake(
                path,
                f"found {described(given)}; write '{path[-1]}: {{use: word}}' with a word of:"
                f" {', '.join(self.words_of(port))}",
            )
            return {}
        given = ({"use": default["use"]} if isinstance(default, dict) else {}) | given
        known = self.words_of(port)
        word = given.pop("use", None)
        if word not in known:
            found = "missing" if word is None else f"no {port} adapter {described(word)}"
            close = did_you_mean(str(word), known)
            self.document.mistake((*path, "use"), f"{found}; there are: {', '.join(known)}.{close}")
            return {}
        return {"use": word, **self.settings(self.settings_of(port, word), given, path)}

    def settings(self, model: type[BaseModel], given: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        choices = {name: (port, default) for name, port, default in _choices_in(model)}
        inner = {
            name: self.choice(given.get(name, default), (*path, name), port, default)
            for name, (port, default) in choices.items()
            if given.get(name, default) is not None
        }
        sound = {key: value for key, value in given.items() if key not in choices or isinstance(value, dict | None)}
        settings = validated(model, sound, document=self.document, base=path, also=["use"])
        if settings is None:
            return {}
        return self.resolved(settings.model_dump(by_alias=True), path) | inner

    def resolved(self, value: Any, path: KeyPath) -> Any:
        """Return the value with every path in it made absolute: seen from where it was written (see `load`)."""
        match value:
            case Path():
                return self._meant(
                    seen_from(Path.cwd() if self.document.overridden(path) else self.folder, value), path
                )
            case dict():
                return {key: self.resolved(item, (*path, key)) for key, item in value.items()}
            case list() | tuple():
                return type(value)(self.resolved(item, (*path, place)) for place, item in enumerate(value))
            case _:
                return value

    def _meant(self, place: Path, path: KeyPath) -> Path:
        """Return the one place that a path with stars fits; the path itself if nothing is there yet."""
        fitting = sorted(glob(str(place))) if "*" in str(place) else []  # noqa: PTH207 (of absolute paths)
        if len(fitting) > 1:
            self.document.mistake(path, f"'{place}' fits {len(fitting)} places; name one: {', '.join(fitting)}")
        return Path(fitting[0]) if fitting else place


def _choices_in(model: type[BaseModel]) -> Iterator[tuple[str, str, Any]]:
    """Yield name, port and default of every field that chooses another adapter."""
    for name, field in model.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, PortRef):
                default = None if field.is_required() else field.get_default(call_default_factory=True)
                yield name, mark.port, default


def _checked_rig(document: Document, recipe: Path) -> str:
    """Return the rig as `log`, a word that ships, or an absolute path; its mistakes join the recipe's."""
    given = document.data.get("rig", Recipe.model_fields["rig"].default)
    if given == LOG or not isinstance(given, str):
        return LOG
    try:
        found = find_rig(given, Path.cwd() / recipe.name if document.overridden(("rig",)) else recipe)
        load_rig(found)
    except RecipeError as error:
        for problem in error.problems:
            document.mistake(("rig",), problem)
        return given
    return given if found == shipped_rig(given) else str(found)
