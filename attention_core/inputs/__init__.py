"""What people type and upload, checked and bounded: text to clean strings, photos to tensors."""

from attention_core.inputs._checks import MAX_FILE_BYTES, MAX_PIXELS, MIN_SIDE
from attention_core.inputs.image import (
    ImageLike,
    as_image,
    centre_square,
    load_image,
    to_square_tensor,
)
from attention_core.inputs.text import MAX_CHARACTERS, clean_text

__all__ = [
    "MAX_CHARACTERS",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "ImageLike",
    "as_image",
    "centre_square",
    "clean_text",
    "load_image",
    "to_square_tensor",
]
