"""A method that is added to the registry appears in tables, figures and sliders, with no change of theirs."""

import subprocess
import sys

from tests.conftest import ROOT


def test_new_methods_appear_everywhere():
    # Figures ask for the methods when they are loaded: in a process of its own, that is after the two are added.
    subprocess.run([sys.executable, "-m", "tests.report.more_methods"], cwd=ROOT, check=True)
