"""Three-valued truth: what is not known is neither yes nor no."""

from enum import Enum


class Truth(Enum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
