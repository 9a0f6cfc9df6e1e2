"""A YAML file as plain data that remembers which line each key stood on, and collects the file's mistakes.

YAML invites trouble: aliases that unfold without end, tags that build objects, keys given twice, NaN. Only plain
data passes here, within bounds on size, depth and number of values; what does not pass becomes one line of text:

    file:line key.path: what was found; what to do
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from datagen.errors import RecipeError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 50_000
"""Of keys and values, aliases unfolded."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""`("prompts", 2, "text")`, written `prompts.2.text`; lists count from 0."""

MAX_DIGITS = 100

_TAG = "tag:yaml.org,2002:"


class Document:
    """The data of one file, and its mistakes so far.

    data: mappings, lists, strings, integers, finite floats, booleans and None; also None is what could not be
        read, in which case the mistake is on record.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self._lines: dict[KeyPath, int] = {}
        self._overrides: dict[KeyPath, str] = {}
        self._mistakes: dict[str, int] = {}
        self._refused: set[KeyPath] = set()

    def note_line(self, path: KeyPath, line: int, *, anew: bool = False) -> None:
        """Remember where a key stands; a line that is known already stays, unless it is set `anew`."""
        if anew or path not in self._lines:
            self._lines[path] = line

    def mistake(self, path: KeyPath, message: str) -> None:
        """Put a mistake on record, at the place of the key or of the nearest key above it.

        A value that was refused is not complained about again.
        """
        if not self._refused.isdisjoint(_upwards(path)):
            return
        given = next((self._overrides[above] for above in _upwards(path) if above in self._overrides), None)
        line = next((self._lines[above] for above in _upwards(path) if above in self._lines), 1)
        place = f"override '{given}'" if given else f"{self.file}:{line}"
        where = f"{place} {dotted(path)}".rstrip()
        self._mistakes.setdefault(f"{where}: {message}", MAX_BYTES if given else line)

    def refuse(self, path: KeyPath, message: str) -> None:
        """Put on record that a value could not be read; None stands in its place."""
        self.mistake(path, message)
        self._refused.add(path)

    def raise_mistakes(self) -> None:
        """Raise RecipeError with all mistakes on record, in the order of their lines, if there are any."""
        if self._mistakes:
            raise RecipeError(sorted(self._mistakes, key=self._mistakes.__getitem__))

    def override(self, given: str) -> None:
        """Set `key.path=value` (the value is YAML) over what the file says. Raises RecipeError if it cannot."""
        key, equals, value = given.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise RecipeError([f"override '{given}': not of the form key.path=value, as in clip.rate_hz=12"])
        parsed = read_text(value, file=f"override '{given}'")
        parsed.raise_mistakes()
        target: Any = self.data
        path: KeyPath = ()
        for part in parts[:-1]:
            target, path = self._step(target, path, part=part, given=given, default={})
        _, path = self._step(target, path, part=parts[-1], given=given, default=None)
        target[path[-1]] = parsed.data
        self._overrides[path] = given

    def overridden(self, path: KeyPath) -> bool:
        """Say whether a value was set from outside, by an override of its key or of one above it."""
        return any(above in self._overrides for above in _upwards(path))

    def _step(self, target: Any, path: KeyPath, *, part: str, given: str, default: Any) -> tuple[Any, KeyPath]:
        if isinstance(target, dict):
            return target.setdefault(part, default), (*path, part)
        if isinstance(target, list) and part.isdecimal() and int(part) < len(target):
            return target[int(part)], (*path, int(part))
        where = f"'{dotted(path)}' is {described(target)}"
        raise RecipeError([f"override '{given}': {where} and has no '{part}' to set"])


def dotted(path: KeyPath) -> str:
    """Write a key path as people do, on one line whatever the keys are."""
    return ".".join(str(part) if part != "" and str(part).isprintable() else repr(part) for part in path)


def read_document(path: Path) -> Document:
    """Read a file whose top level is a mapping. Raises RecipeError where there is no such thing to read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise RecipeError([f"{path}: no such file; check the path"]) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RecipeError(
            [f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"]
        ) from None
    except OSError as error:
        raise RecipeError([f"{path}: cannot be read ({error.strerror})"]) from error
    if len(raw) > MAX_BYTES:
        raise RecipeError(
            [f"{path}: larger than {MAX_BYTES >> 20} MiB, which nobody writes by hand; is it the right file?"]
        )
    document = read_text(text, file=str(path))
    if document.data is None:
        raise RecipeError([f"{path}: empty; write 'key: value' lines (recipes/README.md says which)"])
    if not isinstance(document.data, dict):
        raise RecipeError([f"{path}: no keys at the top, only {described(document.data)}; write 'key: value' lines"])
    return document


def read_text(text: str, *, file: str) -> Document:
    """Parse YAML. Raises RecipeError where it is not YAML at all or exceeds the bounds."""
    yaml = YAML(typ="safe", pure=True)
    document = Document(file)
    try:
        _check_bounds(yaml, text, file)
        node = yaml.compose(text)
        if node is not None:
            document.data = _Unfolding(document, yaml.constructor).value(node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise RecipeError([f"{where}: not YAML ({what}); mind indentation, quotes and brackets"]) from None
    except (YAMLError, ValueError) as error:
        raise RecipeError([f"{file}: not YAML ({str(error).splitlines()[0]})"]) from None
    return document


def described(value: Any) -> str:
    """Say what a value is, in a few words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list() | tuple():
            return f"a list of {len(value)}"
        case str():
            short = value if len(value) <= 60 else f"{value[:57]}…"
            return f"'{short}'" if short.isprintable() else repr(short)
        case _:
            return str(value)


def _upwards(path: KeyPath) -> Iterator[KeyPath]:
    return (path[:end] for end in range(len(path), -1, -1))


def _check_bounds(yaml: YAML, text: str, file: str) -> None:
    """Look at the stream of events, which costs no memory, before anything is built of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RecipeError([f"{file}:{event.start_mark.line + 1}: nested deeper than {MAX_DEPTH} levels"])
        if count > 2 * MAX_VALUES:
            raise RecipeError([f"{file}: more than {MAX_VALUES:,} values; split it"])


class _Unfolding:
    """Turns YAML nodes into data, counting what aliases unfold to."""

    def __init__(self, document: Document, constructor: Any) -> None:
        self.document = document
        self.constructor = constructor
        self.values = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.document.note_line(path, line)
        self.values += 1
        if len(path) > MAX_DEPTH:
            raise RecipeError([f"{self.document.file}:{line}: nested deeper than {MAX_DEPTH} levels (by an alias)"])
        if self.values > MAX_VALUES:
            raise RecipeError([f"{self.document.file}:{line}: its aliases unfold to more than {MAX_VALUES:,} values"])
        match node:
            case MappingNode() if node.tag == _TAG + "map":
                return self.mapping(node, path)
            case SequenceNode() if node.tag == _TAG + "seq":
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            case ScalarNode():
                return self.scalar(node, path)
            case _:
                return self.document.refuse(path, f"tag '{node.tag}' is not plain data; leave it out")

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _text(key_node.value) if isinstance(key_node, ScalarNode) else None
            if key_node.tag == _TAG + "merge":
                merged |= self.merged(value_node, path)
            elif key is None or key_node.tag not in (_TAG + "str", _TAG + "int"):
                self.document.mistake(
                    path, f"{described(key_node.value)} on line {line} cannot be a key; keys are words"
                )
            elif key in own:
                self.document.mistake((*path, key), f"given again on line {line}; keep one of them")
            else:
                self.document.note_line((*path, key), line, anew=True)
                own[key] = self.value(value_node, (*path, key))
        return merged | own

    def merged(self, node: Node, path: KeyPath) -> dict[str, Any]:
        """Return the keys of `<<: *anchor`; those that stand beside it win."""
        value = self.value(node, path)
        if isinstance(value, dict):
            return value
        self.document.mistake(path, "'<<' takes one mapping, as in '<<: *anchor'")
        return {}

    def scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        match str(node.tag).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return self.constructor.construct_yaml_bool(node)
            case "int" if len(node.value) <= MAX_DIGITS:
                return int(self.constructor.construct_yaml_int(node))
            case "float":
                number = float(self.constructor.construct_yaml_float(node))
                if math.isfinite(number):
                    return number
                return self.document.refuse(path, f"found {node.value}; a finite number is needed")
            case "int":
                return self.document.refuse(
                    path, f"found a number of {len(node.value)} digits; a smaller one is needed"
                )
            case "str" | "timestamp" | "value":
                text = _text(node.value)
                refusal = "found a character that no text or file name can hold; leave it out"
                return self.document.refuse(path, refusal) if text is None else text
            case _:
                return self.document.refuse(path, f"tag '{node.tag}' is not plain data; leave it out")


def _text(value: str) -> str | None:
    r"""Return a text with JSON's escaped pairs (\ud83d\ude00) joined, or None if it is no text."""
    try:
        text = value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
