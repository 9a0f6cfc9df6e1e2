"""What pydantic finds wrong, in words a person likes: what was found, what there is, what to do.

Data is validated the way JSON is, strictly: "4" is not a number, 1 is not true, but a string may be a path and
a list a tuple.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from datagen.errors import did_you_mean
from datagen.recipe.document import Document, KeyPath, described

Model = TypeVar("Model", bound=BaseModel)

_MUST_BE = {
    "bool_type": "true or false",
    "dict_type": "a mapping (key: value)",
    "enum": "{expected}",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a mapping (key: value)",
    "multiple_of": "a multiple of {multiple_of}",
    "none_required": "left out",
    "path_type": "a path",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "a text of at least {min_length} characters",
    "string_type": "a text (in quotes, where it looks like something else)",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
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
) -> Iterator[tuple[KeyPath, str]]:
    """Yield places and what is wrong there; where several types were tried, all that would do are named.

    Of a choice of types, that the value is not of one of them is no news where another says what is wrong inside.
    """
    musts: dict[KeyPath, list[ErrorDetails]] = defaultdict(list)
    told: set[KeyPath] = set()
    for detail in error.errors(include_url=False):
        path = _path_in(data, detail)
        match detail["type"]:
            case "extra_forbidden":
                message = _unknown_key(path, _keys_at(model, path[:-1]).union(also if len(path) == 1 else ()))
            case "missing":
                message = "missing; it has to be given"
            case "value_error" | "assertion_error":
                message = str(detail["ctx"]["error"])
            case _:
                musts[path].append(detail)
                continue
        told.add(path)
        yield path, message
    for path, details in musts.items():
        if not any(deeper[: len(path)] == path for deeper in told | (musts.keys() - {path})):
            yield path, _must_be(details)


def _unknown_key(path: KeyPath, known: Iterable[str]) -> str:
    there_are = sorted(known)
    return f"unknown key; there are: {', '.join(there_are)}.{did_you_mean(str(path[-1]), there_are)}"


def _must_be(details: Sequence[ErrorDetails]) -> str:
    wanted, words = [], []
    for detail in details:
        context = detail.get("ctx", {})
        usual = detail["msg"].removeprefix("Input should be ")
        wanted.append(_MUST_BE.get(detail["type"], usual.replace("{", "{{").replace("}", "}}")).format(**context))
        words += re.findall(r"'([^']*)'", str(context.get("expected", "")))
    found = details[0]["input"]
    close = did_you_mean(found, words) if isinstance(found, str) else ""
    return f"found {described(found)}; must be {' or '.join(dict.fromkeys(wanted))}.{close}"


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
