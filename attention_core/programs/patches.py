"""The program of a photo in a vision transformer: what one patch gives to the others in one head."""

from __future__ import annotations

from attention_core.models.hub.patches import PatchTrace
from attention_core.programs.snippets import ARCHIVE, Box, best_classes, compared, seen_photo


def patch_snippet(
    trace: PatchTrace,
    *,
    network: str,
    layer: int,
    head: int,
    patch: int,
    sample: str | None,
    box: Box | None = None,
    archive: str = ARCHIVE,
) -> str:
    """A program for the weights of one patch in one head, all counted from 0, and for the predictions if there are any.

    network, sample, box, archive: as in `photo_snippet`.
    """
    imports, photo = seen_photo(sample, box, archive)
    row, column = divmod(patch, trace.grid[1])
    lines = [
        *imports,
        "",
        f"model = ac.{network}",
        *photo,
        "trace = model.trace(photo)",
        "",
        f"# Layer {layer}, head {head}: what the patch in row {row}, column {column} gives to each row of patches.",
        f"given = trace.seen_from({layer}, trace.special + {patch})[{head}].sum(dim=1).cpu()",
        'print("given", given)',
        *compared("given", trace.seen_from(layer, trace.special + patch)[head].sum(dim=1)),
        *(["", *best_classes(trace)] if trace.classes else []),
    ]
    return "\n".join(lines) + "\n"
