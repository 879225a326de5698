"""What stands below each figure: one place for all of them, written beside them as captions.json."""

from collections.abc import Mapping
from dataclasses import dataclass

from defgan.report.tables import data_name

_EMBEDDED = data_name({"dataset": "corpus"})
_BOTH = ("DefGAN", "GANimation")
_ALL = (*_BOTH, "StarGAN")


@dataclass(frozen=True)
class Caption:
    """`params` are the keys of params.yaml that decide what is shown; `substitutes` stand in for the paper's means."""

    title: str
    shows: str
    data: str
    methods: tuple[str, ...]
    substitutes: tuple[str, ...] = ()
    params: tuple[str, ...] = ()


def captions(data: Mapping[str, str], networks: Mapping[str, str]) -> dict[str, Caption]:
    """The captions of all figures, by the name of their file.

    `data` says what the faces of the roles wild and rafd are, `networks` which measures identity; both as in
    metrics/compare.json.
    """
    rendered = data["wild"] == _EMBEDDED
    faces = (f"{_EMBEDDED} in place of CelebA-HQ and web photographs",) if rendered else ()
    known = "; the true image is the same person rendered under the target AUs" if rendered else ""
    people = (f"{_EMBEDDED} in place of the Radboud Faces Database",) if data["rafd"] == _EMBEDDED else ()
    identity = (f"{networks['identity']} in place of the distance of CMU OpenFace's embeddings",)
    wild = f"role wild: {data['wild']}"
    expressions = "Near-neutral faces edited to the six expressions of one person of role mug, one face per block"
    grid = ("plan.grid_faces", "seed")
    units = ("plan.au_faces", "plan.au_steps", "seed")

    def differences(number: int) -> Caption:
        return Caption(
            f"Fig. {number}: Difference images",
            f"Mean over the channels of |edit − input|, black = unchanged, both methods on one scale{known}. The share "
            "below a picture, where given, is that of the change inside the facial regions of the target's AUs.",
            wild, _BOTH, faces, grid,
        )  # fmt: skip

    return {
        "fig_01_alpha_strip": Caption(
            "Fig. 1: An expression grows",
            "One expression as α rises, y = x + α (target − x): DefGAN's deformed image (motion alone), its final "
            f"image (with the texture painted through the mask), and GANimation's{known}.",
            wild, _BOTH, faces, ("plan.sweep_expression", "plan.sweep_faces", "plan.sweep_steps", "seed"),
        ),
        "fig_03_identity_distance": Caption(
            "Fig. 3: Identity distance by expression",
            "Distance between edit and input in the space of a face embedder; lower keeps the person better. Boxes: "
            "quartiles, whiskers: 5 and 95 %, diamonds: mean with 95 % bootstrap interval.",
            wild, _BOTH, (*identity, *faces), ("evaluate.embedder", "plan.instances", "plan.database"),
        ),
        "fig_04_expressions": Caption(
            "Fig. 4: Editing facial expressions", f"{expressions}{known}.", wild, _BOTH, faces, grid
        ),
        "fig_05_differences": differences(5),
        "fig_06_single_aus": Caption(
            "Fig. 6: Facial movements learnt for single AUs",
            "DefGAN's deformed image as one AU grows from 0 to 1 and the others stay as they are in the face; the "
            "heat map shows how far each pixel's sampling position moves between 0 and 1"
            f"{known}. The AUs are those of the paper's sec. 4.3.",
            wild, ("DefGAN",), faces, units,
        ),
        "fig_08_relative_improvement": Caption(
            "Fig. 8: Identity distance and relative improvement",
            "Left: mean identity distance of both methods, of the same faces and targets. Right: 1 − DefGAN / "
            "GANimation, of the means. Lines: 95 % bootstrap intervals over people.",
            wild, _BOTH, (*identity, *faces), ("evaluate.embedder", "plan.instances", "plan.database"),
        ),
        "fig_09_expressions": Caption(
            "Fig. 9: Editing facial expressions, more faces", f"{expressions}{known}.", wild, _BOTH, faces, grid
        ),
        "fig_10_details": Caption(
            "Fig. 10: Details",
            "Brow, eye and mouth, cut out of the aligned edits at fixed places and enlarged by Lanczos resampling"
            f"{known}.",
            wild, _BOTH, faces, (*grid, "image_size"),
        ),
        "fig_11_single_aus_deformed": Caption(
            "Fig. 11: Single AUs, the deformation",
            "Top: DefGAN's deformed image as one AU grows. Below: how far each pixel's sampling position moves between "
            "intensity 0 and 1; and a mesh carried by the deformation at intensity 1, its motion enlarged as stated"
            f"{known}. The AUs are those that the paper's text speaks of, and AU12.",
            wild, ("DefGAN",), faces, units,
        ),
        "fig_12_single_aus_final": Caption(
            "Fig. 12: Single AUs, the final image",
            f"DefGAN's final image as one AU grows: the same face and AUs as in Fig. 11, after texture editing{known}.",
            wild, ("DefGAN",), faces, units,
        ),
        "fig_13_differences": differences(13),
        "fig_14_differences": differences(14),
        "fig_17_stargan_rafd": Caption(
            "Fig. 17: StarGAN on RaFD",
            "Held-out people of role rafd. StarGAN learns from that role's other people and is told the expression's "
            "name; DefGAN and GANimation learn from role train and are told the AUs of the photograph in the last row.",
            f"role rafd: {data['rafd']}", _ALL, people, ("plan.rafd_faces", "prepare.val_share", "seed"),
        ),
        "fig_18_stargan_wild": Caption(
            "Fig. 18: StarGAN in the wild",
            f"As Fig. 4, with StarGAN, which learns from role rafd and meets faces unlike those{known}.",
            wild, _ALL, faces, grid,
        ),
        "truth_gain": Caption(
            "Gain over copying by expression",
            "1 − err(edit, true image) / err(input, true image) over the pixels that truly change: 1 is a perfect "
            "edit, 0 is as good as the untouched input. Lines: 95 % bootstrap intervals. Not in the paper, which has "
            "no true images.",
            wild, _BOTH, faces, ("plan.instances", "plan.database"),
        ),
        "truth_motion": Caption(
            "Motion of DefGAN's grid against the true motion",
            "Left: end-point error of the deformation grid over the skin that is seen in input and true image, beside "
            "that of a grid that moves nothing. Right: cosine of the two directions, weighted by the true length. By "
            "expression, and by AU in the single-AU edits. Not in the paper, which knows no true motion.",
            wild, ("DefGAN",), faces, ("plan.instances", "plan.database", "plan.au_faces"),
        ),
        "au_fidelity": Caption(
            "AU fidelity",
            "Agreement, ICC(3,1), and mean absolute difference of the AUs that are asked for and those that an "
            "independent reader finds in the edit. The diamonds are the reader's own limit: the true images.",
            wild, _ALL, (f"{networks['action_units']} in place of OpenFace 2", *faces),
            ("plan.instances", "plan.database"),
        ),
        "au_cross_talk": Caption(
            "Cross-talk between action units",
            "Change of the reading of every AU (columns) per unit of the one that is asked for (rows), in the "
            "single-AU edits.",
            wild, _BOTH, (f"{networks['action_units']} in place of OpenFace 2", *faces), units,
        ),
        "training_curves": Caption(
            "Training curves",
            "Every loss and statistic of the training, unweighted, over the generator's steps, with its equation.",
            f"role train; for StarGAN role rafd: {data['rafd']}", _ALL, (),
            ("training.batches", "training.batch_size", "training.learning_rate", "critic_steps"),
        ),
    }  # fmt: skip
