"""Port `planner`: words to a plan."""
