"""Roads as vectors: lanes to drive on, and everything that is drawn around them. Pure."""
