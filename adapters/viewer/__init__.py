"""Port `viewer`: a finished run to something a person looks at."""
