"""The ego: it drives its route and does what the plan says."""

from __future__ import annotations

from dataclasses import replace

from datagen.scene import Category
from datagen.traffic.cast.kerbside import kerb_shift_m
from datagen.traffic.cast.scripting import Way, scripted
from datagen.traffic.limits import limits_of
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.script import PRESSING, cruise
from datagen.traffic.setting import Setting


def cast_ego(setting: Setting, body: Body) -> Role:
    """Return the ego's role."""
    does, speed = setting.plan.ego, setting.speed_mps
    from_kerb = bool(does) and does[0].do == "pull_out"
    way = Way(lane=setting.lane, at_m=setting.s_m if from_kerb else setting.ego_at(setting.duration_s))
    offset = kerb_shift_m(setting, way.lane, at_m=way.at_m, body=body) if from_kerb else 0.0
    close = any(m.do == "tailgate" for m in does)
    wish = speed * PRESSING if close else speed
    script = cruise(setting.times_s, wish, limits=limits_of(Category.CAR), offset_m=offset)
    script, cues = scripted(script, does, way, body=body, setting=setting, speed_mps=speed)
    driver = driver_of(
        body, setting.route, script, cues=cues, s_m=float(setting.progress_m[0]), speed_mps=speed,
        headway_s=0.4 if close else 1.1,
    )  # fmt: skip
    return Role(body=body, driver=replace(driver, bold=any(m.do == "overtake" for m in does)), acts=does)
