"""How many participants a study needs. `python -m defgan.study.power` prints the table of docs/user_study.md."""

import math

from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

SHARES = (0.55, 0.58, 0.60, 0.63, 0.70)
"""Shares of the votes for the better method; the paper's is 0.63."""
QUESTIONS = 16
CORRELATION = 0.1
"""Between two votes of one participant; an assumption."""


def participants_needed(
    share: float,
    questions: float = QUESTIONS,
    correlation: float = CORRELATION,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int:
    """Participants for a two-sided test of `share` of the votes against one half.

    Votes of one participant are correlated: a vote counts as 1 / (1 + (questions − 1) · correlation) independent ones.
    The result is about these faces; more participants do not tell whether it holds for other faces.
    """
    # ratio 0 means a test of one sample.
    votes = NormalIndPower().solve_power(proportion_effectsize(share, 0.5), alpha=alpha, power=power, ratio=0)
    return math.ceil(votes * (1 + (max(questions, 1) - 1) * correlation) / questions)


def power_table() -> str:
    """Participants by share as Markdown, for all votes together and for the votes on one expression."""
    lines = ["| votes for the better method | overall | for one expression |", "|---|---|---|"]
    for share in SHARES:
        one = participants_needed(share, QUESTIONS / 6)
        lines.append(f"| {share:.0%} | {participants_needed(share)} | {one} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(power_table())
