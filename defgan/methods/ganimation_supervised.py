"""GANimation's generator, shown the true edits of rendered pairs: texture alone, with supervision held equal."""

from defgan.methods.ganimation import METHOD as GANIMATION
from defgan.methods.supervised import SupervisedMethod


class GANimationSupervised(SupervisedMethod):
    """Texture under a mask, supervised."""

    name = "ganimation_supervised"
    label = "GANimation supervised"
    colour = "#E69F00"
    twin = GANIMATION


METHOD = GANimationSupervised()
