"""Clips to a nuScenes-format dataset: fragments per clip, then one merge."""
