"""Every key a recipe may have, as Markdown, from the forms that check recipes: what is written here is what is checked.

`datagen reference > docs/reference.md`; a test keeps that file current. Types and bounds come from the forms' JSON
schemas, words from the docstring under a field or from the line `key: words` of its form's docstring.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from datagen import plugins
from datagen.ports import PortRef
from datagen.recipe import Recipe
from datagen.recipe.schema import Form
from datagen.scene import Category

PLACES = {
    "scene": "`scene.use`",
    "planner": "`scene.planner.use`, where the scene is `prompt`",
    "mapmaker": "`scene.map.use`, where the scene is `prompt`",
    "video": "`film.use`",
    "judge": "`judge.use`",
    "exporter": "`export.use`",
    "viewer": "`datagen view --viewer`",
    "trainer": "`datagen train WORD`: the keys of its training recipe",
    "detector": "`detector.use` of a gain experiment",
}
"""Port → where a recipe chooses an adapter of it."""

FEW = 8
"""Words that are named where they may stand; more than these are listed at the end."""

HEAD = """\
# Every key of a recipe

Written by `datagen reference` from the forms that check recipes; do not edit. Keys without a default must be given.
`datagen show RECIPE` prints a recipe with all defaults filled in, `datagen check RECIPE` finds all its mistakes at
once, and `--set KEY=VALUE` changes any key from outside (`--set film.width_px=448`).
"""


def reference() -> str:
    """Return the page."""
    seen: set[type] = set()
    parts = [HEAD, *_form("Recipe", Recipe, seen=seen)]
    for port in plugins.PORTS:
        parts.append(f"## {port.capitalize()}: {PLACES.get(port, f'port `{port}`')}\n")
        for word in plugins.words(port):
            module = plugins.load(port, word)
            parts += _form(f"`{word}`", module.Settings, seen=seen, words=_first_paragraph(module))
    parts.append("## `Category`\n\n" + ", ".join(f"`{category}`" for category in Category) + "\n")
    return "\n".join(parts)


def _form(title: str, form: type[BaseModel], *, seen: set[type], words: str = "") -> Iterator[str]:
    """Yield a form's section, and after it those of the forms its fields hold."""
    seen.add(form)
    yield f"{'##' if form is Recipe else '###'} {title}\n"
    yield f"{words or _sentences(form)}\n"
    rows = list(_rows(form))
    if rows:
        yield "| key | is | default | |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"
    for inner in _inner(form):
        if inner not in seen:
            yield from _form(f"`{inner.__name__}`", inner, seen=seen)


def _rows(form: type[BaseModel]) -> Iterator[str]:
    schema = form.model_json_schema()
    told = {**_lines(form), **_docstrings(form)}
    for name, field in form.model_fields.items():
        key = field.alias or name
        kind = _port(field) or _kind(schema["properties"][key], schema.get("$defs", {}))
        default = "the file's name" if (form, name) == (Recipe, "name") else _default(field)
        yield f"| `{key}` | {_cell(kind)} | {_cell(default)} | {_cell(told.get(name, ''))} |"


def _port(field: FieldInfo) -> str:
    ports = [each.port for each in field.metadata if isinstance(each, PortRef)]
    return f"`{{use: {ports[0]}, …}}`" if ports else ""


def _kind(schema: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    """Return a JSON schema in words."""
    match schema:
        case {"$ref": reference}:
            name = str(reference).rpartition("/")[2]
            few = 0 < len(forms.get(name, {}).get("enum", ())) <= FEW
            return _kind(forms[name], forms) if few else f"`{name}`"
        case {"anyOf": choices} | {"oneOf": choices}:
            return " or ".join(_kind(choice, forms) for choice in choices)
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "prefixItems": items}:
            return "[" + ", ".join(_kind(item, forms) for item in items) + "]"
        case {"type": "array"}:
            return "list of " + _kind(schema.get("items", {}), forms)
        case {"type": "object", "additionalProperties": dict() as values}:
            return "names with " + _kind(values, forms)
        case {"type": "object"}:
            return "`{use: …}`"
        case {"type": "string", "format": "path"}:
            return "path"
        case {"type": kind}:
            words = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "nothing"}
            return words.get(kind, kind) + _bounds(schema)
        case _:
            return "anything"


def _bounds(schema: Mapping[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {schema[key]:,}" for key, sign in signs.items() if key in schema and schema[key] != 2**63]
    told += [f"like `{schema['pattern']}`"] if "pattern" in schema else []
    return f" {', '.join(told)}" if told else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**must be given**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Path):
        return f"`{_relative(value)}`"
    if isinstance(value, BaseModel):
        return "its own" if value == type(value)() else f"`{_plain(value)}`"
    return "" if value in (None, (), {}, "") else f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    return json.dumps(to_jsonable_python(value), ensure_ascii=False).replace('"', "")


def _relative(path: Path) -> str:
    """Return a path of the installation without what is one machine's own."""
    home = Path(__file__).resolve().parent.parent
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()


def _inner(form: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the forms that a form's fields hold, in their order."""
    pending = [field.annotation for field in form.model_fields.values()]
    while pending:
        annotation = pending.pop(0)
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            yield annotation
        pending += list(getattr(annotation, "__args__", ()))


def _docstrings(form: type[BaseModel]) -> dict[str, str]:
    """Return field → the docstring under it, of a form and what it inherits."""
    told: dict[str, str] = {}
    for each in reversed(form.__mro__):
        if issubclass(each, BaseModel) and each not in (BaseModel, Form):
            (body,) = (node for node in ast.parse(textwrap.dedent(inspect.getsource(each))).body)
            assert isinstance(body, ast.ClassDef)
            for line, after in zip(body.body, body.body[1:]):
                match line, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                        told[name] = " ".join(text.split())
    return told


def _lines(form: type[BaseModel]) -> dict[str, str]:
    """Return field → what the form's docstring says of it: `key: words` or `key, key: words`, to the next key."""
    told: dict[str, str] = {}
    name = "(?:" + "|".join(map(re.escape, form.model_fields)) + ")"
    for paragraph in inspect.cleandoc(form.__doc__ or "").split("\n\n")[1:]:
        parts = re.split(rf"(?:^|\s\s)({name}(?:, {name})*): ", paragraph.replace("\n", "  "))
        for names, words in zip(parts[1::2], parts[2::2]):
            told |= dict.fromkeys(names.split(", "), " ".join(words.split()))
    return told


def _sentences(form: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(form.__doc__ or "").split("\n\n")[0].split())


def _first_paragraph(module: ModuleType) -> str:
    return " ".join(inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
