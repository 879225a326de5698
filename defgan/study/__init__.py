"""The user study (sec. 4.4): what participants get, and the evaluation of their answers."""
