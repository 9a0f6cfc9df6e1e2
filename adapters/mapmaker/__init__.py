"""Port `mapmaker`: the lanes a scene was driven on to a whole HD map."""
