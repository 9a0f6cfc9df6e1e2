"""UniMVM: one multi-view video diffusion model for every mask of what is given (DriveDreamer-2, arXiv 2403.06845).

Axes, everywhere in this room:

```
   B clips · T frames · V views · C channels · H W rows and columns of one view (pictures in px, latents in cells)
```
"""
