"""What a text says of the scene: weather, light, place, road, traffic; and what it says that finds no place."""

from __future__ import annotations

from adapters.planner.rules.vocabulary import Token
from datagen.scene import Light, Place, Weather
from datagen.scene.plan import Density, PlanAbsent, PlanAmbience, PlanRoad, Side

_MOST_LEFT_OUT = 24


class SceneReader:
    """Takes in the words that are about no one in particular."""

    def __init__(self) -> None:
        self.density: Density | None = None
        self.road: set[str] = set()
        self.left_out: list[str] = []
        self.absent: set[str] = set()
        self._curve: Side | None = None
        self._weather: Weather | None = None
        self._light: Light | None = None
        self._place: Place | None = None
        self._lanes: int | None = None

    def read(self, token: Token, coming: list[Token]) -> bool:
        """Take in a token if it is about the scene; say whether it was."""
        match token.kind:
            case "weather" if self._weather in (None, Weather.CLEAR):  # "a clear night after rain": rain wins
                self._weather = token.value
            case "light" if self._light in (None, Light.DAY):
                self._light = token.value
            case "place":
                self._place = self._place or token.value
            case "lanes":
                self._lanes = self._per_direction(token, coming)
            case "road":
                self.road.add(token.value)
            case "curve":
                self._curve = self._curve or token.value
            case "density":
                self.density = self.density or token.value
            case "weather" | "light":
                pass
            case _:
                return False
        return True

    def leave_out(self, words: str) -> None:
        """Note what the form cannot hold."""
        if words not in self.left_out and len(self.left_out) < _MOST_LEFT_OUT:
            self.left_out.append(words[:80])

    def beyond(self, token: Token) -> None:
        """Leave out what the form cannot hold; where the sky falls as snow, it is at least grey."""
        self.leave_out(token.text)
        if token.text.startswith(("snow", "hail", "ic")) and self._weather is None:
            self._weather = Weather.OVERCAST

    def ambience(self) -> PlanAmbience:
        """Return how it looks."""
        usual = Place.HIGHWAY if "ramp" in self.road and "junction" not in self.road else Place.DOWNTOWN
        return PlanAmbience(
            weather=self._weather or Weather.CLEAR, light=self._light or Light.DAY, place=self._place or usual
        )

    def nobody(self) -> PlanAbsent:
        """Return whom the background shall not hold."""
        return PlanAbsent(
            people="people" in self.absent, cyclists="cyclists" in self.absent, parked="parked" in self.absent
        )

    def wished_road(self) -> PlanRoad:
        """Return the road; small places have one lane per direction unless told otherwise."""
        usual = 1 if self._place in (Place.RESIDENTIAL, Place.PARK) else 2
        junction = "junction" in self.road
        return PlanRoad(
            lanes=self._lanes or usual,
            curve=None if junction else self._curve,
            crossing="crossing" in self.road,
            junction=junction,
            ramp="ramp" in self.road and not junction,
            drive_on="left" if "keep_left" in self.road else "right",
        )

    def _per_direction(self, token: Token, coming: list[Token]) -> int:
        lanes = int(max(1, min(abs(token.value), 8)))
        total = bool(token.extra) and lanes != 3 and not any(t.text in ("per", "each", "both") for t in coming[:3])
        return max(1, min(lanes // 2 if total and self._place is not Place.HIGHWAY else lanes, 4))
