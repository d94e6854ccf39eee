"""Paths of tracebacks, as the project has them."""


def own_paths(text: str) -> str:
    """A build sees the project's files below ``/0`` and what it vendors below ``/1``."""
    return text.replace('File "/0/', 'File "').replace('File "/1/', 'File "vendor/')
