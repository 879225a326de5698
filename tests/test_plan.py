import numpy as np
import pandas as pd
import pytest

from defgan.errors import UserError
from defgan.evaluation.edits import PERSON_SET
from defgan.faces.table import Faces
from defgan.facs import AU_NAMES, EXPRESSIONS, MUG_EXPRESSIONS
from defgan.params import PlanParams
from defgan.plan import PLAN_COLUMNS, expression_targets, plan_edits, wild_faces

OPTIONS = PlanParams(
    wild_faces="all",
    table_1_targets="instances",
    target_role="rafd",
    instances=4,
    grid_faces=3,
    sweep_faces=2,
    sweep_expression="disgust",
    sweep_steps=5,
    rafd_faces=2,
    au_faces=3,
    au_steps=5,
    slider_faces=2,
)


def faces(subjects: list[str], expressions: list[str], aus: np.ndarray, role: str) -> Faces:
    frame = pd.DataFrame(aus.astype(np.float32), columns=list(AU_NAMES))
    frame = frame.assign(subject=subjects, expression=expressions, row=np.arange(len(aus)), role=role, split="test")
    frame["image_id"] = [f"id{row}" for row in frame["row"]]
    return Faces(frame, np.zeros((len(aus), 4, 4, 3), np.uint8))


def wild(count: int = 26) -> Faces:
    aus = np.random.default_rng(1).uniform(0, 0.1, (count, 17)) * np.linspace(0.1, 3, count)[:, None]
    return faces([f"w{index}" for index in range(count)], [""] * count, aus, "wild")


def acted(name: str, people: int, expressions=MUG_EXPRESSIONS) -> Faces:
    rng = np.random.default_rng([people])
    pairs = [(f"{name}{person}", expression) for person in range(people) for expression in expressions]
    aus = rng.uniform(0, 1, (len(pairs), 17))
    return faces([pair[0] for pair in pairs], [pair[1] for pair in pairs], aus, {"m": "mug", "r": "rafd"}[name])


def rafd() -> Faces:
    """Seven people, three of them held out."""
    people = acted("r", 7)
    held_out = people.frame["subject"].isin(["r1", "r4", "r6"])
    return Faces(people.frame.assign(split=np.where(held_out, "val", "train")), people.pixels)


@pytest.fixture
def targets():
    return expression_targets({"mug": acted("m", 3), "rafd": rafd()})


def test_targets_are_means_per_person_and_expression():
    aus = np.stack([np.full(17, 0.2), np.full(17, 0.6), np.full(17, 0.9), np.full(17, 1.0)])
    table = expression_targets({"mug": faces(["a", "a", "a", "b"], ["happy", "happy", "sad", ""], aus, "mug")})
    assert table[["role", "subject", "expression"]].to_numpy().tolist() == [
        ["mug", "a", "happy"],
        ["mug", "a", "sad"],
    ]
    np.testing.assert_allclose(table[list(AU_NAMES)], np.stack([np.full(17, 0.4), np.full(17, 0.9)]), rtol=1e-6)


def test_a_role_without_expressions_names_the_role():
    with pytest.raises(UserError, match=r"data\.rafd: no photograph has an expression"):
        expression_targets({"mug": acted("m", 2), "rafd": acted("r", 2, expressions=[""])})
    with pytest.raises(UserError, match=r"data\.mug: unknown expression `happyness`.*`happy`"):
        expression_targets({"mug": acted("m", 2, expressions=["happyness"])})


def test_counts_of_the_sets(targets):
    plan = plan_edits(wild(), rafd(), targets, OPTIONS, seed=0)
    assert list(plan.columns) == list(PLAN_COLUMNS)
    assert plan["edit"].tolist() == list(range(len(plan)))
    assert plan["set"].value_counts().to_dict() == {
        "expressions": 26 * 6,
        "grid": 3 * 6,
        "sweep": 2 * 5,
        "rafd": 2 * 6,
        "au": 3 * 17 * 5,
        "slider": 2 * 6 * 5,
    }
    assert plan[list(AU_NAMES)].to_numpy().dtype == np.float32
    assert plan.groupby("role")["set"].agg(set).to_dict() == {
        "wild": {"expressions", "grid", "sweep", "au", "slider"},
        "rafd": {"rafd"},
    }


def test_every_face_gets_every_expression_and_lenders_are_spread_evenly(targets):
    plan = plan_edits(wild(), rafd(), targets, OPTIONS, seed=0)
    edits = plan[plan["set"] == "expressions"]
    assert (edits.groupby("image_id")["expression"].agg(set) == set(EXPRESSIONS)).all()
    lenders = {frozenset(group["instance"]) for _, group in edits.groupby("expression")}
    assert len(lenders) == 1
    assert len(next(iter(lenders))) == 4
    counts = edits.groupby(["expression", "instance"]).size()
    assert set(counts) == {6, 7}


def test_targets_are_the_lenders(targets):
    plan = plan_edits(wild(), rafd(), targets, OPTIONS, seed=0)
    known = targets.set_index(["role", "subject", "expression"])[list(AU_NAMES)]
    for name, lender in (("expressions", "rafd"), ("grid", "mug")):
        for _, edit in plan[plan["set"] == name].iterrows():
            expected = known.loc[(lender, edit["instance"], edit["expression"])]
            np.testing.assert_allclose(edit[list(AU_NAMES)].astype(float), expected, atol=1e-6)


def test_the_sweep_goes_from_the_face_to_the_target(targets):
    people = wild()
    plan = plan_edits(people, rafd(), targets, OPTIONS, seed=0)
    sweep = plan[plan["set"] == "sweep"]
    assert set(sweep["expression"]) == {"disgust"}
    known = targets.set_index(["role", "subject", "expression"])[list(AU_NAMES)]
    for row, steps in sweep.groupby("row"):
        np.testing.assert_allclose(steps["alpha"], [0, 0.25, 0.5, 0.75, 1])
        x, target = people.aus[row], known.loc[("mug", steps["instance"].iloc[0], "disgust")].to_numpy()
        y = steps[list(AU_NAMES)].to_numpy()
        np.testing.assert_allclose(y[0], x, atol=1e-6)
        np.testing.assert_allclose(y[1], 0.75 * x + 0.25 * target, atol=1e-6)
        np.testing.assert_allclose(y[-1], target, atol=1e-6)


def test_a_single_au_takes_each_intensity_and_the_others_stay(targets):
    people = wild()
    plan = plan_edits(people, rafd(), targets, OPTIONS, seed=0)
    units = plan[plan["set"] == "au"]
    assert units["row"].drop_duplicates().tolist() == plan[plan["set"] == "grid"]["row"].drop_duplicates().tolist()
    assert set(units["instance"]) == {""}
    for (row, au), steps in units.groupby(["row", "expression"]):
        y, others = steps[list(AU_NAMES)], [name for name in AU_NAMES if name != au]
        assert steps["alpha"].tolist() == [0, 0.25, 0.5, 0.75, 1] == y[au].tolist()
        assert (y[others] == people.frame.loc[row, others].astype(np.float32)).all(axis=None)


def test_sliders_lead_to_the_expressions_of_the_grids(targets):
    plan = plan_edits(wild(), rafd(), targets, OPTIONS, seed=0)
    ends = plan[(plan["set"] == "slider") & (plan["alpha"] == 1)]
    grid = plan[(plan["set"] == "grid") & plan["row"].isin(ends["row"])]
    assert ends["row"].nunique() == 2 and ends["row"].isin(plan[plan["set"] == "au"]["row"]).all()
    same = ["row", "expression", "instance", *AU_NAMES]
    pd.testing.assert_frame_equal(ends[same].reset_index(drop=True), grid[same].reset_index(drop=True))


def test_figures_show_one_mug_person_and_calm_distinct_faces(targets):
    people = wild()
    plan = plan_edits(people, rafd(), targets, OPTIONS, seed=0)
    shown = plan[plan["set"].isin(["grid", "sweep"])]
    assert shown["instance"].nunique() == 1
    assert shown["instance"].iloc[0].startswith("m")
    grid = plan[plan["set"] == "grid"]
    assert grid["subject"].nunique() == 3
    # wild() grows more expressive with the row: a quarter of 26 is the first six or seven.
    assert grid["row"].max() < 7


def test_held_out_rafd_people_get_their_own_expressions(targets):
    people = rafd()
    plan = plan_edits(wild(), people, targets, OPTIONS, seed=0)
    shown = plan[plan["set"] == "rafd"]
    assert shown["subject"].tolist() == ["r1"] * 6 + ["r4"] * 6 == shown["instance"].tolist()
    assert shown["expression"].tolist() == 2 * list(EXPRESSIONS)
    assert set(people.frame["expression"].iloc[shown["row"]]) == {"neutral"}
    own = people.frame.set_index(["subject", "expression"])[list(AU_NAMES)]
    pairs = list(zip(shown["subject"], shown["expression"], strict=True))
    np.testing.assert_allclose(shown[list(AU_NAMES)], own.loc[pairs], atol=1e-6)
    none = OPTIONS.model_copy(update={"rafd_faces": 0})
    assert "rafd" not in set(plan_edits(wild(), people, targets, none, seed=0)["set"])


def test_wild_faces_are_drawn_by_seed_and_of_distinct_people_first(targets):
    people = wild(20)
    subjects = [f"w{min(index, 7)}" for index in range(20)]  # the last of eight people has thirteen faces
    many = Faces(people.frame.assign(subject=subjects), people.pixels)
    for count, least in ((5, 5), (8, 8), (12, 8)):
        chosen = wild_faces(many, count, seed=0)
        assert len(chosen.frame) == count and chosen.frame["subject"].nunique() == least
        assert chosen.frame["row"].is_monotonic_increasing and chosen.pixels is many.pixels
    drawn = [tuple(wild_faces(many, 8, seed=seed).frame["row"]) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    for every in ("all", 20, 99):
        assert wild_faces(many, every, seed=0) is many
    limited = plan_edits(people, rafd(), targets, OPTIONS.model_copy(update={"wild_faces": 9}), seed=0)
    rows = set(wild_faces(people, 9, seed=0).frame["row"])
    assert set(limited[limited["role"] == "wild"]["row"]) == rows


def test_table_1_can_have_the_targets_of_the_person_of_the_figures(targets):
    before = plan_edits(wild(), rafd(), targets, OPTIONS, seed=0)
    plan = plan_edits(wild(), rafd(), targets, OPTIONS.model_copy(update={"table_1_targets": "person"}), seed=0)
    own = plan[plan["set"] == PERSON_SET]
    assert len(own) == 26 * 6 and set(own["instance"]) == set(plan[plan["set"] == "grid"]["instance"])
    others = plan[plan["set"] != PERSON_SET].drop(columns="edit").reset_index(drop=True)
    pd.testing.assert_frame_equal(others, before.drop(columns="edit"))


def test_the_seed_decides(targets):
    people = wild()
    first, again, other = (plan_edits(people, rafd(), targets, OPTIONS, seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["instance"].equals(other["instance"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instances": 8}, r"plan\.instances: 8 people of rafd .* only 7"),
        ({"target_role": "mug"}, r"plan\.instances: 4 people of mug .* only 3"),
        ({"grid_faces": 27}, r"plan\.grid_faces: 27 faces"),
        ({"sweep_faces": 40}, r"plan\.sweep_faces: 40 faces"),
        ({"au_faces": 40}, r"plan\.au_faces: 40 faces"),
        ({"rafd_faces": 4}, r"plan\.rafd_faces: 4 held-out people .* only 3 .*prepare\.val_share"),
    ],
)
def test_too_few_people_name_the_key(targets, change, message):
    with pytest.raises(UserError, match=message):
        plan_edits(wild(), rafd(), targets, OPTIONS.model_copy(update=change), seed=0)


def test_people_without_all_expressions_lend_nothing(targets):
    lacking = targets[~((targets["subject"] == "r0") & (targets["expression"] == "fear"))]
    plan = plan_edits(wild(), rafd(), lacking, OPTIONS.model_copy(update={"instances": 6}), seed=0)
    assert "r0" not in set(plan["instance"])
