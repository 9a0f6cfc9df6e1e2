"""Placeholders in a prompt's text: `{name}`, with `{{` and `}}` for the braces themselves.

Not `str.format`: its fields reach into attributes and indices, and a user's text must not reach anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def placeholders(text: str) -> list[str]:
    """Return the names of the placeholders in `text`, each once, in the order of their first use.

    Raises ValueError for a brace that belongs to no placeholder and for a name that is not a word.
    """
    names: dict[str, None] = {}
    for match in _TOKEN.finditer(text):
        name = match["name"]
        if name is not None and _NAME.match(name):
            names[name] = None
        elif match.group() not in ("{{", "}}"):
            raise ValueError(f"{match.group()!r} is no placeholder; write {{name}}, or {{{{ and }}}} for plain braces")
    return list(names)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders replaced; braces inside the values stay as they are."""
    plain = {"{{": "{", "}}": "}"}
    return _TOKEN.sub(lambda match: values[match["name"]] if match["name"] else plain[match.group()], text)
