"""Film `unimvm`: see `conditions` for what the model is told."""
