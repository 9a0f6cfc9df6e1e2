"""What pydantic finds wrong, in words a person likes: what was found, what there is, what to do.

Data is validated the way JSON is, strictly: "4" is not a number, 1 is not true, but a string may be a path and
a list a tuple.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from datagen.errors import did_you_mean
from datagen.recipe.document import Document, KeyPath, described

Model = TypeVar("Model", bound=BaseModel)

_NEEDS = {
    "bool_type": "true or false",
    "dict_type": "a mapping (key: value)",
    "enum": "one of {expected}",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "model_type": "a mapping (key: value)",
    "multiple_of": "a multiple of {multiple_of:g}",
    "none_required": "nothing",
    "path_type": "a path",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "string_type": "text (if it looks like something else, put it in quotes)",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
    "tuple_type": "a list",
}


def validated(
    model: type[Model], data: Any, *, document: Document, base: KeyPath = (), also: Iterable[str] = ()
) -> Model | None:
    """Return `data`, which stands at `base` in the document, as a `model`; or None, with all mistakes on record.

    also: keys that are allowed beside the model's own, to be named among what there is.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        for path, message in _sentences(error, model, data, tuple(also)):
            document.mistake((*base, *path), message)
        return None


def _sentences(
    error: ValidationError, model: type[BaseModel], data: Any, also: tuple[str, ...]
) -> list[tuple[KeyPath, str]]:
    """Return one sentence per place; where several types were tried, it names all that would do."""
    sentences: list[tuple[KeyPath, str]] = []
    needs: dict[KeyPath, list[str]] = defaultdict(list)
    found: dict[KeyPath, Any] = {}
    for detail in error.errors(include_url=False):
        path = _path_in(data, detail)
        match detail["type"]:
            case "extra_forbidden":
                there_are = sorted(_keys_at(model, path[:-1]) | (set(also) if len(path) == 1 else set()))
                what = f"unknown key; there are: {', '.join(there_are)}.{did_you_mean(str(path[-1]), there_are)}"
                sentences.append((path, what))
            case "missing":
                sentences.append((path, "missing; it has to be given"))
            case "value_error" | "assertion_error":
                sentences.append((path, str(detail["ctx"]["error"])))
            case _:
                needs[path].append(_need(detail))
                found[path] = detail["input"]
    for path, wanted in needs.items():
        sentences.append((path, f"found {described(found[path])}; needed is {' or '.join(dict.fromkeys(wanted))}"))
    return sentences


def _need(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] not in _NEEDS:
        return detail["msg"].removeprefix("Input should be ")
    need = _NEEDS[detail["type"]].format(**context)
    words = [word.strip("' ") for part in str(context.get("expected", "")).split(" or ") for word in part.split(",")]
    return need + did_you_mean(str(detail["input"]), words).rstrip(".")


def _path_in(data: Any, detail: ErrorDetails) -> KeyPath:
    """Return where in the data an error lies: pydantic's `loc` without the names of types it tried."""
    path: list[str | int] = []
    *above, last = detail["loc"] or ("",)
    for part in (*above, last):
        inside = isinstance(data, dict) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            path.append(part)
    if detail["type"] == "missing":
        path.append(last)
    return tuple(path)


def _keys_at(model: type[BaseModel], path: KeyPath) -> set[str]:
    """Return the keys that the models at a path have."""
    models = {model}
    for part in path:
        if isinstance(part, str):
            fields = [
                field for each in models for name, field in each.model_fields.items() if part in (name, field.alias)
            ]
            models = {inner for field in fields for inner in _models_in(field.annotation)}
    return {field.alias or name for each in models for name, field in each.model_fields.items()}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for argument in get_args(annotation) for model in _models_in(argument)}
