"""What a grade means: anchored levels, six criteria, and the caps that facts and red flags set."""

from typing import NamedTuple

from glassbox.learn.bank import Words

BEST = 4


class Criterion(NamedTuple):
    """One thing an interviewer listens for, with an anchor for the grades 0, 2 and 4."""

    name: str
    title: Words
    anchors: dict[int, Words]


def _criterion(name: str, en: str, zh: str, *anchors: tuple[str, str]) -> Criterion:
    levels = {level: Words(en=e, zh=z) for level, (e, z) in zip((0, 2, 4), anchors, strict=True)}
    return Criterion(name, Words(en=en, zh=zh), levels)


# One grade for a whole answer, for the daily drill.
LEVELS = (
    Words(en="no answer, or a wrong one", zh="答不出，或答错"),
    Words(en="the right words, not why", zh="说对了词，说不出为什么"),
    Words(
        en="right in the main, with a gap that a follow-up would find", zh="大体正确，但有追问就会暴露的漏洞"
    ),
    Words(en="right, with the mechanism and a number or example", zh="正确，讲清机制，并有数字或例子"),
    Words(en="as the model answer or better, and I could defend it", zh="不逊于参考答案，且经得起追问"),
)

# Six grades, for the mock interview.
CRITERIA = (
    _criterion("correctness", "correctness", "正确性",
               ("wrong in the main", "主要部分错误"), ("right with one error", "有一处错误"),
               ("no error", "没有错误")),
    _criterion("mechanism", "mechanism: why, not what", "机制：为什么，而不是是什么",
               ("names only", "只有名词"), ("the reason for the main step", "说清主要一步的原因"),
               ("every step justified", "每一步都有依据")),
    _criterion("quantification", "quantification", "量化",
               ("no number", "没有数字"), ("an order of magnitude", "有数量级"),
               ("a number with its derivation", "有数字并能推导")),
    _criterion("trade_off", "trade-off and alternative", "取舍与替代方案",
               ("one option, no price", "只有一个选项，不说代价"), ("a price is named", "说出代价"),
               ("alternatives compared by what decides", "按决定因素比较各方案")),
    _criterion("structure", "structure and time", "结构与时间",
               ("no order, over time", "没有条理，超时"), ("an order, some detours", "有条理，略有绕路"),
               ("answer first, in time", "先给结论，按时说完")),
    _criterion("depth", "follow-up depth", "追问深度",
               ("stopped at the first", "第一问就停"), ("held the second", "撑到第二问"),
               ("held to the end", "一直撑到最后")),
)  # fmt: skip


def cap(facts: int, said: int, flags: int) -> int:
    """Return the best grade that the checklist allows.

    A red flag allows 1, less than half of the must-say facts 2, all but some of them 3, all of them 4.
    """
    if flags:
        return 1
    if 2 * said < facts:
        return 2
    return BEST if said == facts else 3


def rating(grade: int) -> int:
    """Return the FSRS rating 1 to 4 (again, hard, good, easy) of a grade 0 to 4."""
    return max(1, grade)
