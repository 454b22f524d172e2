"""What the terminal says, in both languages."""

from glassbox.learn.bank import Words


def _words(en: str, zh: str) -> Words:
    return Words(en=en, zh=zh)


SAY = {
    "aloud": _words(
        "Answer aloud or on paper, then grade what you are about to show.",
        "先口头或在纸上作答，再预估自己的分数。",
    ),
    "before": _words(
        "Your grade before you see the answer, 0 to 4 (? anchors, s skip, l language, q stop): ",
        "看答案之前给自己打分，0 到 4（? 标准，s 跳过，l 切换语言，q 结束）：",
    ),
    "said": _words(
        "Which facts did you say? Numbers, a for all, Enter for none: ",
        "你说到了哪些要点？输入编号，a 全部，回车表示没有：",
    ),
    "flags": _words(
        "Any red flag in your answer? Numbers, Enter for none: ",
        "你的回答里有扣分点吗？输入编号，回车表示没有：",
    ),
    "after": _words(
        "Your grade now, 0 to 4 (the checklist allows {most}): ", "现在的分数，0 到 4（按要点最高 {most}）："
    ),
    "graded": _words(
        "Graded {after}, expected {before}. Next review in {wait}.",
        "得分 {after}，预估 {before}。{wait}后复习。",
    ),
    "follow": _words("A follow-up? Enter to go on, f for it: ", "要追问吗？回车继续，f 追问："),
    "which": _words(
        "Which of these is true of your answer? A number, Enter for none: ",
        "你的回答属于哪种情况？输入编号，回车表示都不是：",
    ),
    "held": _words("Answer it. Did you hold? y or n: ", "请作答。答住了吗？y 或 n："),
    "empty": _words("Nothing to ask: no card passes the filters.", "没有可问的：没有卡片符合筛选条件。"),
    "done": _words("{count} reviewed.", "复习了 {count} 张。"),
    "again": _words("Type one of: {choices}", "请输入：{choices}"),
    "brief": _words("In 30 seconds", "30 秒回答"),
    "full": _words("In two minutes", "两分钟回答"),
    "facts": _words("Must say", "要点"),
    "red": _words("Red flags", "扣分点"),
    "see": _words("See", "参见"),
    "claim": _words("The answer to mend", "待改正的回答"),
    "criterion": _words(
        "{title} (0 {low}; 2 {middle}; 4 {high}), 0 to 4: ",
        "{title}（0 {low}；2 {middle}；4 {high}），0 到 4：",
    ),
    "expect": _words(
        "Grade the answer you just gave, before you see the model answer.",
        "看参考答案之前，先给刚才的回答打分。",
    ),
    "regrade": _words("Grade it again, now with the model answer.", "对照参考答案，再打一次分。"),
    "part": _words(
        "Part {number} of {all}: {part}, {minutes} min. {left} min left.",
        "第 {number}/{all} 部分：{part}，{minutes} 分钟。剩余 {left} 分钟。",
    ),
    "write": _words(
        "Write your answer in {path}, save it, and press Enter (g to give up): ",
        "请在 {path} 中作答，保存后按回车（g 放弃）：",
    ),
    "report": _words(
        "The interview took {seconds} s of {minutes} min.", "面试用时 {seconds} 秒，计划 {minutes} 分钟。"
    ),
    "excess": _words(
        "Your grades before the answers were {excess:+.2f} against those after.",
        "看答案前后的分差：{excess:+.2f}。",
    ),
}


def say(key: str, language: str, **values: object) -> str:
    """Return a sentence of the terminal."""
    return SAY[key].of(language).format(**values)
