"""The stage: a prompt's seed → a place, its traffic, an ego, a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import shapely
import shapely.ops

from adapters.scene.sumo.casting import choose_ego
from adapters.scene.sumo.kerbside import draw_kerbside
from adapters.scene.sumo.motion import STEP_S
from adapters.scene.sumo.narration import PLACE_WORDS, asked_for, describe, draw, draw_ambience
from adapters.scene.sumo.network import Network, build_network, require_sumo
from adapters.scene.sumo.placed import Placed
from adapters.scene.sumo.settings import Settings
from adapters.scene.sumo.staging import Cast, ego_trajectory, knots_us, stage
from adapters.scene.sumo.traffic import libsumo_module, simulate
from adapters.scene.sumo.worksites import Worksite, draw_worksites, furnish
from datagen.ports import Dropped, Resources, Take
from datagen.scene import Place, Prompt, Scene

ATTEMPTS = 4
"""Traffic of another seed is tried when no car drives as an ego should."""
CACHED_NETWORKS = 16
BEYOND_S = 0.5
"""Scenes go on this long after the clip's end."""


@dataclass
class SumoStage:
    """Turns takes with a prompt into takes with a scene. Networks are built when first needed and kept a while."""

    settings: Settings
    name: str = "scene"
    resources: Resources = field(default_factory=Resources)
    batch_size: int = 1
    _networks: dict[int, Network] = field(default_factory=dict)

    def open(self) -> None:
        """See that SUMO is there. Raises DependencyError if it is not."""
        libsumo_module()
        require_sumo()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Give every take its scene."""
        return [self._with_scene(take) for take in batch]

    def close(self) -> None:
        """Forget the networks."""
        self._networks.clear()

    def _with_scene(self, take: Take) -> Take | Dropped:
        take.workdir.mkdir(parents=True, exist_ok=True)
        network = self._network(pick_network(take.prompt, self.settings))
        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng([take.prompt.seed, attempt])
            scene = make_scene(take.prompt, network=network, settings=self.settings, workdir=take.workdir, rng=rng)
            if scene is not None:
                return replace(take, scene=scene).with_note("network", network.location)
        return Dropped(reason=f"no car in {network.location} drove as an ego should, in {ATTEMPTS} tries")

    def _network(self, number: int) -> Network:
        if number not in self._networks:
            while len(self._networks) >= CACHED_NETWORKS:
                del self._networks[next(iter(self._networks))]
            place = place_of(number, self.settings)
            self._networks[number] = build_network(number, place=place, extent_m=self.settings.extent_m)
        return self._networks[number]


def place_of(number: int, settings: Settings) -> Place:
    """Return what kind of place a network of the pool is."""
    return draw(settings.place, rng=np.random.default_rng([number, 0x91ACE]))


def pick_network(prompt: Prompt, settings: Settings) -> int:
    """Return the number of the network a prompt is played on; a place it names decides if the pool has one."""
    numbers = range(settings.first_network, settings.first_network + settings.networks)
    wanted = asked_for(prompt.text, PLACE_WORDS)
    fitting = [number for number in numbers if place_of(number, settings) is wanted] if wanted else []
    rng = np.random.default_rng([prompt.seed, 0x9E7])
    return int(rng.choice(fitting or list(numbers)))


def make_scene(
    prompt: Prompt, *, network: Network, settings: Settings, workdir: Path, rng: np.random.Generator
) -> Scene | None:
    """Return a scene of `prompt.duration_s` on a network, or None if nobody in its traffic can be the ego."""
    last_step = int(np.ceil((prompt.duration_s + BEYOND_S) / STEP_S - 1e-9))
    ambience = draw_ambience(prompt.text, place=network.place, weather=settings.weather, light=settings.light, rng=rng)
    worksites = draw_worksites(network, rng=rng) if rng.random() < settings.worksite_share else []
    density = settings.density.model_dump(exclude={"standing"})
    traffic = simulate(
        network,
        density=density,
        worksites=worksites,
        warm_up_s=settings.warm_up_s,
        duration_s=last_step * STEP_S,
        workdir=workdir,
        rng=rng,
    )
    chosen = choose_ego(traffic, last_step=last_step, worksites=worksites, rims_m=_rims(network), rng=rng)
    if chosen is None:
        return None
    ego_name, path = chosen
    times_us = knots_us(prompt.start_us, last_step)
    ego = ego_trajectory(*path, times_us=times_us)
    placed = _placed(network, path_m=path[0], worksites=worksites, settings=settings, rng=rng)
    cast = stage(
        traffic,
        ego_name=ego_name,
        ego=ego,
        placed=placed,
        roadway=_roadway(network),
        radius_m=settings.radius_m,
        times_us=times_us,
    )
    return Scene(
        ego=ego,
        actors=cast.actors,
        hdmap=network.hdmap,
        ambience=ambience,
        description=describe(ego, actors=cast.actors, hdmap=network.hdmap, ambience=ambience),
        provenance=_provenance(network, ego_name=ego_name, cast=cast),
    )


def _roadway(network: Network) -> shapely.Geometry:
    """Return where vehicles may be."""
    areas = [shapely.Polygon(area.polygon.exterior_m, area.polygon.holes_m) for area in network.hdmap.drivable]
    roadway = shapely.MultiPolygon(areas)
    shapely.prepare(roadway)
    return roadway


def _rims(network: Network) -> np.ndarray:
    """Return where roads end, which is where traffic appears and vanishes."""
    return np.array([node.getCoord() for node in network.net.getNodes() if len(node.getIncoming()) == 1]).reshape(-1, 2)


def _placed(
    network: Network,
    *,
    path_m: np.ndarray,
    worksites: Sequence[Worksite],
    settings: Settings,
    rng: np.random.Generator,
) -> list[Placed]:
    """Return what stands near the ego's path: worksites first, for they push parked cars aside."""
    corridor = shapely.LineString(path_m[::5]).buffer(settings.radius_m)
    shapely.prepare(corridor)
    on_sites = shapely.union_all([_ground(site).buffer(1.5) for site in worksites])
    shapely.prepare(on_sites)
    beside = draw_kerbside(
        network,
        near=lambda at_m: bool(shapely.contains_xy(corridor, *at_m)),
        parked_share=settings.parked,
        standing_per_km=settings.density.standing,
        rng=rng,
    )
    works = [thing for site in worksites for thing in furnish(site, rng=rng)]
    works = [thing for thing in works if shapely.contains_xy(corridor, *thing.at_m)]
    return works + [thing for thing in beside if not shapely.contains_xy(on_sites, *thing.at_m)]


def _ground(site: Worksite) -> shapely.Geometry:
    line = shapely.ops.substring(shapely.LineString(site.line_m), *site.span_m)
    return line.buffer(site.width_m / 2, cap_style="flat")


def _provenance(network: Network, *, ego_name: str, cast: Cast) -> dict[str, str]:
    return {
        "source": "sumo",
        "network": network.location,
        "ego": ego_name,
        "let_go_for_overlap": f"{cast.overlapping} of {cast.overlapping + len(cast.actors)}",
        "let_go_for_motion": str(cast.impossible),
    }
