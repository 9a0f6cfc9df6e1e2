"""What the user asks for: a recipe file is read, checked and expanded into one prompt per clip."""

from datagen.recipe.dump import dump, recipe_hash
from datagen.recipe.expand import check_words, derive_seed, expand
from datagen.recipe.load import load, load_settings
from datagen.recipe.rig import LOG, find_rig, load_rig, shipped_recipes
from datagen.recipe.schema import ClipSpec, EngineSpec, Name, PromptSpec, Recipe

__all__ = [
    "LOG",
    "ClipSpec",
    "EngineSpec",
    "Name",
    "PromptSpec",
    "Recipe",
    "check_words",
    "derive_seed",
    "dump",
    "expand",
    "find_rig",
    "load",
    "load_rig",
    "load_settings",
    "recipe_hash",
    "shipped_recipes",
]
