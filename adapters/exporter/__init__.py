"""Port `exporter`: clips to a dataset."""
