"""People who wait for a gap: they set off once nobody who drives would come near them on their way over.

Traffic is driven once without them; then they go in the first gap, and it is driven again. A gap is one in time, as
in gap acceptance (Highway Capacity Manual 2010, ch. 19: a pedestrian's critical headway is the time over the road and
a margin): wherever one would be, no vehicle is there from a second before to a second and a half after.

```
   vehicle   ─────────▶ ·  ·  ·       their way over, a step at a time
                        |    ╎
   someone at the kerb  ○────╎──▶     free, if no vehicle is within reach of ○ then, a little before, or after
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from datagen.traffic.limits import rear_axle_m
from datagen.traffic.motion import Motion
from datagen.traffic.people import Walk
from datagen.traffic.role import Role
from datagen.traffic.script import STEP_S

_SOONER_S, _LATER_S = 1.0, 1.5
"""Margins in time before and behind a vehicle."""
_REACH_M = 1.1
"""Nearer to a vehicle's end than this, beyond half its length, is near."""
_FIRST_S, _EVERY_S, _LAST_S = 0.8, 0.2, 2.5
"""They look from so early on, so often, and set off no later than this before the clip ends."""


def waiting(roles: Sequence[Role]) -> bool:
    """Say whether anybody waits for a gap."""
    return any(role.crossing is not None for role in roles)


def in_the_gaps(roles: Sequence[Role], motion: Motion, *, duration_s: float) -> list[Role]:
    """Return the roles with those who wait for a gap crossing in the first one; where there is none they stay.

    motion: of those who drive, in the order of the roles.
    """
    drivers = [role for role in roles if role.driver is not None]
    length = np.array([role.body.size_lwh_m[0] for role in drivers])
    middle = np.array([rear_axle_m(one) for one in length])
    x, y = motion.x_m + middle * np.cos(motion.yaw_rad), motion.y_m + middle * np.sin(motion.yaw_rad)
    cars, reach = np.stack([x, y], axis=-1), length / 2 + _REACH_M
    gone = []
    for role in roles:
        if role.crossing is None:
            gone.append(role)
            continue
        tries = (role.crossing(at) for at in np.arange(_FIRST_S, duration_s - _LAST_S, _EVERY_S))
        found = next((walk for walk in tries if _is_clear(walk, cars, reach)), role.crossing(np.inf))
        gone.append(replace(role, walk=found))
    return gone


def _is_clear(walk: Walk, cars: Float[np.ndarray, "steps cars 2"], reach_m: Float[np.ndarray, "cars"]) -> bool:
    """Say whether no car comes near somebody while he walks."""
    steps = np.flatnonzero(np.abs(walk.velocity_mps).max(axis=1) > 0.2)
    last = len(cars) - 1
    for shift in range(-round(_SOONER_S / STEP_S), round(_LATER_S / STEP_S) + 1, 3):
        there = cars[np.clip(steps + shift, 0, last)] - walk.xy_m[steps, None]
        if (there[..., 0] ** 2 + there[..., 1] ** 2 < reach_m**2).any():
            return False
    return True
