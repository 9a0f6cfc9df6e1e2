"""Names of test scenarios, as consumer tests and regulations abbreviate them, and of worksites: what they are in words.

Euro NCAP's names are read letter by letter: who is under test (Car), who is the target (Car, Pedestrian, Bicyclist,
Motorcyclist), where it comes from, what it is (Adult, Child), and how. Sources: Euro NCAP AEB Car-to-Car, AEB/LSS VRU
test protocols; UN Regulation No. 157 (ALKS), annex 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    "ccrs": "a stationary car ahead",
    "ccrm": "a slow car ahead",
    "ccrb": "the car ahead brakes hard",
    "ccftap": "we turn left, a car comes towards us",
    "cccscp": "a car crosses the junction",
    "ccfhol": "a car comes towards us",
    "cmcscp": "a motorcycle crosses the junction",
    "ccscp": "a car crosses the junction",
    "ccfhos": "a car comes towards us",
    "cpfa": "an adult runs across the road from the left",
    "cpna": "an adult crosses the road from the right on foot",
    "cpnco": "a child runs out from behind a parked car from the right",
    "cpnc": "a child runs across the road from the right",
    "cpla": "an adult walks along the road",
    "cpta": "we turn right, an adult crosses the road",
    "cbna": "a cyclist crosses the road from the right",
    "cbnao": "a cyclist crosses the road from the right",
    "cbfa": "a cyclist crosses the road from the left",
    "cbla": "a cyclist ahead",
    "cmrs": "a stationary motorcycle ahead",
    "cmrb": "the motorcycle ahead brakes hard",
    "cmftap": "we turn left, a motorcycle comes towards us",
}
"""Seen in right-hand traffic, where the near side is the right."""
_CODE = re.compile(rf"\b({'|'.join(sorted(_NAMES, key=len)[::-1])})(?:[\s-]\d{{2,3}}\b(?!\s*(?:km|mph|m/s|kph)))?")
_SIDES = (
    (re.compile(r"\b(?:from )?(?:the )?near[\s-]?side\b"), "from the right"),
    (re.compile(r"\b(?:from )?(?:the )?far[\s-]?side\b"), "from the left"),
)
_WORKSITE = re.compile(
    r"\b(?:(?:a|an|the|some) )?(?:road[\s-]?works?|(?:road )?construction (?:site|zone|area|works?)|road construction"
    r"|work[\s-]?(?:zone|site)s?|worksite)\b"
)
_ITS_THINGS = re.compile(r"\b(?:cones?|pylons?|barriers?)\b")


def in_words(text: str) -> tuple[str, str]:
    """Return a lower-case text without names of scenarios, and what those stand for where nothing else says it."""
    meant = ", ".join(dict.fromkeys(_NAMES[found[1]] for found in _CODE.finditer(text)))
    kept = _CODE.sub(" ", text) if meant else text
    for side, words in _SIDES:
        kept = side.sub(words, kept)
    if not _ITS_THINGS.search(kept):
        kept = _WORKSITE.sub("six traffic cones and three barriers", kept)
    return kept, meant
