"""The pictures of the documentation: ``python -m integration.pictures``."""
