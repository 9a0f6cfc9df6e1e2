"""datagen turns a recipe of prompts into a nuScenes-format dataset: traffic, HD maps and video."""

__version__ = "0.1.0"
