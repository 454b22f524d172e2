"""Say it: pre-norm or post-norm."""

from glassbox.learn.exercise import Claim, Explain, Point

placement = Explain(
    id="norms.placement",
    title="Pre-norm or post-norm, in 90 seconds",
    statement=(
        "An interviewer asks: *why do nearly all large models place the norm before the sub-layer, and what "
        "do they pay for it?* Speak for 90 seconds, then write down what you said, in your own words."
    ),
    difficulty=3,
    importance=5,
    minutes=6,
    core=False,
    hints=(
        "What does a gradient pass on its way down the stream, in each of the two?",
        "Say one thing about training, one about the size of the stream, one about late blocks.",
        "Pre-norm trains without ____; its stream grows as ____; so late blocks ____; post-norm needs ____.",
    ),
    rubric=(
        Point(
            "In pre-norm the stream passes every block untouched, so training is stable from the first step.",
            (
                *("stable", "untouched", "unchanged", "without warm", "no warm"),
                *("identity path", "identity branch", "identity skip", "identity connection", "identity map"),
            ),
            "What happens to the stream on its way through a pre-norm block?",
        ),
        Point(
            "The stream grows with depth, as the square root of the number of blocks.",
            (
                *("sqrt", "square root", "√", "n^0.5", "n^(1/2)", "n^{1/2}", "n**", "n to the half"),
                *("variance adds", "variances add", "variance grows", "stream grows"),
            ),
            "How large is the stream after N blocks?",
        ),
        Point(
            "Late blocks change it less and less: their gradient falls as 1/sqrt(N).",
            (
                *("late block", "late layer", "later block", "later layer", "last block", "last layer"),
                *("deeper block", "deeper layer", "upper block", "upper layer", "top layer", "1/sqrt"),
            ),
            "What does a growing stream mean for the last blocks?",
        ),
        Point(
            "Deep post-norm fails without help, warm-up or DeepNorm's constants: its first steps move the "
            "output too far.",
            (
                *("needs warm", "need warm", "warm-up or", "warmup or", "deepnorm", "deep norm", "deepnet"),
                *("admin", "ramp", "too large", "too far"),
            ),
            "What does deep post-norm need, and why?",
        ),
        Point(
            "Pre-norm needs one more norm at the end.",
            (
                *("final norm", "final layernorm", "final layer norm", "final rmsnorm", "last norm", "ln_f"),
                *("norm at the end", "one more norm", "norm before the head", "norm before the output"),
                *("norm before the logits", "norm after the last"),
            ),
            "What would the logits look like without one more norm?",
        ),
    ),
    wrong=(
        Claim(
            "gradients vanish",
            r"vanishing gradient|gradients?\b.*\b(?:vanish|disappear)|gradients?\b.*\bto zero\b",
            "at initialisation the gradient of post-norm's last block does not shrink with depth; the first "
            "block's depends on the seed",
        ),
        Claim(
            "pre-norm generalises better",
            r"pre-?(?:norm|ln)\b.*\bgenerali[sz]es? better",
            "pre-norm is chosen because it trains reliably; which of the two ends better is contested",
        ),
    ),
    model=(
        "In pre-norm, x + f(norm(x)), the stream passes each block untouched, so every depth trains from "
        "the first step without warm-up. The price: nothing shrinks the stream, so it grows as the square "
        "root of the depth, and late blocks, whose outputs stay of unit size, change it less and less; "
        "their gradients fall as 1/sqrt(N). It also needs a final norm. Post-norm, norm(x + f(x)), pins "
        "the stream at unit size. At initialisation the gradient of its last block does not shrink with "
        "depth, and the first block's varies with the seed; but the steps of all blocks together are too "
        "large when it is deep: it needs warm-up, or DeepNorm's constants. Where it trains, it is "
        "reported to end as well or better."
    ),
)
