"""The one exception that means "the input is wrong", as opposed to "the program is wrong"."""


class UserError(Exception):
    """Bad input. The message is one line: what was wrong, which file or key, and what to do."""
