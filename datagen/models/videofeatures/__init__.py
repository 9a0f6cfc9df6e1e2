"""A small network whose features tell how pictures follow one another: what FVD is measured with out of the box.

It is trained on clips that were disturbed in time, to say how, and to read the drive's speed off clips that were not.
"""

from datagen.models.videofeatures.network import DIMS, SIZE_PX, VideoFeatures
from datagen.models.videofeatures.weights import open_videofeatures, save_videofeatures

__all__ = ["DIMS", "SIZE_PX", "VideoFeatures", "open_videofeatures", "save_videofeatures"]
