"""Words for the scene: weather, light, place, road, and how much traffic there is."""

from __future__ import annotations

from adapters.planner.rules.vocabulary import entries
from datagen.scene import Light, Place, Weather

WEATHER = entries(
    "weather",
    {
        Weather.RAIN: "rain|rainy|raining|rains|wet|wet road|wet roads|drizzle|drizzling|shower|showers|downpour|"
        "pouring|storm|stormy|thunderstorm|rainstorm|heavy rain|light rain|pouring rain|rainfall|puddles|slippery",
        Weather.FOG: "fog|foggy|mist|misty|haze|hazy|poor visibility|low visibility|thick fog|dense fog|smog",
        Weather.OVERCAST: "overcast|cloudy|clouds|grey sky|gray sky|dull|gloomy|after rain",
        Weather.CLEAR: "clear|sunny|sunshine|clear sky|blue sky|bright|dry|fine weather|clear weather|sun",
    },
)
LIGHT = entries(
    "light",
    {
        Light.NIGHT: "night|nite|nighttime|night time|at night|dark|midnight|late night|after dark|darkness|"
        "nightfall|"
        "in the dark|pitch black|pitch dark|black night|moonless|street lights|nocturnal",
        Light.DUSK: "dusk|dawn|setting sun|rising sun|blue hour|"
        "evening|sunset|sunrise|twilight|early morning|low sun|golden hour|late afternoon",
        Light.DAY: "day|daytime|daylight|noon|midday|morning|afternoon|broad daylight",
    },
)
PLACE = entries(
    "place",
    {
        Place.DOWNTOWN: "downtown|city|city centre|city center|urban|inner city|town|town centre|cbd|shops|high street",
        Place.RESIDENTIAL: "residential|residential street|residential area|suburb|suburbs|suburban|neighbourhood|"
        "neighborhood|village|housing estate|school zone",
        Place.INDUSTRIAL: "industrial|industrial area|industrial park|industrial estate|port|harbour|harbor|"
        "warehouse|"
        "warehouses|factory|docks|container terminal|freight terminal|logistics centre|business park",
        Place.HIGHWAY: "highway|hwy|mway|motorway|freeway|expressway|interstate|autobahn|dual carriageway|main road",
        Place.PARK: "rural|rural road|countryside|country road|forest|woods|park|parkway|tree lined|boulevard|avenue",
    },
)
ROAD = entries(
    "road",
    {
        "crossing": "crosswalk|xwalk|xing|ped xing|ped x|crosswalks|zebra|zebra crossing|zebra crossings|"
        "zebra stripes|ped crossing|"
        "at a pedestrian crossing|at the pedestrian crossing|on a pedestrian crossing|on the pedestrian crossing|"
        "pedestrian crossings|marked crossing|at a crossing|on the crossing|at the crossing",
        "ramp": "on ramp|onramp|slip road|acceleration lane|entry ramp|entrance ramp|ramp|slip lane|entry slip|"
        "merging lane|merge lane|lane ends|lane that ends|lane drop",
        "keep_left": "left hand traffic|lhd traffic|drive on the left|drives on the left|driving on the left|"
        "traffic on the left|left hand driving|keep left|keep left rule|right hand drive|in the uk|in england|"
        "in britain|in scotland|in ireland|in london|in japan|in tokyo|in australia|in sydney|in india|"
        "in singapore|in new zealand|in south africa|in hong kong|in thailand",
        "keep_right": "right hand traffic|drive on the right|drives on the right|driving on the right|keep right rule",
        "junction": "intersection|junction|crossroads|crossroad|t junction|four way|traffic light|traffic lights|"
        "red light|green light|stop sign|stop line|corner|side street|side road|signal|light turns green|turn green|"
        "turns green|goes green|go green|lights turn green|light goes green|"
        "intersxn|intxn|jct|junc|xroads|x roads|isect|on green|on red",
    },
)
LANES = entries(
    "lanes", {1: "narrow|narrow street|narrow road|single lane|one lane|one way", 3: "wide road|big street"}
)
DENSITY = entries(
    "density",
    {
        "empty": "empty road|empty street|empty|deserted|no traffic|no other traffic|nobody else|no other cars|alone",
        "light": "light traffic|quiet|calm|little traffic|sparse traffic|few cars",
        "heavy": "heavy traffic|dense traffic|busy|rush hour|traffic jam|congestion|congested|crowded|jam|"
        "queue|tailback|tailbacks|gridlock|standing traffic|stationary traffic|stopped traffic|queueing traffic|"
        "queuing traffic|slow moving traffic|"
        "lots of traffic|a lot of traffic|much traffic|many cars|stop and go traffic|bumper to bumper",
        "normal": "traffic|normal traffic|moderate traffic|other cars|other traffic|some traffic",
    },
)
CURVE = entries(
    "curve",
    {
        "left": "left bend|left curve|left hand bend|left hand curve|curve to the left|bend to the left|"
        "road curves left|road bends left|curves left|curves to the left|curve|bend|curved road|winding road|"
        "curvy road|in a curve|in a bend|bends|curves",
        "right": "right bend|right curve|right hand bend|right hand curve|curve to the right|bend to the right|"
        "road curves right|road bends right|curves right|curves to the right",
    },
)
