"""HD maps by diffusion: from a raster of who drove and walked where, a raster of the road that makes it lawful."""
