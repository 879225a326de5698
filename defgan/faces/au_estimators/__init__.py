"""AU estimators: networks, programs or tables that give the 17 AU intensities of a photographed face.

`data.<role>.action_units` chooses one:

- `annotations`: no estimation, the vectors that come with the data set or in a table;
- `blendshapes`: MediaPipe's networks, on the photograph;
- `openface`: OpenFace 2, its CSV files or its program;
- `pyfeat`: Py-Feat, where it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from defgan.faces.au_estimators.base import AUEstimator

if TYPE_CHECKING:
    from defgan.params import Source


def make_estimator(source: Source) -> AUEstimator:
    """The AU estimator of a role. Raises UserError where it cannot work: a package, a file or a program is missing."""
    # Each is imported only where it is chosen: an annotated data set needs none of the networks.
    if source.action_units == "blendshapes":
        from defgan.faces.au_estimators.blendshapes import BlendshapeEstimator

        return BlendshapeEstimator()
    if source.action_units == "openface":
        from defgan.faces.au_estimators.openface import make_openface_estimator

        return make_openface_estimator(source)
    if source.action_units == "pyfeat":
        from defgan.faces.au_estimators.pyfeat import PyFeatEstimator

        return PyFeatEstimator()
    from defgan.faces.au_estimators.annotations import AnnotationEstimator

    return AnnotationEstimator(source)
