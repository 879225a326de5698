"""`Editor`: a trained model with all that it takes to edit a photograph.

from defgan import Editor

editor = Editor.load()
editor.edit("photo.jpg", expression="happy").image.save("happy.png")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from defgan.editing.faces import Face, FaceFinder
from defgan.editing.native import apply_edit
from defgan.editing.photographs import Photograph, from_image, open_photograph
from defgan.editing.targets import Target, make_target
from defgan.editing.weights import read_weights
from defgan.facs import AU_NAMES
from defgan.models.base import EditingModel
from defgan.models.deformation import to_grid, to_offsets, warp
from defgan.report.style import METHOD_LABELS
from defgan.training.data import to_network, to_pixels


@dataclass(frozen=True)
class Parts:
    """What the networks made of one face, at the size of their crop, S×S; None where a model has no such thing."""

    face: Face
    y: np.ndarray  # float32 (17,), the target AUs; the present ones are `face.x`
    image: np.ndarray  # uint8 S×S×3, ℐ_y
    deformed: np.ndarray | None  # uint8 S×S×3, ℐ*_y
    offsets: np.ndarray | None  # float32 S×S×2, of the grid, pixels at 128 px
    mask: np.ndarray | None  # float32 S×S in [0, 1]; 1 = hallucinated
    texture: np.ndarray | None  # uint8 S×S×3
    change: np.ndarray | None  # float32 S×S×3, what the texture adds to the deformed crop, units of 0 … 255

    @property
    def x(self) -> np.ndarray:
        return self.face.x


@dataclass(frozen=True)
class EditedPhotograph:
    """An edited photograph: `image`, what each face's edit is made of, and the photograph with the motion alone."""

    photograph: Photograph
    pixels: np.ndarray  # uint8 H×W×3
    parts: tuple[Parts, ...]

    @cached_property
    def image(self) -> Image.Image:
        return self.photograph.with_pixels(self.pixels)

    @cached_property
    def deformed(self) -> Image.Image:
        """The photograph with its faces deformed and nothing painted, at full resolution."""
        pixels = self.photograph.pixels
        for part in self.parts:
            pixels = apply_edit(pixels, part.face.transform, part.offsets, None)
        return self.photograph.with_pixels(pixels)


def render(pixels: np.ndarray, parts: Sequence[Parts]) -> np.ndarray:
    """A photograph, uint8 H×W×3, with its faces edited; `Face.within` goes with a part or a resized one."""
    for part in parts:
        pixels = apply_edit(pixels, part.face.transform, part.offsets, part.change)
    return pixels


def _both_sides(fields: torch.Tensor) -> torch.Tensor:
    """The mean of what was made of a face and of its mirror image: 2×C×H×W to 1×C×H×W."""
    return (fields[:1] + fields[1:].flip(3)) / 2


def describe(parts: Sequence[Parts]) -> str:
    """The target AUs of an edit in words; those that are 0 are not named."""
    faces = []
    for part in parts:
        aus = ", ".join(f"{n} {v:.2f}" for n, v in zip(AU_NAMES, part.y, strict=True) if v >= 0.005) or "all 0"
        faces.append(f"face {part.face.number}: {aus}" if len(parts) > 1 else aus)
    return f"target action units {'; '.join(faces)}"


class Editor:
    """Edits photographs with one model; `load` makes one."""

    def __init__(self, name: str, model: EditingModel, digest: str, find: FaceFinder):
        self.name, self.digest, self.find = name, digest, find
        # Half precision would leave steps in the smooth fields that are enlarged, and is slow on most CPUs.
        model.bf16 = False
        self._model = model.to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, model: str = "defgan", weights: str | Path | None = None, find: FaceFinder | None = None) -> "Editor":
        """An editor by a model's name: "defgan" or "ganimation".

        Args:
            weights: folder of NAME.safetensors and NAME.json; without it the weights that come with the project.
            find: another editor's finder of faces, to load its networks once; made anew where the crops differ.
        """
        network, content = read_weights(model, weights)
        size = content["params"]["image_size"]
        points = np.array(content["points"]) if "points" in content else None
        if find is None or not find.suits(size, points):
            find = FaceFinder(size, points)
        return cls(model, network, content["sha256"], find)

    @torch.inference_mode()
    def generate(self, face: Face, y: np.ndarray) -> Parts:
        """Run the networks on one face for target AUs y, float32 of shape (17,) in [0, 1].

        They see the face and its mirror image, and the edit is the mean of both: all AUs are symmetric, and what a
        network does to one side only, such as half an open mouth, is its error.
        """
        crop = to_network(torch.from_numpy(face.crop[None]))
        images = torch.cat([crop, crop.flip(3)]).contiguous(memory_format=torch.channels_last)
        conditions = (torch.from_numpy(np.asarray(aus, np.float32)).expand(2, -1) for aus in (face.x, y))
        edit = self._model.edit(images, *conditions)
        change = _both_sides(edit.image - (images if edit.deformed is None else edit.deformed))
        offsets, deformed = None, crop
        if edit.grid is not None:
            steps = to_offsets(edit.grid).permute(0, 3, 1, 2)
            steps[1, 0].neg_()  # right is left in the mirror
            offsets = _both_sides(steps).permute(0, 2, 3, 1)
            deformed = warp(to_grid(offsets), crop)
        return Parts(
            face=face,
            y=y,
            image=to_pixels(deformed + change)[0],
            deformed=None if offsets is None else to_pixels(deformed)[0],
            offsets=None if offsets is None else offsets[0].contiguous().numpy(),
            mask=None if edit.mask is None else _both_sides(edit.mask)[0, 0].numpy(),
            texture=None if edit.texture is None else to_pixels(_both_sides(edit.texture))[0],
            change=None if edit.mask is None else (127.5 * change)[0].permute(1, 2, 0).contiguous().numpy(),
        )

    def apply(self, photograph: Photograph, faces: Sequence[Face], target: Target) -> EditedPhotograph:
        """Edit faces that were found before."""
        parts = tuple(self.generate(face, target.vector(face.x)) for face in faces)
        return EditedPhotograph(photograph, render(photograph.pixels, parts), parts)

    def edit(
        self,
        image: Image.Image | np.ndarray | str | Path,
        expression: str | None = None,
        *,
        aus: Mapping[str, float] | None = None,
        strength: float = 1.0,
        relative: bool = False,
        face: str | int = "only",
    ) -> EditedPhotograph:
        """Find the face, read its expression and edit it.

        Args:
            image: a photograph; arrays are uint8 H×W×3.
            expression: a name in `defgan.facs.PRESETS`, "neutral" among them.
            aus: intensities in [0, 1] by name or plain word ({"smile": 1}); units not named stay as they are.
            strength: α in [0, 1], how far to go from the present AUs to these.
            relative: add to the present AUs instead of replacing them.
            face: "only", "largest", "all", or a number from 1, counted from the left.

        Raises:
            UserError: no face, more than one, one that cannot be edited, or a target that is not known.
        """
        target = make_target(expression, aus, strength, relative)
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        photograph = from_image(image) if isinstance(image, Image.Image) else open_photograph(image)
        return self.apply(photograph, self.find(photograph.pixels, face), target)

    def note(self, edit: str) -> str:
        """What is written into an edited file: that it is edited, by which weights, and how."""
        return (
            f"expression edited with DefGAN (this photograph is altered); model {METHOD_LABELS[self.name]}, "
            f"weights SHA-256 {self.digest}; {edit}"
        )
