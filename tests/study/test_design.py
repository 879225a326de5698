"""The protocol: counts, balance, who may be shown."""

import numpy as np
import pytest

from defgan.errors import UserError
from defgan.facs import EXPRESSIONS
from defgan.study.design import METHODS, balanced_sides, compared_images, rated_images, suitable_faces, turned_aside
from tests.study.conftest import make_faces, make_keys, make_options, make_plan


def spread(values):
    counts = [list(values).count(name) for name in EXPRESSIONS]
    return max(counts) - min(counts)


def test_defaults_are_the_papers_counts(params):
    assert (params.user_study.images_per_method, params.user_study.questions) == (10, 16)


def test_stage_1_shows_ten_of_each_method_of_distinct_people(keys):
    key = keys[1]
    assert len(key) == key["question"].nunique() == key["subject"].nunique() == 20
    assert key["method"].value_counts().to_dict() == dict.fromkeys(METHODS, 10)
    first, second = (sorted(key[key["method"] == name]["expression"]) for name in METHODS)
    assert first == second and spread(first) <= 1


def test_stage_2_shows_both_edits_of_sixteen_people_to_one_expression(keys):
    key = keys[2]
    assert key["question"].nunique() == key["subject"].nunique() == 16 and len(key) == 48
    for _, rows in key.groupby("question"):
        assert sorted(rows["slot"]) == ["input", "left", "right"]
        assert sorted(rows["method"]) == ["", *METHODS]
        assert rows[["image_id", "edit", "expression"]].nunique().eq(1).all()
        assert rows.set_index("slot")["method"]["input"] == ""
    per_question = key.drop_duplicates("question")["expression"]
    assert spread(per_question) <= 1
    first_left = key[(key["slot"] == "left") & (key["method"] == METHODS[0])]
    assert len(first_left) == 8
    assert spread(first_left["expression"]) <= 1


@pytest.mark.parametrize("count", [1, 2, 7, 16, 17, 30])
def test_sides_are_balanced_over_all_and_within_expressions(count):
    rng = np.random.default_rng(count)
    for _ in range(20):
        expressions = list(rng.permutation(np.resize(rng.permutation(EXPRESSIONS), count)))
        sides = np.array(balanced_sides(expressions, rng))
        assert abs(2 * sides.sum() - count) <= 1
        for name in set(expressions):
            own = sides[[name == other for other in expressions]]
            assert abs(2 * own.sum() - len(own)) <= 1


def test_stage_2_shows_edited_faces_only(params):
    faces = make_faces(160)
    plan = make_plan(faces)
    edited = set(faces.frame["image_id"].iloc[:100])  # as with plan.wild_faces: 100
    key = compared_images(plan[plan["image_id"].isin(edited)], faces, params.user_study)
    assert set(key["image_id"]) <= edited and key["question"].nunique() == 16


def test_key_names_the_edit_of_the_expressions_set(params):
    faces = make_faces(160)
    plan = make_plan(faces)
    for key in (rated_images(plan, params.user_study), compared_images(plan, faces, params.user_study)):
        edits = plan.loc[key["edit"]]
        assert (edits["set"] == "expressions").all()
        for column in ("image_id", "subject", "expression"):
            assert edits[column].tolist() == key[column].tolist()


def test_the_faces_of_stage_2_are_calm_and_frontal_and_the_calmest_of_each_person(params):
    faces = make_faces(160)
    options = make_options(params, near_neutral=0.4, near_frontal=0.6)
    chosen = faces.frame.set_index("image_id").loc[suitable_faces(faces, options)]
    calm, turned = faces.aus.sum(axis=1), turned_aside(faces)
    rows = chosen["row"].to_numpy()
    assert 0 < len(rows) < 80 and chosen["subject"].is_unique
    assert calm[rows].max() <= np.sort(calm)[64] and turned[rows].max() <= np.sort(turned)[96]
    key = make_keys(options)[2]
    assert set(key["image_id"]) <= set(chosen.index)


def test_a_turned_head_is_measured_along_the_eyes(params):
    faces = make_faces(2)
    faces.frame.loc[0, ["left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y"]] = [0.0, 0.0, 6.0, 8.0]
    faces.frame.loc[0, ["nose_x", "nose_y"]] = [3 + 0.6 * 2 - 0.8 * 5, 4 + 0.8 * 2 + 0.6 * 5]  # 2 along, 5 across
    faces.frame.loc[1, "nose_x"] = 32.0
    np.testing.assert_allclose(turned_aside(faces), [0.2, 0.0], atol=1e-12)


def test_the_seed_decides(params):
    once, again = make_keys(params.user_study), make_keys(params.user_study)
    other = make_keys(make_options(params, seed=1))
    for stage in (1, 2):
        assert once[stage].equals(again[stage])
        assert set(once[stage]["image"]).isdisjoint(other[stage]["image"])
        assert set(once[stage]["image_id"]) != set(other[stage]["image_id"])


@pytest.mark.parametrize(
    ("changes", "key"), [({"images_per_method": 41}, "images_per_method"), ({"questions": 60}, "questions")]
)
def test_too_few_people_is_said_with_the_remedy(params, changes, key):
    with pytest.raises(UserError, match=rf"user_study\.{key}: .*lower it"):
        make_keys(make_options(params, **changes))


def test_participants_judge_two_methods_the_papers_own_first():
    """Stage 2 puts one on the left and one on the right."""
    assert METHODS == ("defgan", "ganimation")
