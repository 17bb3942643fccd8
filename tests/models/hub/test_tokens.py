"""Tokens of any network with their places in what was typed; pieces of a character readable."""

from __future__ import annotations

import pytest
import tokenizers
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_core.errors import UnsupportedModelError
from attention_core.models.hub.tokens import HubTokenizer, fraction
from tests.models import hub_networks

BYTE_PAIRS = HubTokenizer(hub_networks.byte_pairs())
SENTENCE_PIECES = HubTokenizer(hub_networks.sentence_pieces())
WORD_PIECES = HubTokenizer(hub_networks.word_pieces())
TRIMMED = HubTokenizer(hub_networks.trimmed_byte_pairs())
KINDS = {"byte pairs": BYTE_PAIRS, "trimmed": TRIMMED, "sentence pieces": SENTENCE_PIECES, "word pieces": WORD_PIECES}


def labels(tokenizer: HubTokenizer, text: str, pair: str | None = None, limit: int = 1000) -> list[str]:
    return [token.text for token in tokenizer.encode(text, pair, limit)[0]]


def test_pieces_of_a_character_are_the_character_and_their_number() -> None:
    tokens = BYTE_PAIRS.encode("我柠檬", None, 100)[0]
    assert [token.text for token in tokens] == ["我", "柠¹⁄₃", "柠²⁄₃", "柠³⁄₃", "檬¹⁄₃", "檬²⁄₃", "檬³⁄₃"]
    assert [(token.start, token.end) for token in tokens] == [(0, 1), *[(1, 2)] * 3, *[(2, 3)] * 3]
    assert [token.word for token in tokens] == [0, 1, 1, 1, 2, 2, 2]


def test_spans_are_trimmed_once() -> None:
    assert labels(TRIMMED, "the fish", "a cat") == ["<s>", "the", "fish", "</s>", "</s>", "a", "cat", "</s>"]


def test_byte_fallback_of_sentence_pieces_as_well() -> None:
    assert labels(SENTENCE_PIECES, "我柠") == ["<s>", "我", "柠¹⁄₃", "柠²⁄₃", "柠³⁄₃"]


def test_a_token_may_end_within_a_character() -> None:
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    # 吃 and 吆 begin with the same two bytes, so that these join with the character before them.
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=260, initial_alphabet=alphabet)
    backend.train_from_iterator(["我吃", "我吆"] * 20, trainer)
    joined = HubTokenizer(transformers.PreTrainedTokenizerFast(tokenizer_object=backend))
    tokens = joined.encode("我吃", None, 100)[0]
    assert [(token.text, token.start, token.end) for token in tokens] == [("我吃¹⁄₂", 0, 2), ("吃²⁄₂", 1, 2)]


def test_a_character_that_is_cut_off_keeps_the_number_of_its_pieces() -> None:
    tokens, _, cut = BYTE_PAIRS.encode("我柠檬", None, 3)
    assert [token.text for token in tokens] == ["我", "柠¹⁄₃", "柠²⁄₃"]
    assert cut == 4


@pytest.mark.parametrize("kind", KINDS)
def test_spans_are_in_what_was_typed(kind: str) -> None:
    text, pair = "I eat  柠檬,\nand a FISH", "你看见 the cat"
    for token in KINDS[kind].encode(text, pair, 1000)[0]:
        if token.special:
            assert (token.start, token.end, token.word) == (0, 0, None)
        elif not set(token.text) & set("␣⏎⁄"):
            assert (text, pair)[token.segment][token.start : token.end] == token.text


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(max_size=30), pair=st.none() | st.text(max_size=10))
@settings(deadline=None, max_examples=60)
def test_whatever_is_typed_has_readable_tokens(kind: str, text: str, pair: str | None) -> None:
    tokens, segments, cut = KINDS[kind].encode(text + "a", pair, 1000)
    assert len(tokens) == len(segments) and cut == 0
    for token in tokens:
        typed = (text + "a", pair or "")[token.segment]
        assert 0 <= token.start <= token.end <= len(typed)
        assert token.text and token.text.isprintable()
        assert "\ufffd" not in token.text or "\ufffd" in typed or any("\ud800" <= c <= "\udfff" for c in typed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", range(4, 14))
def test_no_more_than_the_limit(kind: str, limit: int) -> None:
    tokens, _, cut = KINDS[kind].encode("the cat eats a fish", "我吃水果和鱼", limit)
    whole = KINDS[kind].encode("the cat eats a fish", "我吃水果和鱼", 1000)[0]
    assert len(tokens) <= limit and len(tokens) + cut == len(whole)
    assert sum(token.special for token in tokens) == sum(token.special for token in whole)


def test_words_are_runs_of_letters_and_single_chinese_characters() -> None:
    tokens = BYTE_PAIRS.encode("the fish, 我吃", None, 100)[0]
    by_word: dict[int | None, str] = {}
    for token in tokens:
        by_word[token.word] = by_word.get(token.word, "") + token.text
    assert list(by_word.values()) == ["the", "fish", ",", "␣我", "吃"] or by_word[1] == "fish"


def test_spaces_can_be_seen() -> None:
    assert labels(BYTE_PAIRS, "a\n\ta") == ["a", "⏎", "⇥", "a"]
    assert labels(SENTENCE_PIECES, "柠")[1] == "␣"


def test_the_vocabulary_is_readable() -> None:
    ids = {token.text: token.id for token in BYTE_PAIRS.encode("the 柠", None, 100)[0]}
    assert BYTE_PAIRS.piece(ids["the"]) == "the"
    assert BYTE_PAIRS.piece(ids["柠¹⁄₃"]) == "⟨E6⟩"
    assert BYTE_PAIRS.piece(10_000) == "[10000]"
    assert SENTENCE_PIECES.piece(3) == "⟨00⟩" and SENTENCE_PIECES.piece(1) == "<s>"
    for tokenizer in KINDS.values():
        vocabulary = tokenizer.vocabulary(tokenizer.size + 5)
        assert all(piece.strip() and piece.isprintable() and "\ufffd" not in piece for piece in vocabulary)


def test_written_tokens_find_their_places() -> None:
    ids = [token.id for token in BYTE_PAIRS.encode("我柠 the", None, 100)[0]]
    text, tokens = BYTE_PAIRS.written(ids, segment=1)
    assert text == "我柠 the"
    assert [token.text for token in tokens][:4] == ["我", "柠¹⁄₃", "柠²⁄₃", "柠³⁄₃"]
    assert [(t.start, t.end, t.segment) for t in tokens][:4] == [(0, 1, 1), *[(1, 2, 1)] * 3]
    assert text[tokens[-1].start : tokens[-1].end] == tokens[-1].text


def test_a_character_that_is_not_written_to_its_end_is_bytes() -> None:
    ids = [token.id for token in BYTE_PAIRS.encode("我柠", None, 100)[0]]
    text, tokens = BYTE_PAIRS.written(ids[:3])
    assert text == "我"
    assert [token.text for token in tokens] == ["我", "⟨E6⟩", "⟨9F⟩"]


def test_a_lone_surrogate_is_no_crash() -> None:
    for tokenizer in KINDS.values():
        assert tokenizer.encode("a\ud83d", None, 100)[0]


def test_encoding_leaves_the_librarys_tokenizer_alone() -> None:
    source = hub_networks.word_pieces()
    before = source.backend_tokenizer.to_str()
    HubTokenizer(source).encode("the cat " * 30, None, 5)
    assert source.backend_tokenizer.to_str() == before


def test_fractions() -> None:
    assert fraction(1, 3) == "¹⁄₃" and fraction(10, 12) == "¹⁰⁄₁₂"


def test_a_tokenizer_without_spans_is_refused() -> None:
    class Slow:
        pass

    with pytest.raises(UnsupportedModelError) as refused:
        HubTokenizer(Slow())  # type: ignore[arg-type]
    assert refused.value.key == "hub.slow_tokenizer" and refused.value.values == {"name": "Slow"}


def test_a_piece_goes_on_a_word_by_the_sign_of_its_vocabulary_or_by_its_place() -> None:
    for tokenizer in (BYTE_PAIRS, SENTENCE_PIECES, WORD_PIECES):
        text = "the lemons, 我吃 fish"
        for token in tokenizer.encode(text, None, 100)[0]:
            inside = 0 < token.start < len(text) and text[token.start - 1 : token.start + 1].isascii()
            within = inside and text[token.start - 1].isalpha() and text[token.start].isalpha()
            assert token.continues == within, (token, text)


def test_what_the_vocabulary_does_not_have_is_marked() -> None:
    tokens = WORD_PIECES.encode("the 🍋", None, 100)[0]
    assert [token.unknown for token in tokens if not token.special] == [
        token.text == "🍋" for token in tokens if not token.special
    ]
    assert sum(token.unknown for token in tokens) == 1
    assert not any(token.unknown for token in BYTE_PAIRS.encode("the 🍋", None, 100)[0])
