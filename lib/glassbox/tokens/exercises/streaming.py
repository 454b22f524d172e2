"""Mend a stream that prints replacement characters in the middle of a text."""

import codecs
from itertools import takewhile

from glassbox.learn.exercise import Debug, Inputs

TEXTS = ("naïve café", "东京 2024 年", "price: 5 €", "ok 😀 fin", "Ωmega → 数")


def cut(make, text):
    """Cut bytes into pieces of 1 to 3, and return ids and the spelling of each id."""
    pieces = []
    while text:
        size = 1 + int(make.integers(below=3))
        pieces, text = [*pieces, text[:size]], text[size:]
    spelled = sorted(set(pieces))
    return [spelled.index(piece) for piece in pieces], spelled


def inputs(seed):
    make = Inputs(seed)
    text = b"".join((make.pick(TEXTS).encode(), b"\xff ", "好".encode(), "\ufffd!".encode(), b"\xe4\xbd"))
    return cut(make, text)


def ascii_only(seed):
    """
    saw: plain English is wrong, where each byte is a character
    means: a line is changed that was right
    look: one text for each id, in order, and one more at the end, empty if nothing is left over
    """
    return cut(Inputs(seed), b"just plain words")


def one_character_in_two_tokens(seed):
    """
    saw: plain English is right, a character whose bytes come in two tokens is wrong
    means: the first bytes are printed, or forgotten, before the others are there
    look: what is kept from one id to the next
    """
    letter = Inputs(seed).pick("éß你好€")
    return [0, 1, 2], [b"a", letter.encode()[:1], letter.encode()[1:] + b"b"]


def one_character_in_four_tokens(seed):
    """
    saw: a character in two tokens is right, one in four is wrong
    means: what waits is replaced by the next piece, not extended by it
    look: all bytes that still wait, with the new ones behind them
    """
    return [0, 1, 2, 3, 4], [bytes([byte]) for byte in Inputs(seed).pick("😀🚀🎉").encode()] + [b"!"]


def a_byte_that_fits_nowhere(seed):
    """
    saw: complete characters are right; after a byte that is no UTF-8, the rest is wrong or late
    means: the stream waits for bytes that cannot mend it
    look: only bytes that may still become a character wait; others are U+FFFD at once
    """
    return [0, 1, 2, 0], [b"a", Inputs(seed).pick([b"\xff", b"\xc0", b"\x80"]), "你".encode()]


def the_end_comes_too_early(seed):
    """
    saw: right as long as every character is complete; one that is cut off at the end is wrong
    means: what still waits is lost, or comes too early
    look: the last text, after all ids
    """
    return [0, 1], [b"a", Inputs(seed).pick("é你😀").encode()[:-1]]


def same_as_all_at_once(streaming, ids, spelled):
    """
    saw: joined, the texts are not what decoding all bytes at once gives
    means: a character is lost, doubled or broken
    look: a character whose bytes are in two tokens
    """
    whole = b"".join(spelled[number] for number in ids).decode("utf-8", "replace")
    return "".join(streaming(ids, spelled)) == whole


def each_token_alone(ids, spelled):
    """
    saw: the planted error is still there: U+FFFD where two tokens share a character
    means: bytes are turned into text before all of them are there
    look: the line that decodes
    """
    texts = []
    for number in ids:
        texts.append(spelled[number].decode("utf-8", "replace"))
    texts.append("")
    return texts


def solution(ids, spelled):
    texts, decoder = [], codecs.getincrementaldecoder("utf-8")("replace")
    for number in ids:
        texts.append(decoder.decode(spelled[number]))
    texts.append(decoder.decode(b"", True))
    return texts


def keeping_what_waits(ids, spelled):
    texts, waiting = [], b""
    for number in ids:
        waiting += spelled[number]
        text, used = codecs.utf_8_decode(waiting, "replace", False)
        waiting = waiting[used:]
        texts.append(text)
    texts.append(waiting.decode("utf-8", "replace"))
    return texts


TAILS = (b"", b"\x80\x80\x80", b"\xbf\xbf\xbf")  # with one of the last two, each beginning is completed


def what_no_tail_changes(ids, spelled):
    """Print what is the same whatever bytes may follow: coded apart from the solution."""
    texts, printed, so_far = [], 0, b""
    for number in ids:
        so_far += spelled[number]
        ways = zip(*((so_far + tail).decode("utf-8", "replace") for tail in TAILS), strict=False)
        sure = "".join(letter for letter, *_ in takewhile(lambda way: len(set(way)) == 1, ways))
        texts, printed = [*texts, sure[printed:]], len(sure)
    return [*texts, so_far.decode("utf-8", "replace")[printed:]]


def _whole(pieces, errors="replace"):
    return b"".join(pieces).decode("utf-8", errors)


def bad_bytes_are_dropped(ids, spelled):
    """
    saw: no U+FFFD any more, and no such character either: its bytes are dropped
    means: errors="ignore" hides the symptom; half of a character is thrown away, twice
    look: keep the bytes until the character is complete
    """
    return [*(spelled[number].decode("utf-8", "ignore") for number in ids), ""]


def all_at_the_end(ids, spelled):
    """
    saw: everything arrives in the last text
    means: the text is right, but nothing streams: the reader waits for the end
    look: give out each character with the token that completes it
    """
    return [*("" for _ in ids), _whole(spelled[number] for number in ids)]


def rest_of_the_text_so_far(ids, spelled):
    """
    saw: everything so far is decoded anew, and what is longer than before is printed
    means: U+FFFD is printed and counted as a character; when the true one comes, its place is taken
    look: do not print what may still change
    """
    texts, printed, so_far = [], 0, b""
    for number in ids:
        so_far += spelled[number]
        text = so_far.decode("utf-8", "replace")
        texts, printed = [*texts, text[printed:]], len(text)
    return [*texts, ""]


def waits_after_every_bad_end(ids, spelled):
    """
    saw: nothing is printed as long as the text ends with U+FFFD
    means: U+FFFD may be final: the model wrote it, or a byte that fits nowhere; the stream stands still
    look: wait only for bytes that may still become a character
    """
    texts, printed, so_far = [], 0, b""
    for number in ids:
        so_far += spelled[number]
        text = so_far.decode("utf-8", "replace")
        step = "" if text.endswith("\ufffd") else text[printed:]
        texts, printed = [*texts, step], printed + len(step)
    return [*texts, so_far.decode("utf-8", "replace")[printed:]]


def one_bad_byte_stops_it(ids, spelled):
    """
    saw: after a byte that is no UTF-8, nothing is printed until the end
    means: strict decoding fails again at every later token, for the same byte
    look: tell an incomplete character from an impossible byte
    """
    texts, waiting = [], b""
    for number in ids:
        waiting += spelled[number]
        try:
            text, waiting = waiting.decode("utf-8"), b""
        except UnicodeDecodeError:
            text = ""
        texts.append(text)
    return [*texts, waiting.decode("utf-8", "replace")]


def the_last_bytes_are_lost(ids, spelled):
    """
    saw: right, but bytes that still wait at the end are never printed
    means: a text that is cut off ends without a sign of it
    look: the last text: decode what waits, and say that it is final
    """
    return [*solution(ids, spelled)[:-1], ""]


def waits_for_one_token_only(ids, spelled):
    """
    saw: a character in two tokens is right; in three or four, its first bytes are lost
    means: the piece that waits is replaced by the new one
    look: add the new bytes to those that wait
    """
    texts, waiting = [], b""
    for piece in map(spelled.__getitem__, ids):
        text, used = codecs.utf_8_decode(waiting + piece, "replace", False)
        waiting = piece[max(used - len(waiting), 0) :]
        texts.append(text)
    return [*texts, waiting.decode("utf-8", "replace")]


streaming = Debug(
    id="tokens.streaming",
    title="Replacement characters in the middle of a text",
    statement=(
        "A server prints an answer while it is made. English is right; in Chinese, and at emoji, the screen "
        "shows `\ufffd` where the finished text has a character. `ids` arrive one by one, `spelled[id]` is "
        "the bytes of an id. Return one text for each id, what it makes certain, and one more for the end; "
        "joined, they are what decoding all bytes at once gives, where bytes that are no UTF-8 become "
        "U+FFFD. Give out each character as early as it is certain. Mend it; at most three lines change."
    ),
    difficulty=3,
    importance=4,
    minutes=7,
    core=False,
    hints=(
        "好 is three bytes. Into how many tokens may a byte-level BPE cut it?",
        "Something must be kept from one id to the next. Python's codecs has a decoder that does so.",
        '`decoder = codecs.getincrementaldecoder("utf-8")("replace")`, then `decoder.decode(____)` for each '
        'id, and at the end `decoder.decode(b"", ____)`',
    ),
    sizes={"ids": "token ids, as they come", "spelled": "the bytes of each id"},
    solution=solution,
    alternatives=(keeping_what_waits,),
    reference=what_no_tail_changes,
    inputs=inputs,
    invariants=(same_as_all_at_once,),
    cases=(
        ascii_only,
        one_character_in_two_tokens,
        one_character_in_four_tokens,
        a_byte_that_fits_nowhere,
        the_end_comes_too_early,
    ),
    mistakes=(
        bad_bytes_are_dropped,
        all_at_the_end,
        rest_of_the_text_so_far,
        waits_after_every_bad_end,
        one_bad_byte_stops_it,
        the_last_bytes_are_lost,
        waits_for_one_token_only,
    ),
    broken=each_token_alone,
    causes={
        "the model writes bytes that are no UTF-8": "decoded at once, the same ids give the right characters",
        "a token may end inside a character, and each is decoded by itself": "",
        "the vocabulary lacks the character, so it became the unknown token": "bytes spell every character; "
        "an unknown token would be wrong in the finished text too",
        "the text is not in normal form": "normal forms replace characters by others; none becomes U+FFFD",
    },
    discussion=(
        "Servers often decode the text so far again and print what is new, holding back while it ends in "
        "U+FFFD. That costs the length at every token, and stands still when the model really writes that "
        "character. A stop word has the same trouble: it may be cut by tokens, so the last characters must "
        "wait for it."
    ),
    notes="7 minutes. Ask what else must wait: a stop word, and a space that a preparation would remove.",
)
