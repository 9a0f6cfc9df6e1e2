"""Words' form to motion: `simulate` makes a scene of a plan. Pure: no files, no clock, randomness enters as `rng`."""
