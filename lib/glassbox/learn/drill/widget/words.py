"""What the forms say beyond the words of the terminal, in both languages."""

from glassbox.learn.bank import Words
from glassbox.learn.drill.widget.step import Show
from glassbox.learn.drill.wording import say


def _words(en: str, zh: str) -> Words:
    return Words(en=en, zh=zh)


KEYS = {
    "start": _words("start", "开始"),
    "skip": _words("skip", "跳过"),
    "none": _words("none of these", "都不是"),
    "go_on": _words("go on", "继续"),
    "held": _words("yes, I held", "答住了"),
    "fell": _words("no", "没答住"),
    "check": _words("check", "检查"),
    "give_up": _words("give up", "放弃"),
    "language": _words("中文", "English"),
    "stop": _words("stop", "结束"),
}
SAY = {
    "before": _words("Your grade, before you see the answer:", "看答案之前，给自己打分："),
    "said": _words(
        "Which facts did you say? Tick them, or type their numbers (a all, 0 none).",
        "你说到了哪些要点？勾选，或输入编号（a 全部，0 没有）。",
    ),
    "flags": _words(
        "Any red flag in your answer? Tick it, or type its number (0 none).",
        "你的回答里有扣分点吗？勾选，或输入编号（0 没有）。",
    ),
    "after": _words(
        "Your grade now. The checklist allows {most} at most:", "现在的分数，按要点最高 {most}："
    ),
    "follow": _words(
        "They ask on. Which of these is true of your answer?", "面试官继续追问。你的回答属于哪种情况？"
    ),
    "held": _words("Answer it aloud. Did you hold?", "请口头作答。答住了吗？"),
    "read": _words("Read it, then go on.", "读完后继续。"),
    "six": _words(
        "Six grades, one by one or in one go, as in 324403. Now: {title}.",
        "六项评分，可逐项输入，也可一次输入，例如 324403。现在：{title}。",
    ),
    "write": _words(
        "Write your answer above. Tab leaves the sheet; then c checks it.",
        "请在上方作答。按 Tab 离开输入框，然后按 c 检查。",
    ),
    "checking": _words("Checking …", "正在检查……"),
    "type": _words("Type one of: {keys}", "请输入：{keys}"),
    "line": _words("a key, then Enter", "输入按键，回车"),
    "left": _words("{minutes}:{seconds:02d} left", "剩余 {minutes}:{seconds:02d}"),
    "over": _words("{minutes}:{seconds:02d} over time", "超时 {minutes}:{seconds:02d}"),
    "plan": _words("{minutes} minutes, role {role}:", "{minutes} 分钟，岗位 {role}："),
    "ready": _words("The clock starts with your key.", "按键后开始计时。"),
    "again": _words("Run the cell again to go on.", "再次运行单元格即可继续。"),
    "grades": _words("Grades", "评分"),
    "expected": _words("before", "看答案前"),
    "earned": _words("after", "看答案后"),
    "boards": _words("Whiteboard", "白板"),
    "overtime": _words("Over time", "超时"),
    "missed": _words("Facts you did not say", "没说到的要点"),
}


def tell(key: str, **values: object) -> Show:
    """Return a sentence of the forms, to be said in any language."""
    return lambda language: SAY[key].of(language).format(**values)


def quote(key: str, **values: object) -> Show:
    """Return a sentence that the terminal says too."""
    return lambda language: say(key, language, **values)
