"""The ray-caster and what is made with it: pictures, LiDAR sweeps, visibility, labels, condition canvases."""
