"""How well the translator translates held-out sentences, and how well its cross-attention aligns words.

BLEU (Papineni et al. 2002) and chrF (Popović 2015) by sacrebleu (Post 2018), each beside a dictionary that translates
word by word. For alignment, the translator reads one side of a hand-aligned pair and is led through the other: the row
of a token is either the one that wrote it or the one after, where it is what has just been written (Chen et al. 2020,
"Accurate word alignment induction from neural machine translation", whose better rows are the latter).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import rjieba
import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from torch import Tensor
from tqdm import tqdm

from attention_core.analysis.words import word_matrix
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import LANGUAGES, Language, TranslationTrace
from attention_core.models.translator import Translator
from training import alignment, conllu, text_data
from training.shares import Scores
from training.text_data import Sentences

BATCH, MARGIN = 50, 10  # sentences translated together; tokens that a translation may be longer than what is read
ROWS = ("wrote", "written")  # the row that wrote a token; the row in which it is the last token written
TOKENIZE = {"en": "13a", "zh": "zh"}


@torch.inference_mode()
def translate(model: Translator, texts: Sequence[str], into: Language, progress: Callable[[int], object]) -> list[str]:
    """The likeliest token each time, many sentences at once; equal to `Translator.write`."""
    tokenizer = model.tokenizer
    read = [torch.tensor([token.id for token in tokenizer.encode(text, None, model.limit)[0]]) for text in texts]
    order = sorted(range(len(texts)), key=lambda index: len(read[index]))
    said = [""] * len(texts)
    for at in range(0, len(order), BATCH):
        numbers = order[at : at + BATCH]
        source = torch.nn.utils.rnn.pad_sequence([read[n] for n in numbers], True, tokenizer.padding)
        real = (source != tokenizer.padding)[:, None, None]
        memory = model.encode(source, real)
        written = torch.full((len(numbers), 1), model.start_of(into))
        ended = torch.zeros(len(numbers), dtype=torch.bool)
        for _ in range(min(source.shape[1] * 2 + MARGIN, model.longest)):
            best = model.unembed(model.decode(memory, written, real)[:, -1]).argmax(dim=-1)
            written = torch.cat([written, best.masked_fill(ended, tokenizer.separator)[:, None]], dim=1)
            ended |= best == tokenizer.separator
            if bool(ended.all()):
                break
        for number, row in zip(numbers, written[:, 1:].tolist(), strict=True):
            end = row.index(tokenizer.separator) if tokenizer.separator in row else len(row)
            said[number] = model.spelled(row[:end])[0]
        progress(len(numbers))
    return said


def words_of(text: str) -> list[str]:
    """Lower-case words: Chinese ones as the segmenter cuts them, others at spaces and signs."""
    return [word for word in rjieba.cut(text.lower()) if word.strip()]


class Dictionary:
    """For each word the one of the other language that it shares most pairs with: the largest Dice coefficient."""

    def __init__(self, pairs: Sequence[Sentences]) -> None:
        both = Counter[tuple[str, str]]()
        each: dict[Language, Counter[str]] = {language: Counter() for language in LANGUAGES}
        for pair in pairs:
            english, chinese = set(words_of(pair.english)), set(words_of(pair.chinese))
            each["en"].update(english)
            each["zh"].update(chinese)
            both.update((e, z) for e in english for z in chinese)
        self._best: dict[Language, dict[str, tuple[float, str]]] = {"en": {}, "zh": {}}
        for (e, z), together in both.items():
            dice = 2 * together / (each["en"][e] + each["zh"][z])
            for into, word, other in (("zh", e, z), ("en", z, e)):
                best = self._best[into]  # type: ignore[index]
                if dice > best.get(word, (0.0, ""))[0]:
                    best[word] = (dice, other)

    def translate(self, model: Translator, text: str, into: Language) -> str:
        """Word by word; a word that is not known stays as it is."""
        found = (self._best[into].get(word, (0.0, word))[1] for word in words_of(text))
        return model.spelling.text(list(found))


def quality(said: Sequence[str], references: Sequence[str], into: Language) -> Scores:
    """BLEU and chrF of translations, 0 to 100."""
    bleu, chrf = BLEU(tokenize=TOKENIZE[into]), CHRF()
    return {
        "bleu": round(bleu.corpus_score(said, [references]).score, 2),
        "chrf": round(chrf.corpus_score(said, [references]).score, 2),
    }


def split_sentences(sentences: Sequence[Sentences], tokenizer: Tokenizer) -> tuple[list[Sentences], list[Sentences]]:
    """The everyday sentences that were trained on, and those that `text_data.split` keeps back, as text."""
    pairs, said = [], dict[int, Sentences]()
    for sentence in sentences:
        for pair in text_data.encode_pairs([sentence] if sentence.everyday else [], tokenizer):
            pairs.append(pair)
            said[id(pair)] = sentence
    training, held_out = text_data.split(pairs)
    return [said[id(pair)] for pair in training], [said[id(pair)] for pair in held_out]


def translation_scores(
    model: Translator, held_out: Sequence[Sentences], training: Sequence[Sentences], progress: Callable[[int], object]
) -> Scores:
    """BLEU and chrF by direction: the network's (value) and the dictionary's (baseline).

    `unseen_pairs`: the same on the pairs of which neither side occurs in a training pair.
    """
    known = {pair.english for pair in training} | {pair.chinese for pair in training}
    unseen = [pair for pair in held_out if pair.english not in known and pair.chinese not in known]
    dictionary = Dictionary(training)
    scores: Scores = {"pairs": len(held_out)}
    said: dict[Language, dict[Sentences, tuple[str, str]]] = {}
    for into in LANGUAGES:
        read = [pair.chinese if into == "en" else pair.english for pair in held_out]
        by_dictionary = [dictionary.translate(model, text, into) for text in read]
        both = zip(translate(model, read, into, progress), by_dictionary, strict=True)
        said[into] = dict(zip(held_out, both, strict=True))
    for part, pairs in ((scores, held_out), (scores.setdefault("unseen_pairs", {"pairs": len(unseen)}), unseen)):
        for into in LANGUAGES:
            wanted = [pair.english if into == "en" else pair.chinese for pair in pairs]
            value, baseline = (quality([said[into][pair][by] for pair in pairs], wanted, into) for by in (0, 1))
            direction = f"{'zh' if into == 'en' else 'en'}-{into}"
            for measure in value:
                part.setdefault(measure, {})[direction] = {"value": value[measure], "baseline": baseline[measure]}
    return scores


def cross_matrices(model: Translator, pair: alignment.AlignedPair) -> Iterator[tuple[Tensor, Tensor]]:
    """For each cross-attention, first by the rows that wrote a token, then by the next: en_zh and zh_en, (H, E, Z)."""
    english, chinese = pair.english, pair.chinese
    into_zh, into_en = (
        model.trace(english.text, chinese.text, into="zh"),
        model.trace(chinese.text, english.text, into="en"),
    )
    for forth, back in zip(into_en.cross, into_zh.cross, strict=True):
        for rows in ROWS:
            yield (
                _between(forth.weights[0], into_en, english.words, chinese.words, rows),
                _between(back.weights[0], into_zh, chinese.words, english.words, rows).mT,
            )


def _between(
    weights: Tensor, trace: TranslationTrace, target: Sequence[conllu.Word], source: Sequence[conllu.Word], rows: str
) -> Tensor:
    """Weights (H, T, S) of tokens → (H, target words, source words). The row of token t wrote token t + 1."""
    asks = conllu.word_of_token(trace.target.tokens, target, 0)
    answers = conllu.word_of_token(trace.source.tokens, source, 0)
    if rows == "wrote":
        asks = torch.cat([asks[1:], asks.new_tensor([-1])])
    return word_matrix(weights, asks, answers, len(target), len(source))


def cross_alignment_scores(
    model: Translator, pairs: list[alignment.AlignedPair], progress: Callable[[], object] = bool
) -> Scores:
    """As `alignment.scores_of`; "layer" counts the cross-attentions, "rows" says which of a token's two rows."""
    heads = [count for count in model.config.cross_heads for _ in ROWS]
    scores = alignment.scores_of(heads, partial(cross_matrices, model), pairs, progress)
    scores["heads"] = {rows: scores["heads"][number :: len(ROWS)] for number, rows in enumerate(ROWS)}
    for best in (scores["best"], scores["best_symmetrised"]):
        best["layer"], row = divmod(best["layer"], len(ROWS))
        best["rows"] = ROWS[row]
    return scores


def all_scores(model: Translator, data: Path) -> Scores:
    """Everything that the card says of the translator."""
    training, held_out = split_sentences(text_data.read_pairs(data), model.tokenizer)
    pairs = alignment.read_pairs(data)
    with tqdm(total=len(LANGUAGES) * len(held_out) + len(pairs), mininterval=2, desc="sentences") as bar:
        translated = translation_scores(model, held_out, training, bar.update)
        aligned = cross_alignment_scores(model, pairs, bar.update)
    aligned["eflomal"] = alignment.EFLOMAL
    aer = {"value": aligned["best_symmetrised"]["aer"], "baseline": aligned["diagonal"]["aer"]}
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        **translated,
        "aer": aer,
        "alignment": aligned,
    }
