"""Verbs of motion, and the ways they take: neither says what is done, but both together do (`composing`)."""

from __future__ import annotations

from typing import Any

from adapters.planner.rules.doing_words import conjugated
from adapters.planner.rules.place_words import SIDES
from adapters.planner.rules.vocabulary import Token, entries

_VERBS: tuple[tuple[dict[str, Any], str], ...] = (
    (  # aside: whoever does it in front of us leaves his lane
        {"aside": True},
        "pull|swing|slide|slip|nip|duck|sneak|squeeze|slot|edge|nose|steer|thread|ease|switch|drift|zip|cut|"
        "shift|swap|change|take|"
        "worm|wriggle|worm its way|squeeze itself",
    ),
    (
        {"aside": True, "hard": True},
        "dive|jump|leap|push|shove|barge|force its way|push its way|shove its way|force itself|muscle|muscle its way|"
        "lunge|shoulder its way|throw itself|elbow its way",
    ),
    ({"aside": True, "hard": True, "alone": "swerve"}, "swerve|veer|lurch|jerk|dodge|jink|cut across"),
    ({"aside": True, "alone": "lane_change"}, "move over"),
    ({"aside": True, "alone": "stop_and_go"}, "crawl|creep|inch"),
    ({"aside": True, "alone": "swerve"}, "weave|snake|zigzag|zig zag|zig-zag|meander|wobble|sway|slalom"),
    ({}, "come|come over|get|start|exit|depart|head|appear|emerge|enter|join|leave|roll|scoot|glide|come out"),
    ({"alone": "keep_lane"}, "move|go|drive|ride|travel|cruise|cycle|pedal"),
    ({"hard": True}, "shoot|bolt|burst|pop|race|zoom|whizz|whiz|roar|tear|blast|hurtle"),
    ({"hard": True, "foot": True, "alone": "walk"}, "run|sprint|dart|dash|rush|race on foot|hurry|scurry|scamper"),
    (
        {"foot": True, "alone": "walk"},
        "walk|stroll|hobble|limp|stagger|stumble|step|hop|shuffle|wander|jog|stray|amble|saunter|toddle|trot|"
        "tiptoe|plod",
    ),
)
"""What a verb says of itself, and its stems.

aside: it is no driving on, so that "in front of us" behind it is where it leads.  hard: it is done fast.
foot: on foot.  alone: what it is without a way.
"""

_US = "us|me|ego|the ego|our car|my car|the ego car|the ego vehicle|ego vehicle|our vehicle|our bumper|our nose|"
"our bonnet"
_OUR = "our|my|the ego's|ego's|the ego|ego|this|the same"

_WAYS: dict[str, str] = {
    "lane": "into {our} lane|onto {our} lane|into {our} path|in {our} path|into ours|into {our} way|into mine|"
    "over into {our} lane|across into {our} lane|to {our} lane|into the gap|into a gap|into the space|between us and|"
    "in between us and|into {our} side|over to {our} lane|into lane with us|into the gap ahead|onto {our} path|"
    "in front of {us} into {our} lane",
    "front": "in front of {us}|ahead of {us}|before us|just in front of {us}|right in front of {us}|"
    "right ahead of {us}|"
    "just ahead of {us}|infront of {us}|directly in front of {us}|close in front of {us}",
    "clear": "out of {our} lane|out of the lane|out of its lane|out of the way|out of {our} way|out of {our} path|"
    "to the side to let us pass",
    "aside": "aside|to one side|sideways",
    "over": "one lane|a lane|one lane over|one lane further|to the next lane|into the next lane|to the other lane|"
    "into the other lane|onto the other lane|to another lane|into another lane|to the adjacent lane|"
    "into the adjacent lane|into the neighbouring lane|into the fast lane|into the slow lane|across both lanes|"
    "across two lanes|across the lanes|from lane to lane",
    "across": "across the road|across the street|over the road|over the street|over the crossing|over the crosswalk|"
    "over the zebra|over the zebra crossing|across our path|across our way|across the carriageway|across the lane|"
    "across in front of {us}|over the pedestrian crossing|across the crosswalk|across the crossing|"
    "across the lanes on foot|"
    "over to the other side|to the other side|across all lanes|across the pavement|from one side to the other|"
    "over the crossing in front of {us}|over the carriageway",
    "through": "through the junction|through the intersection|through the crossroads|over the junction|"
    "over the intersection|across the junction|across the intersection|over the crossroads|across the crossroads|"
    "out of a side street|out of the side street|from a side street|from the side street|out of a side road|"
    "from a side road",
    "road": "into the road|onto the road|into the street|onto the street|into traffic|into the traffic|"
    "onto the carriageway|off the kerb|off the curb|off the sidewalk|off the pavement|onto the roadway|"
    "into the roadway|"
    "in the road|after it|after the ball|after a ball|after his ball|after her ball|in front of the traffic|"
    "into the lane|onto the lane|out onto the road|out into the road|out into the street|into the middle of the road",
    "past": "past {us}|by us|past|by|around {us}|alongside and past us|past the ego|up beside us and past",
    "between": "through between us and|through between|"
    "between the lanes|between the cars|through the cars|through traffic|through the traffic|"
    "between lanes|"
    "through the jam|between the two lanes|through the queue|between the queues|between queueing cars|"
    "between the two rows of cars|through the gaps|between the vehicles|through the stationary traffic|"
    "through stopped traffic|through standing traffic|between two lanes|between rows of cars",
    "hidden": "from behind|out from behind|from between|out from between|out between|from in between|out of nowhere|"
    "from nowhere|of nowhere|"
    "out behind",
    "kerb_off": "from the kerb|from the curb|from the roadside|out of a parking space|out of a parking spot|"
    "out of the parking space|out of its parking space|out of a parking bay|from the bus stop|from its stop|"
    "from the stop|out of a stop|out of the stop|out of its stop|out of a bus stop|out of the bus stop|"
    "off from the stop|off from the bus stop|from the bay|from its bay|from its spot|from the shoulder|"
    "off the shoulder|from the side of the road|out of a gap between parked cars|off from the kerb|"
    "from kerb|from curb|out of a driveway|from a driveway|out of the driveway|"
    "from a parking space|from a parking spot",
    "kerb_to": "to the kerb|to the curb|to the side|to the side of the road|to the roadside|onto the shoulder|"
    "at the side of the road|at the roadside|at the kerb|at the curb|in at the kerb|in at the curb|to the shoulder|"
    "into the bus stop|to the edge of the road|onto the hard shoulder|at the edge of the road|on the hard shoulder|"
    "on the shoulder|up at the kerb|in at the side of the road|up at the roadside",
    "parking": "into a parking space|into a parking spot|into the parking space|into a parking bay|"
    "into a free space at the kerb|into a space at the kerb|into a gap at the kerb",
    "ramp": "from the ramp|from the on ramp|from an on ramp|from the slip road|from a slip road|"
    "from the acceleration lane|from the on ramp lane|from the entry ramp|from the merging lane|from an entry ramp|"
    "from a ramp|from the merge lane|via the on ramp|via the slip road|down the slip road|off the slip road|"
    "down the on ramp|down the ramp|off the ramp",
    "off": "away|off",
    "back": "backwards|back towards us|backward|in reverse|back into us",
    "corner": "into a side street|into the side street|into a side road|round the corner|around the corner|"
    "into a driveway|into the driveway",
    "forward": "forward|forwards",
    "towards": "towards {us}|toward {us}|at us|straight at us|straight for us|straight towards us|the other way",
}
"""Ways, by what they mean; {our} and {us} stand for any of their forms."""


def _spelt(phrases: str) -> str:
    """Return phrases with every form of {our} and {us}."""
    found = []
    for phrase in phrases.split("|"):
        for us in _US.split("|") if "{us}" in phrase else [""]:
            for our in _OUR.split("|") if "{our}" in phrase else [""]:
                found.append(phrase.replace("{us}", us).replace("{our}", our))
    return "|".join(found)


def going() -> dict[str, Token]:
    """Return the token of every verb of motion, in all its forms."""
    found = {}
    for said, stems in _VERBS:
        for stem in stems.split("|"):
            for phrase, form in conjugated(stem).items():
                if phrase not in SIDES:  # "left" is not what somebody did
                    found[phrase] = Token(kind="go", value=stem, text=phrase, form=form, extra=tuple(said.items()))
    return found


WAYS = entries("way", {way: _spelt(phrases) for way, phrases in _WAYS.items()})
