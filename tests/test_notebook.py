"""The notebook runs from its first cell to its last one, and is stored without outputs."""

import json
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs/edit_a_photograph.ipynb"


def test_the_notebook_edits_a_photograph(monkeypatch, capsys):
    matplotlib.use("Agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.gcf().axes)) or plt.close())
    space = {"__name__": "__main__"}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), space)
    assert shown == [2, 6, 3]
    out = capsys.readouterr().out
    assert len(re.findall(r"^AU\d\d .* \d\.\d\d$", out, re.MULTILINE)) >= 17
    assert re.search(r"^AU26 jaw drop +0\.\d\d → 0\.\d\d$", out, re.MULTILINE)
    assert "the same pixels: True" in out
    edited, pixels = space["edited"], space["photograph"].pixels
    assert np.abs(edited.astype(int) - pixels).max() > 40
    assert (edited[:20] == pixels[:20]).all()
