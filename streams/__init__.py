"""mailflag: which customers cannot be reached by e-mail, why, and whose fault it is."""

__version__ = "0.1.0"
