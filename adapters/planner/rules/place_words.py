"""Little words: where, how close, how hard, who "we" and "it" are, what joins and what denies."""

from __future__ import annotations

from adapters.planner.rules.vocabulary import Token, entries

SIDES = entries(
    "side",
    {
        side: f"{side}|from the {side}|on the {side}|to the {side}|from {side}|to {side}|{side} side|from our {side}|"
        f"on our {side}|to our {side}|on the {side} side|from the {side} side|{side} lane|in the {side} lane|"
        f"to the {side} lane|from the {side} lane|into the {side} lane|{side} hand side|on the {side} hand side|"
        f"onto the {side} lane|{side}wards|at the {side}|on its {side}|from its {side}|from my {side}|on my {side}|"
        f"signals {side}|signalling {side}|signaling {side}|indicates {side}|indicating {side}|blinks {side}|"
        f"from the {side} hand side|{side[0]}h side|on the {side[0]}hs|{side[0]}hs|from the {side[0]}hs|"
        "in the {side[0]}h lane|"
        f"{side[0]}h lane|towards the {side}|{side} filter lane|from the {side} filter lane|"
        f"{side} turn lane|in the {side} turn lane|from the {side} turn lane|{side} turning lane|{side} of us|"
        f"to the {side} of us|on {side}|at {side}"
        for side in ("left", "right")
    },
) | entries(
    "side",
    {
        "right": "on the inside|inside lane|in the inside lane|slow lane|in the slow lane|on the inside lane",
        "left": "outside lane|in the outside lane|fast lane|in the fast lane|passing lane|in the passing lane|"
        "overtaking lane|in the overtaking lane",
    },
)
"""Where one drives on the right, the inside is there."""
WHERE = entries(
    "where",
    {
        "ahead": "ahead|ahead of us|ahead of ego|ahead of the ego|in front|in front of us|in front of ego|up ahead|"
        "in front of the ego|in front of me|in our lane|in the same lane|in ego lane|leading|lead|"
        "in front of our car|directly ahead|right in front of us|in front of the ego vehicle|ahead of me|in my lane|"
        "in front of the car|before us|in our way|in the ego lane|preceding|straight ahead|on the road|on our lane",
        "behind": "behind us|from behind|behind ego|behind the ego|behind me|from the rear|at the rear|"
        "behind our car|"
        "behind the ego vehicle|on our tail|behind the ego car",
        "opposite": "opposite|in the opposite lane|in the oncoming lane|from the opposite direction|other side|"
        "on the other side|the other way|in the opposite direction|on the opposite side|opposite lane|oncoming lane|"
        "from the other direction|opposite direction",
    },
)
GAPS = entries(
    "gap",
    {
        4.0: "close|closely|dangerously close|very close|tight|tightly|just ahead|right ahead|short gap|narrow gap|"
        "small gap|too close|nearby|near|with little distance|short distance|bumper",
        30.0: "far ahead|far|in the distance|distant|long gap|large gap|far away",
    },
)
PACES = entries(
    "pace",
    {
        "slow": "slow|slowly|slow moving|at low speed|at walking pace|low speed|slower",
        "fast": "fast|quickly|speeding|at high speed|high speed|rapidly|speeds|too fast|faster|at speed|quick",
    },
)
HARD = entries(
    "hard",
    {
        True: "hard|suddenly|abruptly|sharply|sudden|abrupt|aggressively|aggressive|violently|full|strongly|"
        "emergency|"
        "recklessly|unexpectedly|sharp|without warning|without looking|hastily|"
        "in panic|heavily|harshly|hurriedly|dangerously|full force|urgently|brutally|carelessly|at the last moment|"
        "at the last second",
    },
)
EGO = entries(
    "ego",
    {
        "ego": "we|us|ego|the ego|ego vehicle|the ego vehicle|ego car|the ego car|our car|our vehicle|i|me|my car|"
        "the av|self driving car|autonomous vehicle|host vehicle|the host|own car|own vehicle|our driver|you|"
        "your car|had to|vut|the vut|vehicle under test|the vehicle under test|"
        "subject vehicle|the subject vehicle|test vehicle|"
        "the test vehicle",
    },
)
DANGER = entries(
    "danger",
    {
        True: "dangerous|danger|near miss|close call|close shave|risky|risk|hazard|hazardous|critical|reckless|scary|"
        "nasty|perilous|unsafe|near collision|near crash|near accident|almost an accident|almost hits|nearly hits|"
        "almost hit|nearly hit|almost hits us|threatening|conflict|emergency situation|treacherous",
    },
)
"""Words that ask for danger without saying which."""

SAME = entries(
    "same",
    {"same": "another one|the one|the ones|a second one|one more|the other one|the second one|a third one|others"},
)

THERE = entries("there", {"behind": "behind it|behind him|behind her|behind them|behind that"})
"""A place seen from whoever was named last."""

IT = entries("it", {"it": "it|he|she|they|which|who|that|this one|that one"})
THE = entries("the", {"the": "the|that same|this|his|her|its|their"})
JOIN = entries(
    "join", {"then": "then|and then|after that|afterwards|before|later|next|and|while|as|but|when|once|plus|with|&|+"}
)
BESIDE = entries(
    "beside",
    {
        "beside": "behind|between|past|from behind|next to|beside|near to|around|from between|in front of|"
        "out of|into|"
        "alongside|along|of|by|among|towards|toward|after|for|against|before a|passing by|to avoid|avoiding|"
        "so as not to hit|missing",
    },
)
NOT = entries(
    "not",
    {
        "no": "no|without|not|never|isn't|not any|nor|without any|doesn't|does not|don't|do not|won't|will not|"
        "didn't|dont|doesnt|isnt|arent|didnt|wasnt|cant|"
        "aren't|wasn't|can't|cannot|hasn't|not a|without a|nobody|no one"
    },
)

_BEYOND = """
snow|snowy|snowing|ice|icy|hail|tunnel|bridge|roundabout|parking lot|car park|crash|crashes|collision|collides|
accident|train|tram|railway|hill|downhill|uphill|wrong way|sandstorm|flood|bus stop|lightning|explodes|explosion|flies|
flying|skids|
jumps over|jumping over|jump over|drives through the air
"""
BEYOND = {words: Token(kind="beyond", value=words, text=words) for words in _BEYOND.replace("\n", "").split("|")}
"""What people ask for and the form cannot hold."""

NEAR = entries(
    "near",
    {
        "gap": "closer than|nearer than|less than|within|gap below|gap under|gap is under|gap is below|"
        "gap drops below|"
        "gap falls below|when under|once under|gap drops under|gap is less than|gap smaller than|closer to us than",
        "ego": "we have driven|we've driven|after driving|have driven|driven|after we drive|we drove|ego has driven|"
        "after having driven|we have gone|we have covered",
    },
)
"""What makes the distance that follows a trigger: of the gap to the ego, or of the ego's way."""

CLEAR = entries(
    "clear",
    {
        "clear": "waits for a gap|waiting for a gap|wait for a gap|waits until the road is clear|"
        "when the road is clear|once the road is clear|waits until it is clear|waits till it is clear|"
        "waits for the traffic to pass|"
        "waits for us to pass|waits until we have passed|waits until we are past|lets us pass|lets the cars pass|"
        "lets the traffic pass|lets traffic pass|waits for the cars to pass|until there is a gap|"
        "waits until there is a gap|waits for a gap in the traffic|in a gap in the traffic|as soon as it is clear|"
        "waits for a break in the traffic|once we have passed|after we have passed|when nobody comes|"
        "when no car comes|waits for the road to clear|waits for traffic to clear|wait until the road is clear|"
        "wait for us to pass|let us pass|let the cars pass|wait for the cars to pass"
    },
)
"""What makes people wait for a gap before they cross."""

_FILL = """
come comes coming came swept is are was path paths from were be being been am has have had do does did will
would shall should can could may might must to at in on onto off up down over there here so very just some any
all also too only still even our my your their his her its a an what where how than if or either scene video
clip dashcam camera footage shot view street road lane lanes way side car's happens happening appears appear
visible seen shows show showing let make get gets getting let's during through across within about
approximately around roughly distance metres meters metre meter time moment seconds second weather conditions
condition lighting light kerb curb sidewalk pavement middle centre center random generate create please want
like situation scenario driving starts start starting begins begin having several-lane both sides type kind
little bit quite really rather again back away out it's we're currently direction same own other others each
per one hour km kmh speed limit stops' yet since because due arrive arrives arriving enter enters entering set
sets passenger full-size big large small old young tall huge heavy elderly modern new carefully cautiously
normally gently smoothly straight simply smooth gentle careful busy-looking long short wide multiple-lane
carriageway roadside lights sky ground surface reflections evening's
further drunk impatient itself himself themselves almost much hazards lit
order lead nose forces foot adjacent neighbouring doing actor event events object incident note notes
tries try trying tried wants wanted indicates indicating indicator learner delivery army military hesitates
spray flashes nearly opens door
signals signalling signaling blinker blinkers lengths length
"""
FILL = frozenset(_FILL.split())
"""Words that change nothing."""
