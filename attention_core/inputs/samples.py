"""Photos to begin with: public-domain ones that come with scikit-image, read from its folder."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from attention_core.errors import InputError

# The networks know coffee best, and cats; the last two show what they do with something else.
_FILES = {"coffee": "coffee.png", "cat": "chelsea.png", "astronaut": "astronaut.png", "rocket": "rocket.jpg"}
SAMPLE_PHOTOS: tuple[str, ...] = tuple(_FILES)


@cache
def sample_photo(name: str) -> bytes:
    """The file of one of SAMPLE_PHOTOS. Raises InputError `sample.missing` where scikit-image is not installed."""
    # find_spec finds the folder without importing the package, which would pull in SciPy.
    found = find_spec("skimage")
    path = Path(next(iter((found and found.submodule_search_locations) or ("",)))) / "data" / _FILES[name]
    if not path.is_file():
        raise InputError(
            "sample.missing", f"The sample photo {path.name} is not there; install scikit-image.", name=path.name
        )
    return path.read_bytes()
