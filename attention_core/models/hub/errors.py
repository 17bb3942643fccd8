"""What hinders the hub's library, as errors that a person can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attention_core.errors import ModelSourceError


def is_transport(error: BaseException) -> bool:
    """Whether a connection failed. The hub's library speaks through httpx or, since its version 2, httpx2."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    return isinstance(error, OfflineModeIsEnabled) or type(error).__module__.partition(".")[0] in ("httpx", "httpx2")


def disk_full(name: str) -> ModelSourceError:
    """There is no room for a network."""
    return ModelSourceError(
        "hub.disk_full",
        f"there is no room on the disk for {name}. Make room, then try again: what came is kept.",
        name=name,
    )


def no_network(name: str) -> ModelSourceError:
    """A network is not here, and its hub cannot be reached."""
    return ModelSourceError(
        "hub.no_network",
        f"{name} is not on this machine, and the hub cannot be reached. Connect, or name a folder.",
        name=name,
    )


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Says what hindered the hub's library in this project's words: `ModelSourceError`."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise ModelSourceError(
            "hub.gated",
            f"{name} is given out on conditions: accept them on its page, and log in with `hf auth login`.",
            name=name,
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelSourceError(
            "hub.not_found", f"there is no folder and no model on the hub called {name}. Check the spelling.", name=name
        ) from error
    except Exception as error:
        # Whatever hindered an answer may be wrapped as "not on this machine either".
        answer: Any = next((e for e in (error, error.__cause__) if isinstance(e, HfHubHTTPError)), None)
        if answer is not None and not isinstance(answer, LocalEntryNotFoundError):
            status = answer.response.status_code
            raise ModelSourceError(
                "hub.refused",
                f"the hub answered {status} when asked for {name}. Try again later.",
                name=name,
                status=status,
            ) from error
        if isinstance(error, LocalEntryNotFoundError) or is_transport(error):
            raise no_network(name) from error
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise disk_full(name) from error
        raise
