"""Photos to begin with, each named rightly by the networks that ship: public-domain ones, two of them scikit-image's.

`docs/samples.py` prints how far each one's gates and masks lie from those of the others. The first photo is the one
with the most contrast.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from attention_core.errors import InputError
from attention_core.runtime.assets import assets_folder

# The class of each, as in assets/vision/classes.json.
SAMPLE_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "coffee": "espresso",
        "cat": "tabby cat",
        "dog": "German shepherd",
        "pig": "pig",
        "goldfish": "goldfish",
        "bridge": "viaduct",
        "arch": "triumphal arch",
        "temple": "lakeside",
        "mountain": "mountain",
        "cliff": "cliff",
    }
)
SAMPLE_PHOTOS: tuple[str, ...] = tuple(SAMPLE_CLASSES)
# None of the classes fits these: what a network says of a thing that it does not know.
STRANGE_PHOTOS = ("astronaut", "rocket")
_SCIKIT_IMAGE = {"coffee": "coffee.png", "cat": "chelsea.png", "astronaut": "astronaut.png", "rocket": "rocket.jpg"}


@cache
def sample_photo(name: str) -> bytes:
    """The file of one of SAMPLE_PHOTOS or STRANGE_PHOTOS. Raises InputError `sample.missing` where it is not there."""
    path = _scikit_image(_SCIKIT_IMAGE[name]) if name in _SCIKIT_IMAGE else assets_folder() / "samples" / f"{name}.jpg"
    if not path.is_file():
        raise InputError(
            "sample.missing", f"The sample photo {path.name} is not there; install scikit-image.", name=path.name
        )
    return path.read_bytes()


def _scikit_image(file: str) -> Path:
    # find_spec finds the folder without importing the package, which would pull in SciPy.
    found = find_spec("skimage")
    return Path(next(iter((found and found.submodule_search_locations) or ("",)))) / "data" / file
