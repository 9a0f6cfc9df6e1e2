"""Port `trainer`: a training recipe to weights."""
