"""Port `video`: shots to pictures."""
