"""`Editor`: a trained model with everything that an edit of a photograph needs.

from defgan import Editor

editor = Editor.load()
editor.edit("photo.jpg", expression="happy").image.save("happy.png")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from defgan import alignment, methods
from defgan.editing import DEFAULT
from defgan.editing.eyes import iris_weight
from defgan.editing.face_finder import Face, FaceFinder
from defgan.editing.folds import unfold
from defgan.editing.image_file import NOTE, Photograph, from_image, open_photograph
from defgan.editing.light import light_gains, relight, relight_change
from defgan.editing.native import apply_edit
from defgan.editing.targets import GroupTarget, Target, make_target
from defgan.editing.trained_weights import read_weights
from defgan.errors import UserError
from defgan.facs import AU_NAMES
from defgan.methods.model import Model
from defgan.pixels import to_network, to_pixels
from defgan.warp import to_grid, to_offsets, warp


@dataclass(frozen=True)
class Parts:
    """What the networks make of one face, at the size of their crop, S×S; None where a model has no such part."""

    face: Face
    y: np.ndarray  # float32 (17,), the target AUs; the present ones are `face.x`
    image: np.ndarray  # uint8 S×S×3, ℐ_y
    deformed: np.ndarray | None  # uint8 S×S×3, ℐ*_y
    offsets: np.ndarray | None  # of the grid 𝒢, float32 S×S×2, pixels at 128 px
    mask: np.ndarray | None  # ℳ, float32 S×S in [0, 1]; 1 = synthesised texture
    texture: np.ndarray | None  # 𝒯, uint8 S×S×3
    change: np.ndarray | None  # ℐ_y − ℐ*_y, float32 S×S×3, in units of 0 … 255

    @property
    def x(self) -> np.ndarray:
        return self.face.x


@dataclass(frozen=True)
class EditedPhotograph:
    """An edited photograph: its pixels and the parts of each face's edit."""

    photograph: Photograph
    pixels: np.ndarray  # uint8 H×W×3
    parts: tuple[Parts, ...]

    @cached_property
    def image(self) -> Image.Image:
        """The edited photograph in its own mode."""
        return self.photograph.with_pixels(self.pixels)

    @cached_property
    def deformed(self) -> Image.Image:
        """The photograph with its faces deformed, without synthesised texture."""
        return self.photograph.with_pixels(deform(self.photograph.pixels, self.parts))


def render(pixels: np.ndarray, parts: Sequence[Parts]) -> np.ndarray:
    """A photograph, uint8 H×W×3, with its faces edited.

    Of a piece of the photograph, or of a resized one, the parts' faces have to be placed by `Face.within` first.
    """
    for part in parts:
        pixels = apply_edit(pixels, part.face.transform, part.offsets, part.change)
    return pixels


def deform(pixels: np.ndarray, parts: Sequence[Parts]) -> np.ndarray:
    """As `render`, with the motion alone: no texture is added."""
    return render(pixels, [replace(part, change=None) for part in parts])


def _both_sides(fields: torch.Tensor) -> torch.Tensor:
    """The mean of fields for N faces and those for their mirror images, flipped back: 2N×C×H×W to N×C×H×W."""
    own, mirrored = fields.chunk(2)
    return (own + mirrored.flip(3)) / 2


def _eyes(face: Face) -> np.ndarray:
    """Centres of both eyes, 2×2, pixels of the crop."""
    return alignment.apply(face.transform, face.points[:2])


def _kept(faces: Sequence[Face], ys: Sequence[np.ndarray]) -> torch.Tensor:
    """`iris_weight` of N faces, N×1×S×S."""
    weights = [iris_weight(_eyes(face), face.x, y, len(face.crop)) for face, y in zip(faces, ys, strict=True)]
    return torch.from_numpy(np.stack(weights)[:, None])


def describe(parts: Sequence[Parts]) -> str:
    """The target AUs of an edit in words; AUs of 0 are left out."""
    faces = []
    for part in parts:
        aus = ", ".join(f"{n} {v:.2f}" for n, v in zip(AU_NAMES, part.y, strict=True) if v >= 0.005) or "all 0"
        faces.append(f"face {part.face.number}: {aus}" if len(parts) > 1 else aus)
    return f"target action units {'; '.join(faces)}"


def _device(name: str) -> str:
    """A device's name for torch; raises UserError where this machine has no such device."""
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"{name}: no such device; choose auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("torch finds no GPU here; use --device cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


class Editor:
    """Edits photographs with one model; `load` makes one."""

    def __init__(self, name: str, model: Model, digest: str, find: FaceFinder, device: str = "cpu"):
        self.name, self.digest, self.find = name, digest, find
        # The fields are enlarged: half precision would show as steps in them. It is also slow on most CPUs.
        model.bf16 = False
        self._device = torch.device(device)
        # Not channels last: torch's instance normalisation would copy all features there and back.
        self._model = model.to(self._device, memory_format=torch.contiguous_format)

    @classmethod
    def load(
        cls,
        model: str = DEFAULT,
        weights: str | Path | None = None,
        find: FaceFinder | None = None,
        device: str = "cpu",
    ) -> "Editor":
        """An editor with a trained model.

        Args:
            model: a name in `defgan.editing.EDITORS`, such as "defgan" or "ganimation".
            weights: folder of NAME.safetensors and NAME.json; without it the weights that come with the project.
            find: another editor's `find`, so that its networks are loaded once; not used where the crops differ.
            device: where the model's networks run: "cpu", "cuda", or "auto", a GPU where there is one.

        Raises:
            UserError: an unknown model, no whole weights of it in the folder, or no such device.
        """
        device = _device(device)
        network, content = read_weights(model, weights)
        size = content["params"]["image_size"]
        points = np.array(content["points"]) if "points" in content else None
        if find is None or not find.suits(size, points):
            find = FaceFinder(size, points)
        return cls(model, network, content["sha256"], find, device)

    def generate(self, face: Face, y: np.ndarray) -> Parts:
        """Run the networks on one face for target AUs y, float32 of shape (17,) in [0, 1]; see `generate_all`."""
        return self.generate_all([face], [y])[0]

    @torch.inference_mode()
    def generate_all(self, faces: Sequence[Face], ys: Sequence[np.ndarray]) -> list[Parts]:
        """Run the networks once on N faces, N ≥ 1, for target AUs, one vector of shape (17,) in [0, 1] for each.

        They see each face and its mirror image, and the edit is the mean of both. All AUs are symmetric: a change of
        one side alone, such as half an open mouth, is an error of the networks. In coloured light they see the face as
        in the light that they learnt from (`defgan.editing.light`).
        """
        crops = to_network(torch.from_numpy(np.stack([face.crop for face in faces])))
        gains = light_gains([face.crop for face in faces])
        shown = relight(crops, gains)
        images = torch.cat([shown, shown.flip(3)]).contiguous()
        conditions = (np.stack([face.x for face in faces]), np.stack(ys))
        conditions = (torch.from_numpy(aus.astype(np.float32)).repeat(2, 1) for aus in conditions)
        edit = self._model.edit(*(tensor.to(self._device) for tensor in (images, *conditions)))
        edit = edit._make(None if part is None else part.cpu() for part in edit)
        change = _both_sides(edit.image - (images if edit.deformed is None else edit.deformed))
        mask = None if edit.mask is None else _both_sides(edit.mask)
        offsets, deformed, moved_shown = None, crops, shown
        if edit.grid is not None:
            steps = to_offsets(edit.grid).permute(0, 3, 1, 2)
            steps[len(faces) :, 0].neg_()  # right is left in the mirror
            means = _both_sides(steps).permute(0, 2, 3, 1).contiguous().numpy()
            smooth = [unfold(mean, _eyes(face)) for mean, face in zip(means, faces, strict=True)]
            offsets = torch.from_numpy(np.stack(smooth))
            grid = to_grid(offsets)
            deformed = warp(grid, crops)
            moved_shown = deformed if shown is crops else warp(grid, shown)
            painted = 1 - _kept(faces, ys)
            change, mask = change * painted, None if mask is None else mask * painted
        change = relight_change(moved_shown, change, 1 / gains)
        image, moved = to_pixels(deformed + change), to_pixels(deformed)
        texture = None if edit.texture is None else to_pixels(relight(_both_sides(edit.texture), 1 / gains))
        change = (127.5 * change).permute(0, 2, 3, 1)
        return [
            Parts(
                face=face,
                y=y,
                image=image[row],
                deformed=None if offsets is None else moved[row],
                offsets=None if offsets is None else offsets[row].contiguous().numpy(),
                mask=None if mask is None else mask[row, 0].numpy(),
                texture=None if texture is None else texture[row],
                change=None if mask is None else change[row].contiguous().numpy(),
            )
            for row, (face, y) in enumerate(zip(faces, ys, strict=True))
        ]

    def estimate_aus(self, pixels: np.ndarray, face: Face) -> np.ndarray:
        """The AUs of an edited photograph at the original's points, (17,); NaN where the estimator finds no face."""
        aus = self.find.estimate_aus(pixels, face.points).aus
        return np.full(len(AU_NAMES), np.nan) if aus is None else aus

    def apply(self, photograph: Photograph, faces: Sequence[Face], target: Target | GroupTarget) -> EditedPhotograph:
        """Edit faces that `find` has found in the photograph."""
        parts = tuple(self.generate(face, target.of(face)) for face in faces)
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
        """Find the face, estimate its AUs and edit it.

        Args:
            image: a photograph; arrays are uint8 H×W×3.
            expression: a name in `defgan.facs.PRESETS`, "neutral" among them.
            aus: intensities in [0, 1] by name or plain word ({"smile": 1}); other AUs stay as they are.
            strength: α in [0, 1]; 0 keeps the present AUs, 1 takes the wanted ones.
            relative: the wanted values are added to the present AUs.
            face: "only", "largest", "all", or a number from 1, counted from the left.

        Raises:
            UserError: no face, more than one face, a face that cannot be edited, or an unknown target.
        """
        target = make_target(expression, aus, strength, relative)
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        photograph = from_image(image) if isinstance(image, Image.Image) else open_photograph(image)
        return self.apply(photograph, self.find(photograph.pixels, face), target)

    def note(self, edit: str, kind: str = "photograph") -> str:
        """The note in an edited file's metadata: the file is edited, by which weights, and how."""
        return (
            f"{NOTE} (this {kind} is altered); model {methods.get(self.name).label}, "
            f"weights SHA-256 {self.digest}; {edit}"
        )
