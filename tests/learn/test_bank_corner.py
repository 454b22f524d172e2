"""Cards inside a notebook: the question open, every answer folded, both languages."""

import pytest
from glassbox.learn.bank import cards, corner


def test_a_card_shows_its_question_and_folds_every_answer():
    card = cards()["layer-norm-formula"]
    shown = corner("layer-norm-formula")
    html = shown._repr_html_()
    assert html.index("<b>Write the LayerNorm formula") < html.index("<details>")
    asked = [each for first in card.followups for each in (first, *first.then)]
    assert html.count("<details>") == html.count("</details>") == 2 + len(asked)
    assert "<code>x_hat = (x - mean) / sqrt(var + eps)</code>" in html and "`" not in html
    for words in (card.brief, card.full, *card.must_say, *card.red_flags, *(each.answer for each in asked)):
        assert words.en in repr(shown)


def test_a_wrong_claim_is_quoted_and_chinese_is_chinese():
    card = cards()["repair-gpt3-post-norm"]
    assert "<blockquote>The claim: " in corner(card.id).html and card.claim.en in repr(corner(card.id))
    chinese = corner(card.id, language="zh")
    assert (
        card.brief.zh in repr(chinese) and "30 秒回答" in chinese.html and card.brief.en not in repr(chinese)
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: corner("no-such-card"), "ids: expected the ids of cards; came 'no-such-card'"),
        (lambda: corner("layer-norm-formula", language="fr"), "language: expected one of 'en', 'zh'"),
    ],
)
def test_what_is_not_there_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
