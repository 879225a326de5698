"""The card of the weights says what the committed tables say."""

import numpy as np
import pandas as pd
import pytest

from defgan.editing.assessment import AT_EQUAL_RESPONSE, DISTANCE, MOTION, RELATIVE, RESPONSE, SAME, identity_wins
from defgan.facs import AU_NAMES, EXPRESSIONS
from tests.conftest import ROOT

CARD = " ".join((ROOT / "defgan/weights/README.md").read_text(encoding="utf-8").split())
SUPERVISED = {"defgan_supervised": "DefGAN supervised", "ganimation_supervised": "GANimation supervised"}
CORPUS = {  # measures of renders.csv and how the card writes them
    "gain over copying, final": "{:+.3f}",
    "gain over copying, deformed": "{:+.3f}",
    "share of the end-point error removed": "{:.0%}",
    "cosine with the true motion": "{:.2f}",
    "share of the true motion": "{:.2f}",
}
PEOPLE = 80
RISING = {
    "happy": ("AU12", "AU25", "AU06"),
    "anger": ("AU04", "AU07"),
    "surprise": ("AU01", "AU02", "AU05", "AU25", "AU26"),
    "fear": ("AU01", "AU05", "AU20", "AU26"),
    "disgust": ("AU09",),
    "sad": ("AU15",),
}
ETHNICITIES = {"white": "white", "east_asian": "East Asian", "west_asian": "West Asian", "black": "black"}


def read(path, *keys):
    """The column `value` of a committed table by the values of the columns `keys`."""
    return pd.read_csv(ROOT / "reports" / path).set_index(list(keys))["value"].to_dict()


def photographs():
    return read("photographs/photographs.csv", "method", "expression", "measure")


def won(method, measure):
    """In how many expressions a method's identity distance is below its rival's, in the card's words."""
    wins = identity_wins(pd.read_csv(ROOT / "reports/photographs/photographs.csv"), method, measure)
    return "all six" if all(wins.values()) else f"{sum(wins.values())} of the six"


def row(*cells):
    return f"| {' | '.join(cells)} |"


def percent(share):
    return f"{100 * share:.4g} %"


def corpus():
    values = read("renders/renders.csv", "method", "edit", "measure")
    for method, label in SUPERVISED.items():
        found = {measure: values.get((method, "all peaks", measure)) for measure in CORPUS}
        cells = ["–" if value is None else CORPUS[measure].format(value) for measure, value in found.items()]
        yield row(label, *cells).replace("%", " %")
    removed = {au: values["defgan_supervised", au, "share of the end-point error removed"] for au in AU_NAMES}
    least = f"{100 * removed.pop('AU05'):.0f} % for AU05"
    low, high = (100 * end(removed.values()) for end in (min, max))
    yield f"the grid removes {low:.0f} % to {high:.0f} % of the motion's error for"
    yield f"for {len(removed)} of the {len(AU_NAMES)}, and {least}"
    gains = {au: values["defgan_supervised", au, "gain over copying, final"] for au in AU_NAMES}
    ends = (f"{gains[au]:.2f} ({au})" for au in (min(gains, key=gains.get), max(gains, key=gains.get)))
    yield f"final image is {' to '.join(ends)}."


def readings():
    response = read("renders/response_by_skin.csv", "method", "tone", "expression", "measure")
    identity = read("renders/renders.csv", "method", "edit", "measure")
    for method, label in {"true image, 128 px": "the true images", **SUPERVISED}.items():
        responses = [f"{response[method, tone, 'all', RESPONSE]:.2f}" for tone in ("dark", "light")]
        distances = [identity[method, edit, DISTANCE] for edit in ("the six expressions", "disgust", "surprise")]
        yield row(label, *responses, *(f"{distance:.4f}" for distance in distances))


def supervised():
    values, defgan = photographs(), "defgan_supervised"
    for name in EXPRESSIONS:
        own, rival = (
            (f"{values[method, name, RESPONSE]:.2f}", f"{values[method, name, DISTANCE]:.4f}") for method in SUPERVISED
        )
        yield row(name, *own, f"{values[defgan, name, AT_EQUAL_RESPONSE]:.4f}", *rival)
    same = []
    for method in SUPERVISED:
        shares = {name: values[method, name, SAME] for name in EXPRESSIONS}
        low = ", ".join(f"{name} {percent(share)}" for name, share in shares.items() if share < 0.98)
        same.append(f"{100 * np.mean(list(shares.values())):.1f} %" + f" ({low})" * bool(low))
    yield f"| same person as in the smiling photograph | {same[0]} | | | {same[1]} | |"
    lost = [f"{PEOPLE * (1 - values[defgan, name, SAME]):.0f}" for name in ("disgust", "surprise")]
    yield f"({' and '.join(lost)} of {PEOPLE}, against the smiling photograph)"
    yield f"It is the smaller one in {won(defgan, AT_EQUAL_RESPONSE)} expressions."
    for name, aus in RISING.items():
        shares = (f"{au} {100 * values[defgan, name, f'{au} rises']:.0f} %" for au in aus)
        yield f"`{name}` {', '.join(shares)}"


def groups():
    table = pd.read_csv(ROOT / "reports/photographs/photographs_by_group.csv")
    table = table[(table["method"] == "defgan_supervised") & (table["expression"] == "all")]
    values = table.set_index(["group", "measure"])

    def value(group, measure):
        return values.loc[(group, measure), "value"]

    def interval(group, measure):
        return "{:.2f} ({:.2f} to {:.2f})".format(*values.loc[(group, measure), ["value", "low", "high"]])

    def people(group):
        return str(values.loc[(group, RESPONSE), "n"])

    for group, label in ETHNICITIES.items():
        whole = f"{value(group, RESPONSE):.2f}"
        yield row(label, people(group), whole, interval(group, RELATIVE), interval(group, MOTION))
    both = [", ".join(f"{value(group, m):.2f}" for group in ("female", "male")) for m in (RESPONSE, RELATIVE, MOTION)]
    yield row("women, men", f"{people('female')}, {people('male')}", *both)
    lowest, counted = (
        min(found) / max(found) for found in ([value(group, m) for group in ETHNICITIES] for m in (RESPONSE, RELATIVE))
    )
    yield f"On dark skin the response is {lowest:.2f} of the highest."
    yield f"Counted before the floor, the lowest group has {counted:.2f} of the highest."
    yield f"moves dark faces {value('black', MOTION) / value('white', MOTION):.2f} as far as white ones."


def self_supervised():
    values, both = photographs(), ("defgan", "ganimation")
    for name, aus in (("happy", "AU12"), ("anger", "AU04"), ("surprise", "AU25 or AU26"), ("surprise", "AU01 or AU02")):
        yield row(f"{name}: {aus} rises", *(percent(values[method, name, f"{aus} rises"]) for method in both))
    shares = {method: {name: values[method, name, SAME] for name in EXPRESSIONS} for method in both}
    means = (f"{100 * np.mean(list(own.values())):.3g} %" for own in shares.values())
    yield row("same person as in the smiling photograph (dlib, L2 < 0.6), all edits", *means)
    worst = (min(own.items(), key=lambda item: item[1]) for own in shares.values())
    lowest = (percent(share) + f" ({name})" * (share < 1) for name, share in worst)
    yield row("the same, worst expression", *lowest)
    for name in EXPRESSIONS:
        start = "identity distance to the input, " if name == EXPRESSIONS[0] else "… "
        yield row(start + name, *(f"{values[method, name, DISTANCE]:.4f}" for method in both))
    for label, measure in (("mean of the six", DISTANCE), ("the same at equal response of the AUs", AT_EQUAL_RESPONSE)):
        means = (np.mean([values[method, name, measure] for name in EXPRESSIONS]) for method in both)
        yield row(label, *(f"{mean:.4f}" for mean in means))
    yield f"DefGAN keeps more of the identity in {won('defgan', DISTANCE)} expressions"
    yield f"in {won('defgan', AT_EQUAL_RESPONSE)} expressions, also at equal response of the AUs."


@pytest.mark.parametrize("section", [corpus, readings, supervised, groups, self_supervised])
def test_the_card_says_what_the_tables_say(section):
    said = list(section())
    assert said and not [sentence for sentence in said if sentence not in CARD]
