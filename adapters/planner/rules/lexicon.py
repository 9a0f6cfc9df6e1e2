"""The words the rules planner knows: phrases, each with what it means.

A phrase is written as it is spoken, in lower case; verbs are listed by their stem and conjugated. The longest
phrase that fits wins, so "school bus" is not a bus at a school.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from datagen.scene import Category, Light, Place, Weather

Kind = Literal[
    "weather", "light", "place", "lanes", "road", "density", "color", "who", "count", "side", "where", "gap", "speed",
    "time", "do", "hard", "pace", "ego", "it", "the", "join", "stop", "beside", "not", "beyond", "fill", "unknown",
]  # fmt: skip
Form = Literal["bare", "s", "ing", "ed", "word"]


@dataclass(frozen=True, kw_only=True)
class Token:
    """A phrase of the text with what it means.

    plural: of `who`.  form: of verbs: "brake" is bare, "brakes" is s.  extra: more that the phrase says.
    """

    kind: Kind
    value: Any = None
    text: str = ""
    plural: bool = False
    form: Form = "word"
    extra: tuple[tuple[str, Any], ...] = ()


def _entries(kind: Kind, table: dict[Any, str]) -> dict[str, Token]:
    return {
        phrase.strip(): Token(kind=kind, value=value, text=phrase.strip())
        for value, phrases in table.items()
        for phrase in phrases.split("|")
    }


_WEATHER = _entries(
    "weather",
    {
        Weather.RAIN: "rain|rainy|raining|rains|wet|wet road|wet roads|drizzle|drizzling|shower|showers|downpour|"
        "pouring|storm|stormy|thunderstorm|rainstorm|heavy rain|light rain|pouring rain|rainfall|puddles|slippery",
        Weather.FOG: "fog|foggy|mist|misty|haze|hazy|poor visibility|low visibility|thick fog|dense fog|smog",
        Weather.OVERCAST: "overcast|cloudy|clouds|grey sky|gray sky|dull|gloomy|after rain",
        Weather.CLEAR: "clear|sunny|sunshine|clear sky|blue sky|bright|dry|fine weather|clear weather|sun",
    },
)
_LIGHT = _entries(
    "light",
    {
        Light.NIGHT: "night|nighttime|night time|at night|dark|midnight|late night|after dark|darkness|nightfall|"
        "in the dark|street lights|nocturnal",
        Light.DUSK: "dusk|dawn|evening|sunset|sunrise|twilight|early morning|low sun|golden hour|late afternoon",
        Light.DAY: "day|daytime|daylight|noon|midday|morning|afternoon|broad daylight",
    },
)
_PLACE = _entries(
    "place",
    {
        Place.DOWNTOWN: "downtown|city|city centre|city center|urban|inner city|town|town centre|cbd|shops|high street",
        Place.RESIDENTIAL: "residential|residential street|residential area|suburb|suburbs|suburban|neighbourhood|"
        "neighborhood|village|housing estate|school zone",
        Place.INDUSTRIAL: "industrial|industrial area|industrial park|industrial estate|port|harbour|harbor|warehouse|"
        "warehouses|factory|docks",
        Place.HIGHWAY: "highway|motorway|freeway|expressway|interstate|autobahn|dual carriageway|main road",
        Place.PARK: "rural|rural road|countryside|country road|forest|woods|park|parkway|tree lined|boulevard|avenue",
    },
)
_ROAD = _entries(
    "road",
    {
        "crossing": "crosswalk|crosswalks|zebra|zebra crossing|zebra crossings|zebra stripes|ped crossing|"
        "at a pedestrian crossing|at the pedestrian crossing|on a pedestrian crossing|on the pedestrian crossing|"
        "pedestrian crossings|marked crossing|at a crossing|on the crossing|at the crossing",
        "junction": "intersection|junction|crossroads|crossroad|t junction|four way|traffic light|traffic lights|"
        "red light|green light|stop sign|stop line|corner|side street|side road|signal|light turns green",
    },
)
_LANES = _entries(
    "lanes", {1: "narrow|narrow street|narrow road|single lane|one lane|one way", 3: "wide road|big street"}
)
_DENSITY = _entries(
    "density",
    {
        "empty": "empty road|empty street|empty|deserted|no traffic|no other traffic|nobody else|no other cars|alone",
        "light": "light traffic|quiet|calm|little traffic|sparse traffic|few cars",
        "heavy": "heavy traffic|dense traffic|busy|rush hour|traffic jam|congestion|congested|crowded|jam|"
        "lots of traffic|a lot of traffic|much traffic|many cars|stop and go traffic|bumper to bumper",
        "normal": "traffic|normal traffic|moderate traffic|other cars|other traffic|some traffic",
    },
)
_COLORS = _entries(
    "color",
    {
        "white": "white|cream", "black": "black", "grey": "grey|gray|dark grey", "silver": "silver|metallic",
        "red": "red|maroon|crimson", "blue": "blue|navy|dark blue|light blue", "green": "green|dark green",
        "yellow": "yellow", "orange": "orange", "brown": "brown", "beige": "beige|tan", "purple": "purple|violet",
        "pink": "pink", "turquoise": "turquoise|teal|cyan", "gold": "gold|golden",
    },
)  # fmt: skip
_COUNTS = _entries(
    "count",
    {
        1: "a|an|one|single|another|lone", 2: "two|a couple of|couple of|a pair of|pair of|both|couple",
        3: "three|some|a few|few|several|multiple|various", 4: "four|a group of|group of|many|lots of|crowd of",
        5: "five|half a dozen", 6: "six", 7: "seven", 8: "eight|nine|ten|a dozen|dozens of|hundreds of|lots",
    },
)  # fmt: skip

_WHO: dict[tuple[Category, str], str] = {
    (
        Category.CAR,
        "sedan",
    ): "car|sedan|vehicle|saloon|limousine|sports car|automobile|driver|cabriolet|convertible|auto",
    (Category.CAR, "hatchback"): "hatchback|small car|compact car|mini|smart car",
    (Category.CAR, "suv"): "suv|jeep|4x4|off roader|crossover|station wagon|estate car",
    (Category.CAR, "van"): "van|minivan|delivery van|transporter|minibus|camper|camper van|delivery vehicle|mail van",
    (Category.CAR, "taxi"): "taxi|cab|taxicab|taxi cab|uber",
    (
        Category.TRUCK,
        "lorry",
    ): "truck|lorry|semi|semi truck|heavy truck|big rig|articulated lorry|heavy goods vehicle|hgv|"
    "eighteen wheeler|dump truck|tipper",
    (Category.TRUCK, "box"): "box truck|delivery truck|moving truck|garbage truck|refuse truck|bin lorry|rubbish truck|"
    "trash truck|small truck",
    (Category.TRUCK, "pickup"): "pickup|pickup truck|pick up truck|ute",
    (Category.TRUCK, "tanker"): "tanker|tank truck|fuel truck",
    (Category.TRUCK, "fire_engine"): "fire engine|fire truck|firetruck",
    (Category.BUS, "city"): "bus|city bus|public bus|double decker",
    (Category.BUS, "coach"): "coach|tour bus|travel bus",
    (Category.BUS, "school"): "school bus",
    (Category.BENDY_BUS, "plain"): "bendy bus|articulated bus",
    (Category.TRAILER, "box"): "trailer",
    (Category.CONSTRUCTION_VEHICLE, "excavator"): "excavator|digger|construction vehicle|bulldozer|crane",
    (Category.CONSTRUCTION_VEHICLE, "loader"): "loader|wheel loader|forklift|tractor|backhoe",
    (Category.CONSTRUCTION_VEHICLE, "roller"): "roller|road roller|steamroller",
    (Category.AMBULANCE, "plain"): "ambulance|emergency vehicle",
    (Category.POLICE, "plain"): "police car|police vehicle|patrol car|cop car|police",
    (
        Category.MOTORCYCLE,
        "plain",
    ): "motorcycle|motorbike|motorcyclist|biker|moped|scooter|vespa|motor bike|motor cycle",
    (Category.BICYCLE, "plain"): "bicycle|bike|cyclist|bicyclist|cycle|cargo bike|e bike|push bike|bike rider|rider",
    (Category.ADULT, "plain"): "pedestrian|ped|person|man|woman|adult|walker|jogger|runner|passer by|someone|somebody|"
    "guy|lady|old man|old woman|elderly man|elderly woman|elderly person|tourist|commuter|people|men|women|passersby|"
    "mother|father|parent|grandmother|grandfather|student|pensioner|drunk|pedestrain|shopper",
    (Category.CHILD, "plain"): "child|kid|boy|girl|toddler|schoolchild|children|schoolchildren|school child|school kid|"
    "school children|pupil|teenager",
    (Category.CONSTRUCTION_WORKER, "plain"): "worker|construction worker|road worker|workman|workmen",
    (Category.POLICE_OFFICER, "plain"): "police officer|policeman|policewoman|cop|traffic warden|officer",
    (Category.PERSONAL_MOBILITY, "plain"): "e scooter|kick scooter|electric scooter|skateboarder|skateboard|segway|"
    "escooter|e scooter rider|rollerblader|personal mobility",
    (Category.STROLLER, "plain"): "stroller|pram|pushchair|baby carriage|buggy",
    (Category.WHEELCHAIR, "plain"): "wheelchair|wheelchair user|wheel chair",
    (Category.ANIMAL, "plain"): "dog|cat|animal|deer|cow|horse|sheep|fox",
    (Category.BARRIER, "plain"): "barrier|roadblock|road block",
    (Category.TRAFFIC_CONE, "plain"): "cone|traffic cone|pylon",
    (Category.PUSHABLE, "plain"): "shopping cart|trolley|trash can|garbage bin|dustbin|wheelie bin|garbage|bin",
    (Category.DEBRIS, "plain"): "debris|box on the road|tyre|tire|rubble|trash bag|cardboard box|obstacle",
    (Category.BICYCLE_RACK, "plain"): "bicycle rack|bike rack",
}
_PLURAL_ONLY = {"people", "men", "women", "children", "schoolchildren", "passersby", "workmen", "school children"}
_IRREGULAR = {"bus": "buses", "lorry": "lorries", "taxi": "taxis", "ambulance": "ambulances", "lady": "ladies",
              "buggy": "buggies", "child": "children", "person": "persons", "bendy bus": "bendy buses",
              "school bus": "school buses", "city bus": "city buses", "policeman": "policemen"}  # fmt: skip

_SIDES = _entries(
    "side",
    {
        side: f"{side}|from the {side}|on the {side}|to the {side}|from {side}|to {side}|{side} side|from our {side}|"
        f"on our {side}|to our {side}|on the {side} side|from the {side} side|{side} lane|in the {side} lane|"
        f"to the {side} lane|from the {side} lane|into the {side} lane|{side} hand side|on the {side} hand side|"
        f"onto the {side} lane|{side}wards|at the {side}|on its {side}|from its {side}|from my {side}|on my {side}|"
        f"from the {side} hand side|towards the {side}|{side} of us|to the {side} of us|on {side}|at {side}"
        for side in ("left", "right")
    },
)
_WHERE = _entries(
    "where",
    {
        "ahead": "ahead|ahead of us|ahead of ego|ahead of the ego|in front|in front of us|in front of ego|up ahead|"
        "in front of the ego|in front of me|in our lane|in the same lane|in ego lane|leading|lead|lead car|"
        "in front of our car|directly ahead|right in front of us|in front of the ego vehicle|ahead of me|in my lane|"
        "in front of the car|before us|in our way|in the ego lane|preceding|straight ahead|on the road|on our lane",
        "behind": "behind us|from behind|behind ego|behind the ego|behind me|from the rear|at the rear|behind our car|"
        "behind the ego vehicle|on our tail|behind the ego car",
        "opposite": "opposite|in the opposite lane|in the oncoming lane|from the opposite direction|other side|"
        "on the other side|the other way|in the opposite direction|on the opposite side|opposite lane|oncoming lane|"
        "from the other direction|opposite direction",
    },
)
_GAPS = _entries(
    "gap",
    {
        4.0: "close|closely|dangerously close|very close|tight|tightly|just ahead|right ahead|short gap|narrow gap|"
        "small gap|too close|nearby|near|with little distance|short distance|bumper",
        30.0: "far ahead|far|in the distance|distant|long gap|large gap|far away",
    },
)
_PACES = _entries(
    "pace",
    {
        "slow": "slow|slowly|slow moving|crawling|crawls|creeping|at low speed|at walking pace|low speed|slower",
        "fast": "fast|quickly|speeding|at high speed|high speed|rapidly|speeds|racing|too fast|faster|at speed|quick",
    },
)
_HARD = _entries(
    "hard",
    {
        True: "hard|suddenly|abruptly|sharply|sudden|abrupt|aggressively|aggressive|violently|full|strongly|emergency|"
        "reckless|recklessly|unexpectedly|sharp|without warning|without looking|running|runs|run|sprints|rushes|"
        "dashes|hastily|in panic|heavily|rushing|sprinting|harshly|hurriedly|dangerously|full force|urgently",
    },
)
_EGO = _entries(
    "ego",
    {
        "ego": "we|us|ego|the ego|ego vehicle|the ego vehicle|ego car|the ego car|our car|our vehicle|i|me|my car|"
        "the av|self driving car|autonomous vehicle|host vehicle|the host|own car|own vehicle|our driver|you|your car",
    },
)
_IT = _entries("it", {"it": "it|he|she|they|which|who|that|this one|that one"})
_THE = _entries("the", {"the": "the|that same|this|his|her|its|their"})
_JOIN = _entries(
    "join", {"then": "then|and then|after that|afterwards|before|later|next|and|while|as|but|when|once|plus|with|&"}
)
_BESIDE = _entries(
    "beside",
    {
        "beside": "behind|between|past|from behind|next to|beside|near to|around|from between|in front of|out of|into|"
        "alongside|along|of|by|among|towards|toward|after|for|against|before a|passing by",
    },
)
_NOT = _entries("not", {"no": "no|without|not|never|isn't|not any|nor|without any"})
_BEYOND_WORDS = """
snow|snowy|snowing|ice|icy|hail|tunnel|bridge|roundabout|curve|bend|parking lot|car park|u turn|
reverse|reverses|reversing|crash|crashes|collision|collides|accident|swerve|swerves|pulls over|
pull over|train|tram|railway|hill|downhill|uphill|wrong way|sandstorm|flood|bus stop|lightning|
explodes|explosion|flies|flying|drives through a red light|runs a red light|skids|drifting|drifts
"""
_BEYOND = {words: Token(kind="beyond", value=words, text=words) for words in _BEYOND_WORDS.replace("\n", "").split("|")}
"""What people ask for and the form cannot hold."""

_VERBS: dict[str, tuple[str, dict[str, Any]]] = {
    "keep lane": ("keep_lane", {}),
    "keep the lane": ("keep_lane", {}),
    "keep its lane": ("keep_lane", {}),
    "stay in lane": ("keep_lane", {}),
    "stay in our lane": ("keep_lane", {}),
    "stay in its lane": ("keep_lane", {}),
    "drive": ("keep_lane", {}),
    "drive straight": ("keep_lane", {}),
    "drive along": ("keep_lane", {}),
    "drive behind": ("follow", {}),
    "go straight": ("keep_lane", {}),
    "go": ("keep_lane", {}),
    "continue": ("keep_lane", {}),
    "cruise": ("keep_lane", {}),
    "travel": ("keep_lane", {}),
    "move": ("keep_lane", {}),
    "ride": ("keep_lane", {}),
    "cycle along": ("keep_lane", {}),
    "proceed": ("keep_lane", {}),
    "follow": ("follow", {}),
    "trail": ("follow", {}),
    "tailgate": ("tailgate", {}),
    "brake": ("brake", {}),
    "slow": ("brake", {}),
    "slow down": ("brake", {}),
    "decelerate": ("brake", {}),
    "stop": ("brake", {"speed_mps": 0.0}),
    "halt": ("brake", {"speed_mps": 0.0}),
    "pull up": ("brake", {"speed_mps": 0.0}),
    "come to a stop": ("brake", {"speed_mps": 0.0}),
    "come to a halt": ("brake", {"speed_mps": 0.0}),
    "come to a standstill": ("brake", {"speed_mps": 0.0}),
    "slam on the brakes": ("brake", {"hard": True, "speed_mps": 0.0}),
    "slam the brakes": ("brake", {"hard": True, "speed_mps": 0.0}),
    "slam on its brakes": ("brake", {"hard": True, "speed_mps": 0.0}),
    "hit the brakes": ("brake", {"hard": True}),
    "emergency brake": ("brake", {"hard": True, "speed_mps": 0.0}),
    "emergency stop": ("brake", {"hard": True, "speed_mps": 0.0}),
    "make an emergency stop": ("brake", {"hard": True, "speed_mps": 0.0}),
    "brake check": ("brake", {"hard": True}),
    "yield": ("brake", {}),
    "give way": ("brake", {}),
    "accelerate": ("accelerate", {}),
    "speed up": ("accelerate", {}),
    "pick up speed": ("accelerate", {}),
    "speed off": ("accelerate", {"hard": True}),
    "start moving": ("accelerate", {}),
    "pull away": ("accelerate", {}),
    "drive off": ("accelerate", {}),
    "wait": ("wait", {}),
    "stand": ("wait", {}),
    "stand still": ("wait", {}),
    "idle": ("wait", {}),
    "block": ("wait", {}),
    "block the lane": ("wait", {}),
    "block our lane": ("wait", {}),
    "block the road": ("wait", {}),
    "sit": ("wait", {}),
    "cut in": ("cut_in", {}),
    "cut into our lane": ("cut_in", {}),
    "cut in front": ("cut_in", {}),
    "cut in front of us": ("cut_in", {}),
    "cut in front of ego": ("cut_in", {}),
    "cut in front of the ego": ("cut_in", {}),
    "cut us off": ("cut_in", {"hard": True}),
    "cut off the ego": ("cut_in", {"hard": True}),
    "cut me off": ("cut_in", {"hard": True}),
    "cut off": ("cut_in", {"hard": True}),
    "cut across": ("cut_in", {}),
    "squeeze in": ("cut_in", {"hard": True}),
    "squeeze into our lane": ("cut_in", {"hard": True}),
    "push in": ("cut_in", {"hard": True}),
    "barge in": ("cut_in", {"hard": True}),
    "force its way in": ("cut_in", {"hard": True}),
    "merge": ("cut_in", {}),
    "merge in": ("cut_in", {}),
    "merge into our lane": ("cut_in", {}),
    "merge in front of us": ("cut_in", {}),
    "move into our lane": ("cut_in", {}),
    "move in front of us": ("cut_in", {}),
    "come into our lane": ("cut_in", {}),
    "change into our lane": ("cut_in", {}),
    "change to our lane": ("cut_in", {}),
    "swerve into our lane": ("cut_in", {"hard": True}),
    "swerve in front of us": ("cut_in", {"hard": True}),
    "veer into our lane": ("cut_in", {"hard": True}),
    "pull in front of us": ("cut_in", {}),
    "pull in": ("cut_in", {}),
    "pull out": ("cut_in", {"side": "right"}),
    "pull out in front of us": ("cut_in", {"side": "right"}),
    "enter our lane": ("cut_in", {}),
    "drift into our lane": ("cut_in", {}),
    "change lane": ("lane_change", {}),
    "change lanes": ("lane_change", {}),
    "change the lane": ("lane_change", {}),
    "switch lane": ("lane_change", {}),
    "switch lanes": ("lane_change", {}),
    "switch to": ("lane_change", {}),
    "change to": ("lane_change", {}),
    "move over": ("lane_change", {}),
    "move to": ("lane_change", {}),
    "merge left": ("lane_change", {"side": "left"}),
    "merge right": ("lane_change", {"side": "right"}),
    "make a lane change": ("lane_change", {}),
    "perform a lane change": ("lane_change", {}),
    "cut out": ("lane_change", {}),
    "leave our lane": ("lane_change", {}),
    "leave the lane": ("lane_change", {}),
    "overtake": ("overtake", {}),
    "overtake us": ("overtake", {}),
    "overtake ego": ("overtake", {}),
    "pass": ("overtake", {}),
    "pass us": ("overtake", {}),
    "pass by": ("overtake", {}),
    "filter past": ("overtake", {}),
    "go around": ("overtake", {}),
    "turn": ("turn", {}),
    "turn left": ("turn", {"side": "left"}),
    "turn right": ("turn", {"side": "right"}),
    "turn to the left": ("turn", {"side": "left"}),
    "turn to the right": ("turn", {"side": "right"}),
    "turn into": ("turn", {}),
    "go left": ("turn", {"side": "left"}),
    "go right": ("turn", {"side": "right"}),
    "make a left": ("turn", {"side": "left"}),
    "make a right": ("turn", {"side": "right"}),
    "make a left turn": ("turn", {"side": "left"}),
    "make a right turn": ("turn", {"side": "right"}),
    "take a left": ("turn", {"side": "left"}),
    "take a right": ("turn", {"side": "right"}),
    "come towards us": ("oncoming", {}),
    "come toward us": ("oncoming", {}),
    "come at us": ("oncoming", {}),
    "drive towards us": ("oncoming", {}),
    "come the other way": ("oncoming", {}),
    "approach": ("oncoming", {}),
    "approach us": ("oncoming", {}),
    "park": ("parked", {}),
    "cross": ("cross", {}),
    "cross the road": ("cross", {}),
    "cross the street": ("cross", {}),
    "cross at the crossing": ("cross", {}),
    "cross on the crossing": ("cross", {}),
    "cross in front of us": ("cross", {}),
    "cross ahead": ("cross", {}),
    "cross the intersection": ("cross", {"junction": True}),
    "cross the junction": ("cross", {"junction": True}),
    "cross intersection": ("cross", {"junction": True}),
    "walk across": ("cross", {}),
    "walk over": ("cross", {}),
    "walk over the crossing": ("cross", {}),
    "walk across the road": ("cross", {}),
    "walk across the street": ("cross", {}),
    "jaywalk": ("jaywalk", {}),
    "run across": ("jaywalk", {"hard": True}),
    "run across the road": ("jaywalk", {"hard": True}),
    "run across the street": ("jaywalk", {"hard": True}),
    "run over the road": ("jaywalk", {"hard": True}),
    "run over the street": ("jaywalk", {"hard": True}),
    "run into the road": ("jaywalk", {"hard": True}),
    "run into the street": ("jaywalk", {"hard": True}),
    "run onto the road": ("jaywalk", {"hard": True}),
    "run onto the street": ("jaywalk", {"hard": True}),
    "run out": ("jaywalk", {"hard": True}),
    "run out into the road": ("jaywalk", {"hard": True}),
    "run out into the street": ("jaywalk", {"hard": True}),
    "run out onto the road": ("jaywalk", {"hard": True}),
    "run out in front of us": ("jaywalk", {"hard": True}),
    "dart out": ("jaywalk", {"hard": True}),
    "dart into the road": ("jaywalk", {"hard": True}),
    "dart across": ("jaywalk", {"hard": True}),
    "dart into the street": ("jaywalk", {"hard": True}),
    "dash across": ("jaywalk", {"hard": True}),
    "jump out": ("jaywalk", {"hard": True}),
    "jump onto the road": ("jaywalk", {"hard": True}),
    "jump into the road": ("jaywalk", {"hard": True}),
    "jump on the road": ("jaywalk", {"hard": True}),
    "leap onto the road": ("jaywalk", {"hard": True}),
    "run in front of us": ("jaywalk", {"hard": True}),
    "run over": ("jaywalk", {"hard": True}),
    "chase a ball": ("jaywalk", {"hard": True}),
    "jump in front of us": ("jaywalk", {"hard": True}),
    "rush across": ("jaywalk", {"hard": True}),
    "step out": ("jaywalk", {}),
    "step off the kerb": ("jaywalk", {}),
    "step off the curb": ("jaywalk", {}),
    "step onto the road": ("jaywalk", {}),
    "step into the road": ("jaywalk", {}),
    "step onto the street": ("jaywalk", {}),
    "step into the street": ("jaywalk", {}),
    "walk into the road": ("jaywalk", {}),
    "walk onto the road": ("jaywalk", {}),
    "walk into the street": ("jaywalk", {}),
    "walk": ("walk", {}),
    "walk along": ("walk", {}),
    "stroll": ("walk", {}),
    "jog": ("walk", {"hard": True}),
    "run along": ("walk", {"hard": True}),
    "push": ("walk", {}),
    "hurry": ("walk", {"hard": True}),
}
_PHRASES_OF_DOING: dict[str, tuple[str, dict[str, Any]]] = {
    "lane change": ("lane_change", {}),
    "lane change to the left": ("lane_change", {"side": "left"}),
    "lane change to the right": ("lane_change", {"side": "right"}),
    "left turn": ("turn", {"side": "left"}),
    "right turn": ("turn", {"side": "right"}),
    "cut in": ("cut_in", {}),
    "cutin": ("cut_in", {}),
    "hard braking": ("brake", {"hard": True}),
    "emergency braking": ("brake", {"hard": True, "speed_mps": 0.0}),
    "oncoming": ("oncoming", {}),
    "head on": ("oncoming", {}),
    "parked at the side": ("parked", {}),
    "double parked": ("parked", {}),
    "at the kerb": ("parked", {}),
    "at the curb": ("parked", {}),
    "stopped": ("wait", {}),
    "stationary": ("wait", {}),
    "standing": ("wait", {}),
    "stalled": ("wait", {}),
    "broken down": ("wait", {}),
    "breaks down": ("brake", {"speed_mps": 0.0}),
    "waiting": ("wait", {}),
    "sitting": ("wait", {}),
    "at a standstill": ("wait", {}),
    "standstill": ("wait", {}),
    "ped crossing": ("ped_cross", {}),
    "peds crossing": ("ped_cross", {"count": 3}),
    "pedestrian crossing": ("ped_cross", {}),
    "jaywalker": ("jaywalker", {"count": 1}),
    "jaywalkers": ("jaywalker", {"count": 2}),
    "on the sidewalk": ("walk", {"only": True}),
    "on sidewalk": ("walk", {"only": True}),
    "on the pavement": ("walk", {"only": True}),
    "on sidewalks": ("walk", {"only": True}),
}
_PAST = {"cut": "cut", "run": "ran", "drive": "drove", "go": "went", "come": "came", "slow": "slowed",
         "stop": "stopped", "stand": "stood", "sit": "sat", "ride": "rode", "take": "took", "make": "made",
         "overtake": "overtook",
         "step": "stepped", "keep": "kept", "hit": "hit", "slam": "slammed", "leave": "left", "stay": "stayed",
         "speed": "sped", "jog": "jogged", "give": "gave", "swerve": "swerved", "drift": "drifted"}  # fmt: skip
_DOUBLED = {"cut", "run", "stop", "sit", "step", "hit", "slam", "jog"}
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
"""
FILL = frozenset(_FILL.split())
"""Words that change nothing."""


def _conjugated(stem: str) -> dict[str, Form]:
    """Return the forms of a verb phrase: only its first word changes."""
    verb, _, rest = stem.partition(" ")
    tail = f" {rest}" if rest else ""
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    third = verb[:-1] + "ies" if verb.endswith("ry") else third
    root = verb + verb[-1] if verb in _DOUBLED else verb
    ing = (root[:-1] if verb.endswith("e") and not verb.endswith("ee") else root) + "ing"
    past = _PAST.get(verb) or (verb + "d" if verb.endswith("e") else root + "ed")
    forms: dict[str, Form] = {past + tail: "ed", third + tail: "s", ing + tail: "ing"}
    return {**forms, verb + tail: "bare"}


def _who() -> dict[str, Token]:
    found = {}
    for value, phrases in _WHO.items():
        for phrase in phrases.split("|"):
            many = phrase in _PLURAL_ONLY
            found[phrase] = Token(kind="who", value=value, text=phrase, plural=many)
            if not many:
                plural = _IRREGULAR.get(phrase, phrase + "s")
                found[plural] = Token(kind="who", value=value, text=plural, plural=True)
    return found


def _doing() -> dict[str, Token]:
    found = {}
    for stem, (do, extra) in _VERBS.items():
        for phrase, form in _conjugated(stem).items():
            found[phrase] = Token(kind="do", value=do, text=phrase, form=form, extra=tuple(extra.items()))
    for phrase, (do, extra) in _PHRASES_OF_DOING.items():
        found[phrase] = Token(kind="do", value=do, text=phrase, form="word", extra=tuple(extra.items()))
    return found


PHRASES: dict[tuple[str, ...], Token] = {
    tuple(phrase.split()): token
    for table in (
        _BEYOND, _JOIN, _BESIDE, _IT, _THE, _NOT, _COUNTS, _HARD, _GAPS, _PLACE, _ROAD, _LANES, _DENSITY, _LIGHT,
        _WEATHER, _COLORS, _WHERE, _SIDES, _EGO, _doing(), _PACES, _who(),
    )
    for phrase, token in table.items()
}  # fmt: skip
"""Every phrase, as its words."""
LONGEST = max(len(words) for words in PHRASES)
