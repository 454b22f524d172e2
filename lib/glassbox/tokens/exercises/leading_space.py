"""Mend a chat template whose first word is another token than in the training text."""

import re

from glassbox.learn.exercise import Debug, Inputs

WORDS = ("Hello", "is it", "2024", "a  b", "ok!", "naïve", "x = 1", "Why? No.", "!")
ROLES = ("User", "Bot")


def drawn(make, turns, words):
    return ([(ROLES[turn % 2], " ".join(make.pick(WORDS) for _ in range(words))) for turn in range(turns)],)


def inputs(seed):
    return drawn(Inputs(seed), 3 + seed % 2, 3)


def one_word(seed):
    """
    saw: one turn of one word is wrong
    means: the space before it is lost, doubled, or a token of its own
    look: User: Hello by hand: the colon, then one token that is a space and the word
    """
    return ([(ROLES[seed % 2], Inputs(seed).pick(["Hello", "Why", "2024"]))],)


def spaces_inside(seed):
    """
    saw: one word is right, a text that holds two spaces in a row is wrong
    means: spaces of the text itself were removed
    look: what is stripped or replaced
    """
    return ([(ROLES[seed % 2], Inputs(seed).pick(["a  b", "if x:  y", "no   way"]))],)


def it_spells_the_chat(leading_space, turns):
    """
    saw: joined, the pieces are not the lines `role: text`
    means: a space is lost or doubled
    look: count the spaces between the colon and the text
    """
    return "".join(leading_space(turns)) == "".join(f"{role}: {text}\n" for role, text in turns)


def space_ends_the_prompt(turns):
    """
    saw: the planted error is still there: a space alone, and behind it a word without one
    means: the pieces spell the right text, but the text of training has the space in the word's token
    look: to which of the two parts the space belongs
    """
    pieces = []
    for role, text in turns:
        for part in (f"{role}: ", text, "\n"):
            pieces += re.findall(r" ?\w+| ?[^\w\s]+|\s", part)
    return pieces


def solution(turns):
    pieces = []
    for role, text in turns:
        for part in (f"{role}:", f" {text}", "\n"):
            pieces += re.findall(r" ?\w+| ?[^\w\s]+|\s", part)
    return pieces


def line_by_line(turns):
    pieces = []
    for role, text in turns:
        pieces += re.findall(r" ?\w+| ?[^\w\s]+|\s", f"{role}: {text}\n")
    return pieces


def character_by_character(turns):
    """Cut the whole chat without a pattern: coded apart from the solution."""
    pieces = [""]
    for letter in "".join(f"{role}: {text}\n" for role, text in turns):
        last = pieces[-1][-1:]
        goes_on = last and not last.isspace() and not letter.isspace() and _word(last) == _word(letter)
        begins_with_space = pieces[-1] == " " and not letter.isspace()
        pieces = [*pieces[:-1], pieces[-1] + letter] if goes_on or begins_with_space else [*pieces, letter]
    return pieces[1:]


def _word(letter):
    return letter.isalnum() or letter == "_"


def _cut(parts):
    return [piece for part in parts for piece in re.findall(r" ?\w+| ?[^\w\s]+|\s", part)]


def two_spaces(turns):
    """
    saw: two spaces between the colon and the text
    means: the word has its space now, and the colon still has its own
    look: one of the two goes
    """
    return _cut(part for role, text in turns for part in (f"{role}: ", f" {text}", "\n"))


def no_space(turns):
    """
    saw: no space between the colon and the text
    means: the space at the end is gone, but the first word is still the token without one
    look: where the space goes to
    """
    return _cut(part for role, text in turns for part in (f"{role}:", text, "\n"))


def all_pieces_stripped(turns):
    """
    saw: no piece has a space: Hello with and without one are the same now
    means: the text cannot be put together again, and half of the vocabulary is never used
    look: the space is a part of the token
    """
    return [piece.strip(" ") or piece for piece in space_ends_the_prompt(turns) if piece != " "]


def a_space_before_every_part(turns):
    """
    saw: the role begins with a space too
    means: at the beginning of a line there is none in training: it is another token
    look: which parts follow a space in the text
    """
    return _cut(part for role, text in turns for part in (f" {role}:", f" {text}", "\n"))


def spaces_made_one(turns):
    """
    saw: two spaces in a row became one, in the text too
    means: the doubled space is repaired where it does not arise; code and tables lose their columns
    look: leave the text as it is
    """
    return _cut(re.sub(" +", " ", f"{role}: {text}\n") for role, text in turns)


leading_space = Debug(
    id="tokens.leading_space",
    title="The first word of every answer",
    statement=(
        "A model has learned from lines such as `Bot: Hello`. Behind this chat template its first word is "
        "often wrong, and a wrong word with a space before it, two in all, is likely. `turns` is a list of "
        "(role, text). Header, text and line end are cut apart, each by itself, since they get different "
        "masks in the loss; the pattern puts a space and the word behind it into one piece, as GPT-2's "
        "does. Return the pieces of all turns, as cutting the whole line `role: text` would give them. Mend "
        "it: one line is wrong."
    ),
    difficulty=2,
    importance=5,
    minutes=6,
    hints=(
        "Into which pieces does the pattern cut `Bot: Hello`, and into which `Bot: ` and then `Hello`?",
        "Both spell the same text. Look at the line that lists the three parts.",
        '`(f"{role}:____", f"____{text}", "\\n")`',
    ),
    sizes={"turns": "pairs of role and text; no text is empty or begins with a space"},
    example=([("User", "Hello you"), ("Bot", "Hello!")],),
    solution=solution,
    alternatives=(line_by_line,),
    reference=character_by_character,
    inputs=inputs,
    invariants=(it_spells_the_chat,),
    cases=(one_word, spaces_inside),
    mistakes=(two_spaces, no_space, all_pieces_stripped, a_space_before_every_part, spaces_made_one),
    broken=space_ends_the_prompt,
    causes={
        "the vocabulary lacks the word with a space before it": "it is there: the other words "
        "of the line are such tokens",
        "the pieces do not spell the text": "joined, they are the right lines, before your change too",
        "the space stands at the end of the header, and so is cut from its word": "",
        "the model has seen too few chats": "the lines are those it has learned from; their tokens are not",
    },
    discussion=(
        "A prompt that ends in a space has the same effect: the model must go on with a word without one, "
        "which it has hardly seen there, or with a second space. So templates end in a colon, in a line "
        "end, or in a special token, which no word can swallow. Cutting the whole line and finding the "
        "border afterwards is right too, but a piece may lie across it."
    ),
    notes="6 minutes. Let them print the pieces first: the joined text shows nothing.",
)
