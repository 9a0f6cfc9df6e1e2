"""Words for whoever takes part: road users and things, their colours and how many they are."""

from __future__ import annotations

from adapters.planner.rules.vocabulary import Token, entries
from datagen.scene import Category

COLORS = entries(
    "color",
    {
        "white": "white|cream", "black": "black", "grey": "grey|gray|dark grey", "silver": "silver|metallic",
        "red": "red|maroon|crimson", "blue": "blue|navy|dark blue|light blue", "green": "green|dark green",
        "yellow": "yellow", "orange": "orange", "brown": "brown", "beige": "beige|tan", "purple": "purple|violet",
        "pink": "pink", "turquoise": "turquoise|teal|cyan", "gold": "gold|golden",
    },
)  # fmt: skip
COUNTS = entries(
    "count",
    {
        1: "a|an|one|single|another|lone", 2: "two|a couple of|couple of|a pair of|pair of|both|couple",
        3: "three|some|a few|few|several|multiple|various", 4: "four|a group of|group of|many|lots of|crowd of|"
        "a crowd of|loads of|a load of|tons of|plenty of|a lot of|"
        "heaps of|numerous|countless|a bunch of|a stream of|a line of|a row of|a column of|a convoy of|a queue of|"
        "a swarm of|hordes of|everywhere|all over|all around|all over the place",
        5: "five|half a dozen", 6: "six", 7: "seven", 8: "eight|nine|ten|a dozen|dozens of|hundreds of|lots",
    },
)  # fmt: skip

_WHO: dict[tuple[Category, str], str] = {
    (
        Category.CAR,
        "sedan",
    ): "car|sedan|vehicle|saloon|limousine|limo|sports car|automobile|driver|veh|lead vehicle|cabriolet|convertible|"
    "auto|target|target vehicle|gvt|pov|other vehicle|principal other vehicle|challenging vehicle|bmw|mercedes|audi|"
    "hearse|golf|passat|polo|corolla|civic|skoda|octavia|renault|clio|peugeot|citroen|fiat|opel|corsa|vauxhall|"
    "astra|nissan|"
    "mazda|hyundai|kia|subaru|lexus|jaguar|chevrolet|chevy|chrysler|cadillac|buick|lamborghini|maserati|bentley|"
    "rolls royce|dacia|suzuki|mitsubishi|prius|mustang|idiot|moron|lunatic|maniac|nutter|"
    "vw|volkswagen|tesla|toyota|ford|porsche|ferrari|volvo|honda|roadster|coupe",
    (Category.CAR, "hatchback"): "hatchback|small car|compact car|mini|smart car",
    (Category.CAR, "suv"): "range rover|land rover|suv|jeep|4x4|off roader|crossover|station wagon|estate car",
    (Category.CAR, "van"): "van|minivan|delivery van|transporter|minibus|camper|camper van|delivery vehicle|mail van|"
    "transit|ford transit|vito|ducato|motorhome|motor home|people carrier|mpv|sprinter|delivery driver|postal van|"
    "panel van",
    (Category.CAR, "taxi"): "taxi|cab|taxicab|taxi cab|uber",
    (
        Category.TRUCK,
        "lorry",
    ): "truck|lorry|semi|semi truck|heavy truck|big rig|articulated lorry|heavy goods vehicle|hgv|"
    "semi trailer|semitrailer|tractor trailer|articulated truck|truck and trailer|eighteen wheeler|dump truck|"
    "tipper|juggernaut|artic|cement mixer|concrete mixer|car transporter|low loader|"
    "road train",
    (Category.TRUCK, "box"): "box truck|delivery truck|moving truck|garbage truck|refuse truck|bin lorry|"
    "rubbish truck|tow truck|breakdown truck|recovery truck|flatbed|milk float|street sweeper|snow plough|snowplow|"
    "trash truck|small truck",
    (Category.TRUCK, "pickup"): "pickup|pickup truck|pick up truck|ute|pick up",
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
    (Category.POLICE, "plain"): "police van|police bus|police car|police vehicle|patrol car|cop car|police",
    (
        Category.MOTORCYCLE,
        "plain",
    ): "motorcycle|motorbike|motorcyclist|biker|moto|two wheeler|moped|scooter|vespa|police motorcycle|"
    "police motorbike|motor bike|motor cycle|quad bike|"
    "dirt bike|trike|motor scooter",
    (
        Category.BICYCLE,
        "plain",
    ): "bicycle|bike|cyclist|bicyclist|cycle|cargo bike|e bike|ebike|pedelec|push bike|bike rider|rider|racing bike|"
    "mountain bike|tandem|bike courier|cycle courier",
    (Category.ADULT, "plain"): "pedestrian|ped|person|man|woman|adult|walker|jogger|runner|passer by|someone|"
    "somebody|"
    "guy|lady|old man|old woman|elderly man|elderly woman|elderly person|tourist|commuter|people|men|women|"
    "passersby|crowd|"
    "mother|father|parent|grandmother|grandfather|student|pensioner|drunkard|pedestrain|shopper|"
    "dude|bloke|fella|chap|gentleman|granny|grandma|grandpa|soft target",
    (Category.CHILD, "plain"): "child|kid|boy|girl|toddler|schoolchild|children|schoolchildren|school child|"
    "school kid|"
    "school children|pupil|teenager",
    (Category.CONSTRUCTION_WORKER, "plain"): "worker|construction worker|road worker|workman|workmen",
    (Category.POLICE_OFFICER, "plain"): "police officer|policeman|policewoman|cop|traffic warden|officer",
    (
        Category.PERSONAL_MOBILITY,
        "plain",
    ): "mobility scooter|e scooter|kick scooter|electric scooter|skateboarder|skateboard|segway|"
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
_PLURAL_ONLY = {
    "crowd",
    "people",
    "men",
    "women",
    "children",
    "schoolchildren",
    "passersby",
    "workmen",
    "school children",
}
_IRREGULAR = {"bus": "buses", "lorry": "lorries", "taxi": "taxis", "ambulance": "ambulances", "lady": "ladies",
              "buggy": "buggies", "child": "children", "person": "persons", "bendy bus": "bendy buses",
              "school bus": "school buses", "city bus": "city buses", "policeman": "policemen"}  # fmt: skip


def who() -> dict[str, Token]:
    """Return the token of every name, in the singular and the plural."""
    found = {}
    for value, phrases in _WHO.items():
        for phrase in phrases.split("|"):
            many = phrase in _PLURAL_ONLY
            found[phrase] = Token(kind="who", value=value, text=phrase, plural=many)
            if not many:
                plural = _IRREGULAR.get(phrase, phrase + "s")
                found[plural] = Token(kind="who", value=value, text=plural, plural=True)
    return found
