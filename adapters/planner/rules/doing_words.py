"""Words for what they do: verbs by their stem, conjugated here, and phrases that do not change."""

from __future__ import annotations

from typing import Any

from adapters.planner.rules.vocabulary import Form, Token

_HARD: dict[str, Any] = {"hard": True}
_STOP: dict[str, Any] = {"speed_mps": 0.0}
_LEFT: dict[str, Any] = {"side": "left"}
_RIGHT: dict[str, Any] = {"side": "right"}

_LEAVING = "|".join(
    f"{verb} {of} {place}"
    for verb in (
        "leave",
        "exit",
        "come out of",
        "edge out of",
        "drive out of",
        "get out of",
        "start from",
        "back out of",
    )
    for of in ("a", "the", "its")
    for place in ("parking space", "parking spot", "parking bay", "parking place", "parking lot", "bus stop", "bay")
)
_AGAINST_LIGHTS = "|".join(
    f"{verb} {light}"
    for verb in ("run", "jump", "ignore", "blow through", "blow", "shoot", "go through", "drive through", "miss",
                 "disregard", "fail to stop at", "not stop at", "burst through", "race through")
    for the in ("the ", "a ", "")
    for light in (f"{the}{what}" for what in ("red light", "red lights", "lights", "light", "red", "stop sign",
                  "traffic lights", "traffic light", "red traffic light", "give way sign", "right of way"))
)  # fmt: skip
"""What the form has no lights and signs for: it is done as crossing the junction."""

_VERBS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "keep_lane",
        {},
        "keep lane|keep the lane|keep its lane|stay in lane|stay in our lane|stay in its lane|drive|"
        "drive straight|drive along|go straight|go|continue|cruise|travel|move|ride|cycle along|proceed|"
        "drive on|go on|drive straight on",
    ),
    (
        "constant_speed",
        {},
        "drive at constant speed|drive at a constant speed|keep a constant speed|keep a steady speed|"
        "hold the speed|hold its speed|keep the speed|cruise at constant speed|maintain speed|"
        "maintain its speed|keep its speed",
    ),
    (
        "follow",
        {},
        "tail|shadow|chase|drive behind|queue behind|crawl behind|sit behind|get stuck behind|trundle behind|"
        "ride behind|wait behind|"
        "follow|trail|stay behind|keep behind|follow behind",
    ),
    (
        "tailgate",
        {},
        "tailgate|sit on our bumper|sit on the bumper|hang on our tail|drive up our bumper|"
        "drive too close behind us|ride our bumper|ride our tail|breathe down our neck|follow too closely|"
        "follow far too closely|stick to our bumper",
    ),
    (
        "brake",
        {},
        "brake|break|slow|slow down|decelerate|reduce speed|reduce its speed|ease off|lose speed|lose pace|"
        "drop its speed|"
        "drop speed|scrub off speed|lift off the gas|take its foot off the gas",
    ),
    (
        "brake",
        _STOP,
        "stop|halt|pull up|come to a stop|come to a halt|come to a standstill|break down|brake to a stop|"
        "brake to a standstill|brake to standstill|come to rest|stall|conk out|grind to a halt|come to a dead stop",
    ),
    (
        "brake",
        _HARD,
        "hit the brakes|brake check|brake check us|jam on the brakes|stamp on the brake|stamp on the brakes|"
        "anchor up|"
        "hit the anchors|step on the brake|step on the brakes",
    ),
    (
        "emergency_stop",
        {},
        "slam on the breaks|slam the breaks|slam on its breaks|hit the breaks hard|"
        "slam on the brakes|slam the brakes|slam on its brakes|emergency brake|emergency stop|"
        "make an emergency stop|do an emergency stop|perform an emergency stop|"
        "perform an emergency braking|stop dead|screech to a halt|come to a screeching halt|"
        "brake as hard as possible|stand on the brakes|come to a sudden standstill|come to a sudden stop|"
        "come to an abrupt halt|come to an abrupt stop|come to a sudden halt|stop abruptly|stop suddenly|stop short",
    ),
    (
        "stop_and_go",
        {},
        "stop and go|crawl in stop and go|stop and start|crawl along|creep along|creep forward|"
        "inch forward|inch along|move stop and go|inch ahead|creep ahead|edge forward|keep stopping and starting|"
        "keep stopping|stop and start again|crawl forward|go stop and go|keep stopping and going|roll and stop",
    ),
    ("yield", {}, "yield|give way|yield right of way|give right of way|let pass|let through|yield the right of way"),
    (
        "accelerate",
        {},
        "accelerate|speed up|pick up speed|start moving|pull away|drive off|go faster|take off|set off|"
        "move off|gain speed|get going|get faster|give gas",
    ),
    (
        "accelerate",
        _HARD,
        "open the throttle|hit the gas|put the hammer down|step on the accelerator|speed off|step on the gas|"
        "floor it|race off|step on it|put its foot down",
    ),
    ("wait", {}, "wait|stand|stand still|idle|block|block the lane|block our lane|block the road|sit|block the way"),
    (
        "cut_in",
        {},
        "cut in|cut into our lane|cut in front|cut in front of us|cut in front of ego|"
        "cut in front of the ego|cut across|merge in front of us|move into our lane|move in front of us|"
        "come into our lane|change into our lane|change to our lane|pull in front of us|pull in|"
        "end up in our lane|enter our lane|enter the lane|enter the road|"
        "enter the roadway|enter the carriageway|drift into our lane|swing into our lane|pull into our lane|"
        "slide into our lane|"
        "slip in front of us|cut in ahead of us|slot in|slip into our lane",
    ),
    (
        "cut_in",
        _HARD,
        "cut us off|cut off the ego|cut me off|cut off|squeeze in|squeeze into our lane|push in|barge in|"
        "cut me up|cut us up|cut the ego up|cut ego off|force its way in|swerve into our lane|"
        "swerve in front of us|veer into our lane|"
        "shoot into our lane|cut up|push into our lane|jump into our lane",
    ),
    (
        "cut_out",
        {},
        "cut out|leave our lane|swing out of our lane|move out of our lane|clear our lane|pull out of our lane",
    ),
    (
        "merge",
        {},
        "merge|merge in|merge into our lane|merge onto our lane|join our lane|filter into our lane|zip in|"
        "merge into traffic|join the traffic|merge onto the road|join the carriageway",
    ),
    (
        "lane_change",
        {},
        "cut across lanes|cut across two lanes|cut across both lanes|cut across three lanes|"
        "change lane|change lanes|change the lane|switch lane|switch lanes|switch to|change to|move over|"
        "move to|make a lane change|perform a lane change|leave the lane|do a lane change|change its lane",
    ),
    ("lane_change", _LEFT, "merge left|move left"),
    ("lane_change", _RIGHT, "merge right|move right"),
    ("overtake", _RIGHT, "undertake|undertake us|pass us on the inside"),
    (
        "overtake",
        {},
        "overtake|overtake us|overtake ego|pass|pass us|pass by|go around|get past|drive past|go past|"
        "speed past|fly past|fly by|blow past",
    ),
    (
        "filter",
        {},
        "filter|filter past|split lanes|lane split|filter between the lanes|filter through|weave through|"
        "filter between lanes|weave between the cars|slip through|filter through traffic|"
        "squeeze between the lanes",
    ),
    ("turn", {}, "turn|turn into|turn off"),
    ("turn", _LEFT, "turn left|turn to the left|go left|make a left|make a left turn|take a left|hang a left"),
    (
        "turn",
        _RIGHT,
        "turn right|turn to the right|go right|make a right|make a right turn|take a right|hang a right",
    ),
    (
        "u_turn",
        {},
        "make a three point turn|do a three point turn|make a u turn|do a u turn|go back the way we came|"
        "spin around|pull a u turn|u turn|turn around|"
        "turn back|perform a u turn|make a uturn|take a u turn",
    ),
    (
        "swerve",
        {},
        "avoid|steer around|drive around|bypass|skirt|skirt around|take evasive action|make an evasive move|"
        "pull the wheel|wrench the wheel|yank the wheel|yank the steering wheel|jerk the steering wheel|"
        "swerve|dodge|veer|evade|swerve around|swerve and back|lurch|jerk the wheel|"
        "make an evasive manoeuvre|make an evasive maneuver|weave",
    ),
    (
        "pull_over",
        {},
        "pull over|pull to the side|stop at the side|stop at the roadside|pull to the kerb|"
        "pull to the curb|stop at the kerb|stop at the curb|stop on the shoulder|pull onto the shoulder|"
        "pull to the side of the road|draw up|draw up at the roadside|draw up at the kerb|pull up at the kerb|"
        "pull up at the curb|stop to let somebody out|pull in at the kerb|pull in at the side of the road",
    ),
    (
        "pull_out",
        {},
        "pull out|pull out in front of us|pull out from the kerb|pull out from the curb|"
        "pull out of a parking space|pull out of a parking spot|leave the parking space|"
        "leave the parking spot|leave a parking spot|leave a parking space|leave its parking spot|"
        f"{_LEAVING}|leave its stop|leave the stop|leave the bus stop|leave the kerb|leave the curb|"
        "drive off from the kerb|"
        "pull away from the kerb|unpark",
    ),
    (
        "reverse",
        {},
        "reverse|back up|drive backwards|go backwards|roll back|back out|drive in reverse|roll backwards|back into|"
        "back out of",
    ),
    (
        "park",
        {},
        "park|park itself|pull into a parking space|pull into a parking spot|drive into a parking spot|parallel park",
    ),
    (
        "oncoming",
        {},
        "come towards us|come toward us|come at us|drive towards us|come the other way|approach|"
        "approach us|come against us",
    ),
    (
        "cross",
        {},
        "cross|cross the road|cross the street|cross at the crossing|cross on the crossing|"
        "cross in front of us|cross ahead|walk across|walk over|walk over the crossing|"
        "walk across the road|walk across the street|use the crossing|use the crosswalk|cross over",
    ),
    ("cross", {"junction": True}, "cross the intersection|cross the junction|cross intersection"),
    ("cross", {"junction": True, "beyond": True}, _AGAINST_LIGHTS),
    ("cross", {"junction": True}, "run the junction|run the intersection|run the crossroads|run a junction"),
    ("yield", {"to_pass": True}, "let"),
    (
        "jaywalk",
        {},
        "jaywalk|step out|step off the kerb|step off the curb|step onto the road|step into the road|"
        "step onto the street|step into the street|walk into the road|walk onto the road|"
        "walk into the street|walk onto the street|step in front of us|wander onto the road",
    ),
    (
        "jaywalk",
        _HARD,
        "run across|run across the road|run across the street|run over the road|run over the street|"
        "run into the road|run into the street|run onto the road|run onto the street|dart into the road|"
        "dart across|dash across|jump onto the road|jump into the road|jump on the road|"
        "leap onto the road|run in front of us|run over|chase a ball|jump in front of us|rush across|"
        "dart across the road|dash into the road|sprint across",
    ),
    (
        "run_out",
        _HARD,
        "run out|run out into the road|run out into the street|run out onto the road|"
        "run out in front of us|dart out|dart into the street|jump out|bolt out|shoot out|dash out|"
        "leap out|pop out|spring out|burst out|rush out",
    ),
    ("walk", {}, "walk|walk along|stroll|push"),
    ("walk", _HARD, "jog|run along|hurry"),
    (
        "walk_in_group",
        {},
        "walk together|walk in a group|walk side by side|stroll together|walk in group|walk as a group",
    ),
)
"""What it is, what the phrase adds, and the stems that say it."""

_FIXED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("lane_change", {}, "lane change|lc|lane chg|lane switch|lane swap|change of lane|change of lanes"),
    ("swerve", {}, "evasive manoeuvre|evasive maneuver|evasive action|evasive move"),
    ("lane_change", _LEFT, "lane change to the left"),
    ("lane_change", _RIGHT, "lane change to the right"),
    ("turn", _LEFT, "left turn|left turning|turning left"),
    ("turn", _RIGHT, "rtor|right turn on red|right turn|right turning|turning right"),
    ("filter", {}, "lane splitting|lane filtering|lane splits|lane split|lane filters"),
    ("overtake", {"passive": True}, "overtaken|overtaken by|passed by"),
    ("cut_in", {"passive": True, "hard": True}, "cut off by|cut up by"),
    (
        "tailgate",
        {},
        "right on our tail|glued to our bumper|glued to our rear bumper|on our bumper|right behind our bumper|"
        "very close behind us|too close behind us|way too close behind us|far too close behind us|on our rear bumper",
    ),
    ("cut_in", {}, "cut in|cutin"),
    ("cut_out", {}, "cutout"),
    ("brake", _HARD, "hard braking|hard brake|harsh braking|sudden braking|abrupt braking"),
    ("brake", {}, "decel|deceleration|braking|slowing|slowdown"),
    ("accelerate", {}, "accel|acceleration|accelerating"),
    ("emergency_stop", {}, "emergency braking|full braking|panic stop|panic braking|e stop|e brake|hard stop"),
    (
        "stop_and_go",
        {},
        "stop & go|stop n go|stop + go|in stop and go|stopping and starting|starting and stopping|start stop|"
        "stop start|stop go|"
        "stuck in traffic|stuck in a jam|stuck in a traffic jam|in a jam|in a traffic jam|in a queue|queueing|queuing|"
        "in start stop traffic|nose to tail",
    ),
    ("u_turn", {}, "uturn"),
    ("oncoming", {}, "oncoming|head on"),
    (
        "parked",
        {},
        "parked|parked at the side|double parked|at the kerb|at the curb|parked at the kerb|parked at the curb",
    ),
    (
        "wait",
        {},
        "doesn't move|does not move|isn't moving|is not moving|not moving|won't move|wont move|will not move|"
        "refuses to move|won't go|stopped|stationary|standing|stalled|broken down|waiting|sitting|at a standstill|"
        "standstill",
    ),
    ("cross", {"junction": True, "traffic": True}, "cross traffic|crossing traffic|lateral traffic|traffic crossing"),
    ("follow", {}, "stuck behind|queueing behind|queuing behind"),
    ("ped_cross", {}, "ped crossing|pedestrian crossing"),
    ("ped_cross", {"count": 3}, "peds crossing"),
    ("jaywalker", {"count": 1}, "jaywalker"),
    ("jaywalker", {"count": 2}, "jaywalkers"),
    ("walk", {"only": True}, "on the sidewalk|on sidewalk|on the pavement|on sidewalks"),
    ("together", {}, "together|in a group|side by side|in groups|as a group"),
)
_PAST = {"cut": "cut", "run": "ran", "drive": "drove", "go": "went", "come": "came", "slow": "slowed", "sit": "sat",
         "stop": "stopped", "stand": "stood", "ride": "rode", "take": "took", "make": "made", "overtake": "overtook",
         "step": "stepped", "keep": "kept", "hit": "hit", "slam": "slammed", "leave": "left", "stay": "stayed",
         "speed": "sped", "jog": "jogged", "give": "gave", "break": "broke", "shoot": "shot", "spring": "sprang",
         "burst": "burst", "hold": "held", "swing": "swung", "creep": "crept", "hang": "hung", "let": "let",
         "do": "did", "put": "put", "fly": "flew", "tear": "tore", "lose": "lost", "blow": "blew", "draw": "drew",
         "undertake": "undertook", "throw": "threw", "breathe": "breathed", "wriggle": "wriggled", "be": "was",
         "leap": "leapt", "get": "got", "stick": "stuck", "slide": "slid"}  # fmt: skip
_DOUBLED = {"cut", "run", "stop", "sit", "step", "hit", "slam", "jog", "let", "put", "zip", "jam", "get", "slip", "pop",
            "slot", "split", "nip", "hop", "trot", "plod", "lag", "whiz", "cut across", "spin"}  # fmt: skip


def conjugated(stem: str) -> dict[str, Form]:
    """Return the forms of a verb phrase: only its first word changes."""
    verb, _, rest = stem.partition(" ")
    tail = f" {rest}" if rest else ""
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    third = verb[:-1] + "ies" if verb.endswith(("ry", "fly")) else third
    root = verb + verb[-1] if verb in _DOUBLED else verb
    ing = (root[:-1] if verb.endswith("e") and not verb.endswith("ee") else root) + "ing"
    past = _PAST.get(verb) or (
        verb[:-1] + "ied" if verb.endswith("ry") else verb + "d" if verb.endswith("e") else root + "ed"
    )
    forms: dict[str, Form] = {past + tail: "ed", third + tail: "s", ing + tail: "ing"}
    return {**forms, verb + tail: "bare"}


def doing() -> dict[str, Token]:
    """Return the token of every phrase for a manoeuvre, in all its forms."""
    found = {}
    for do, extra, stems in _VERBS:
        for stem in stems.split("|"):
            for phrase, form in conjugated(stem).items():
                found[phrase] = Token(kind="do", value=do, text=phrase, form=form, extra=tuple(extra.items()))
    for do, extra, phrases in _FIXED:
        for phrase in phrases.split("|"):
            found[phrase] = Token(kind="do", value=do, text=phrase, form="word", extra=tuple(extra.items()))
    return found
