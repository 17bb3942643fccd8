"""Reads files in a process of its own, whose memory is bounded and measured: `python -m tests.robustness.readings`.

A crash of a decoder ends that process and not the tests. Anything but an `AttentionCoreError` ends it, too.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from attention_core.errors import AttentionCoreError
from attention_core.inputs import MAX_PIXELS, MIN_SIDE, load_image
from attention_core.inputs.clip import MAX_CLIP_SIDE, MAX_FRAMES, load_clip
from tests.robustness.files import READ, damaged, heaviest, hostile

ROOT = Path(__file__).resolve().parents[2]
ROOM = 1_500_000_000  # bytes that reading may take on top of the process itself
ACCEPTED = "accepted"
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Reading:
    """What became of one file as a photo and as a clip. seconds, megabytes: of both together; megabytes: the peak."""

    kind: str
    way: str
    photo: str  # ACCEPTED or the key of the error
    clip: str
    seconds: float
    megabytes: float


def readings(what: str, count: int = 0, seed: int = 0) -> list[Reading]:
    """Of "damaged" (`count` of them), "hostile" or "heaviest" files, read in a process of its own."""
    command = [sys.executable, "-m", "tests.robustness.readings", what, str(count), str(seed)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if child.returncode != 0:
        raise AssertionError(f"reading {what} files ended with {child.returncode}:\n{child.stderr[-4000:]}")
    return [Reading(**json.loads(line)) for line in child.stdout.splitlines()]


def _files(what: str, count: int, seed: int) -> Iterable[tuple[str, str, bytes]]:
    if what == "damaged":
        return damaged(count, seed)
    if what == "hostile":
        return ((name.split()[0], name, data) for name, (data, _) in hostile().items())
    return ((name.split()[0].strip(","), name, data) for name, data in heaviest().items())


def _read(kind: str, way: str, data: bytes) -> Reading:
    before = _reset_peak()
    start = time.perf_counter()
    photo, clip = _as_photo(data), _as_clip(data)
    seconds = time.perf_counter() - start
    assert photo != ACCEPTED or kind in READ or way in _MAY_CHANGE_KIND, f"{kind} read after {way}"
    return Reading(kind, way, photo, clip, round(seconds, 4), max(0.0, round(_peak() - before, 1)))


# What turns a file into one of another format.
_MAY_CHANGE_KIND = ("header of another format", "header altered", "bytes overwritten", "rest of another file")


def _as_photo(data: bytes) -> str:
    try:
        image = load_image(data)
    except AttentionCoreError as error:
        return _refused(error)
    assert image.mode == "RGB" and image.info == {}
    assert min(image.size) >= MIN_SIDE and image.width * image.height <= MAX_PIXELS
    assert len(image.tobytes()) == 3 * image.width * image.height
    return ACCEPTED


def _as_clip(data: bytes) -> str:
    try:
        clip = load_clip(data)
    except AttentionCoreError as error:
        return _refused(error)
    assert 2 <= len(clip.frames) == len(clip.numbers) <= MAX_FRAMES
    for frame in clip.frames:
        assert frame.mode == "RGB" and frame.info == {} and 1 <= min(frame.size) <= max(frame.size) <= MAX_CLIP_SIDE
    return ACCEPTED


def _refused(error: AttentionCoreError) -> str:
    # A file that does not fit into memory counts as damaged: here it has to fit.
    assert not isinstance(error.__cause__, MemoryError), "more memory was asked for than there is"
    return error.key


def _status(name: str) -> float:
    """A line of this process's status, in megabytes."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024 / _MEGABYTE


def _reset_peak() -> float:
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from what is there
    return _status("VmRSS")


def _peak() -> float:
    return _status("VmHWM")


def _main() -> Iterator[Reading]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("damaged", "hostile", "heaviest"))
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow's, of broken EXIF
    files = list(_files(asked.what, asked.count, asked.seed))
    limit = int(_status("VmSize") * _MEGABYTE) + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number, (kind, way, data) in enumerate(files):
        try:
            yield _read(kind, way, data)
        except BaseException as error:
            error.add_note(f"{kind}, {way}, file {number} of seed {asked.seed}")
            raise


if __name__ == "__main__":
    for reading in _main():
        print(json.dumps(asdict(reading)), flush=True)
