"""The experiment as a file: which arms, on which data, for how long, with which detectors and seeds.

```yaml
real:
  train: {root: ../../data/nuscenes, version: v1.0-trainval, split: train}
  val: {root: ../../data/nuscenes, version: v1.0-trainval, split: val}
synthetic:
  prompted: {recipe: ../longtail_night_rain.yaml, set: [film.use=unimvm]}
detectors:
  fcos3d: {use: mmdet3d, model: fcos3d_small}
seeds: [0, 1, 2]
base: {iterations: 12000, batch_size: 6}
budget: {iterations: 1500, batch_size: 6, evaluate_every: 500}
reference: real
arms:
  real: {}
  real+prompted: {synthetic: prompted, ratio: 1.0, warm_down: 0.2}
  prompted: {synthetic: prompted, real: false}
```

Paths are seen from the recipe's folder. With `base`, one detector is first trained that long on the real log alone,
and every arm goes on from it; without, arms begin from the detector's own weights. Every arm is trained for the same
number of iterations and the same batch unless it says otherwise; where arms differ in either, no gain is told between
them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from datagen import plugins
from datagen.errors import InputError, RecipeError
from datagen.recipe import Name, load_settings

ENOUGH_SEEDS = 3
Ratio = Annotated[float, Field(gt=0.0, le=100.0)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(_Part):
    """A split of a dataset: one that is there (`root`), or one that a recipe makes (`recipe`, and what to `set` in it).

    set: in that of synthetic data, {real.train.root}, {real.train.version} and {real.train.split} stand for the real
        training data, so that a recipe can be made over its scenes.
    skip_missing: leave samples out whose sensor files are missing, instead of refusing.
    """

    root: Path | None = None
    recipe: Path | None = None
    set: tuple[str, ...] = ()
    version: str = "v1.0-synth"
    split: str = "synth_all"
    skip_missing: bool = False

    @model_validator(mode="after")
    def _is_somewhere(self) -> Data:
        if (self.root is None) == (self.recipe is None):
            raise ValueError("give either the root of a dataset, or the recipe that makes it")
        if self.set and self.recipe is None:
            raise ValueError("set changes a recipe, and there is none")
        return self

    @property
    def is_over_train(self) -> bool:
        """Whether it is made over the scenes of the real training data."""
        return any("{real.train." in text for text in self.set)

    def over(self, train: Data) -> Data:
        """Return this with what `set` says of the real training data filled in."""
        assert train.root is not None, "real data is made before synthetic"
        told = {"root": str(train.root.resolve()), "version": train.version, "split": train.split}
        changed = self.set
        for key, value in told.items():
            changed = tuple(text.replace(f"{{real.train.{key}}}", value) for text in changed)
        return self.model_copy(update={"set": changed})


class Real(_Part):
    """A real log: what is trained on, and what is held out to judge."""

    train: Data
    val: Data


class Budget(_Part):
    """Of every training. batch_size: None for the detector's own.  evaluate_every: iterations; None for the end.

    rate: of learning, as a share of the detector's own: less for what goes on from a trained base.
    """

    iterations: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0.0)] = 1.0
    evaluate_every: Annotated[int, Field(ge=1)] | None = None


class Trust(_Part):
    """What is done with boxes the judge distrusts: dropped below the threshold, or weighed by their trust."""

    how: Literal["drop", "weigh"] = "drop"
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5


class Arm(_Part):
    """What one arm is trained on.

    ratio: synthetic samples drawn for each real one; None draws all samples alike.
    warm_down: share of the training at its end that is on real samples only.
    weight: of synthetic samples where there is no ratio.
    budget: another one than the experiment's; no gain is told against arms that differ.
    """

    real: bool = True
    synthetic: str | None = None
    ratio: Ratio | None = None
    warm_down: Share = 0.0
    weight: Ratio = 1.0
    trust: Trust | None = None
    budget: Budget | None = None

    @model_validator(mode="after")
    def _has_a_diet(self) -> Arm:
        if not self.real and self.synthetic is None:
            raise ValueError("an arm without real data needs `synthetic:`")
        if (self.ratio is not None or self.warm_down) and not (self.real and self.synthetic):
            raise ValueError("ratio and warm_down mix real and synthetic samples, so the arm needs both")
        if self.warm_down and self.ratio is None:
            raise ValueError("warm_down needs a ratio to come down from")
        return self

    @property
    def schedule(self) -> tuple[tuple[float, float], ...]:
        """(progress, synthetic samples for each real one); empty where samples are drawn alike."""
        if self.ratio is None:
            return ()
        down = 1.0 - self.warm_down
        tail = ((down, 0.0), (1.0, 0.0)) if self.warm_down else ()
        return ((0.0, self.ratio), (down, self.ratio), *tail)


class Engine(_Part):
    """How trials run: `workers` at one time, each tried `attempts` times."""

    executor: Literal["ray", "local"] = "ray"
    workers: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    attempts: Annotated[int, Field(ge=1)] = 2
    time_limit_s: Annotated[float, Field(gt=0.0)] = 24 * 3600.0


class GainRecipe(_Part):
    """An experiment. `name` is the file's if left out; `reference` is the arm that others are compared with.

    base: of a detector that is trained on the real log alone, with the first seed, and that every arm goes on from.
    budget: of every arm, after that.
    headlines: what the page tells first: mAP, NDS, AMOTA, `<class>/AP`, and each but AMOTA within a slice, as
        `light:night/mAP`.
    look_at: synthetic datasets that the reference's detectors look at without having seen them.
    resamples: of the bootstrap.
    """

    name: Name | None = None
    real: Real
    synthetic: dict[str, Data] = {}
    detectors: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    base: Budget | None = None
    budget: Budget
    arms: Annotated[dict[str, Arm], Field(min_length=1)]
    reference: str
    headlines: Annotated[tuple[str, ...], Field(min_length=1)] = ("mAP", "NDS", "AMOTA")
    look_at: tuple[str, ...] = ()
    resamples: Annotated[int, Field(ge=10)] = 500
    engine: Engine = Engine()

    @model_validator(mode="after")
    def _names_what_is_there(self) -> GainRecipe:
        if self.reference not in self.arms:
            raise ValueError(f"reference: no arm '{self.reference}'; there are: {', '.join(self.arms)}")
        wanted = {f"arms.{name}.synthetic": arm.synthetic for name, arm in self.arms.items() if arm.synthetic}
        for place, name in [*wanted.items(), *(("look_at", name) for name in self.look_at)]:
            if name not in self.synthetic:
                raise ValueError(f"{place}: no dataset '{name}'; there are: {', '.join(self.synthetic) or 'none'}")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} repeats one")
        return self


def load_recipe(path: Path, *, overrides: Sequence[str] = ()) -> GainRecipe:
    """Read an experiment. Raises RecipeError with its mistakes."""
    filled = load_settings(
        path, GainRecipe, settings_of=plugins.settings_of, words_of=plugins.words, overrides=overrides
    )
    recipe = GainRecipe(**filled)
    detectors, mistakes = {}, []
    for name, chosen in recipe.detectors.items():
        try:
            detectors[name] = _detector(chosen, path.resolve().parent)
        except (InputError, ValidationError) as error:
            mistakes.append(f"{path} detectors.{name}: {error}")
    if mistakes:
        raise RecipeError(mistakes)
    return recipe.model_copy(update={"name": recipe.name or path.stem, "detectors": detectors})


def _detector(chosen: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a detector's settings with all defaults, its paths seen from the recipe's folder."""
    rest = {key: value for key, value in chosen.items() if key != "use"}
    settings = plugins.settings_of("detector", str(chosen.get("use", ""))).model_validate_json(json.dumps(rest))
    filled = {key: folder / value if isinstance(value, Path) else value for key, value in settings.model_dump().items()}
    return {"use": chosen["use"], **filled}
