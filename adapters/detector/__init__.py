"""Port `detector`: a perception network that is trained on datasets and looks at others."""
