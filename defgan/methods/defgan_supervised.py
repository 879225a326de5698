"""DefGAN's networks, shown the true edits of rendered pairs."""

from defgan.methods.defgan import METHOD as DEFGAN
from defgan.methods.supervised import IMAGE_TERMS, MOTION_TERMS, SupervisedMethod


class DefGANSupervised(SupervisedMethod):
    """Motion and texture, both supervised."""

    name = "defgan_supervised"
    label = "DefGAN supervised"
    colour = "#56B4E9"
    rival = "ganimation_supervised"
    deforms = True
    twin = DEFGAN
    image_terms = (*MOTION_TERMS, *IMAGE_TERMS)


METHOD = DefGANSupervised()
