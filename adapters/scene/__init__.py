"""Port `scene`: where scenes come from."""
