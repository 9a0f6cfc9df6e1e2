"""Is it worth it? Measurements of datasets, each printed with its protocol (`python -m eval --help`)."""
