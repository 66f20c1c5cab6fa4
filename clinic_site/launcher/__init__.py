"""What `./run` does: a PostgreSQL server of the project's own, the environment for Django, the demo and the checks.

Nothing here imports Django: each command runs in a process of its own, with the environment made in `environment.py`.
"""


class Problem(Exception):
    """Something about this machine or its settings that a person has to change. The text is the sentence they read."""
