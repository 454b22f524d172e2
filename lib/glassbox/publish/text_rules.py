"""Rules on what sources and outputs say: nothing of one machine, nothing fetched, nothing installed."""

import ast
import getpass
import re
from collections.abc import Iterator

from glassbox.publish.page import FENCE, Page, texts

Found = Iterator[tuple[int | None, str]]

MACHINE_PATH = re.compile(
    r"(?<![\w.)/])/(?:home|root|tmp|work|Users)(?=/|[\s\"'`),;:]|$)"
    r"|\b[A-Z]:\\+(?:Users|Windows|Program|Temp|home)|\bfile://",
    re.MULTILINE,
)
REMOTE = re.compile(
    r"<(?:script|style|iframe|link|base)\b"
    r"|@import\b|\burl\([\"']?(?:https?:)?//|\bIFrame\(|\b(?:Image|Audio|Video)\(\s*url\s*="
    r"|<\w+\b[^<>]*\s(?:src|srcset|data|poster)\s*=\s*[\"']?(?:https?:)?//"
    r"|!\[[^\]]*\](?:\(\s*<?(?:https?:)?//|\[)",
    re.IGNORECASE,
)
INSTALL = re.compile(
    r"^\s*[!%]+\s*(?:\S*python\S*\s+-m\s+)?(?:pip3?|conda|mamba|uv|apt|apt-get|brew)\b"
    r"|\b(?:subprocess|os\.system|run|check_call)\b.*\bpip\b",
    re.MULTILINE,
)
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>")
ALT = re.compile(r"\balt\s*=\s*[\"'][^\"']+[\"']")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}|\b0x(?:0{4})?[567][0-9a-f]{11}\b")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def machine_paths(page: Page) -> Found:
    """No text names a folder of the machine that built it."""
    for at, text in texts(page):
        if found := MACHINE_PATH.search(text):
            yield at, f"{_around(text, found)}: use paths relative to the course, or print none"


def user_names(page: Page) -> Found:
    """No text names the person who built it."""
    name = re.escape(_user())
    personal = re.compile(rf"[/\\~]{name}(?=[/\\])|\b{name}@[\w-]+")
    for at, text in texts(page):
        if found := personal.search(text):
            yield at, f"{_around(text, found)}: leave the user's name out"


def nothing_remote(page: Page) -> Found:
    """No text loads anything, and none brings scripts or style sheets of its own. Links are fine."""
    for at, text in texts(page):
        if found := REMOTE.search(text):
            yield at, f"{_around(text, found)}: no scripts, style sheets, frames or pictures from elsewhere"


def nothing_installed(page: Page) -> Found:
    """The course installs its dependencies once; notebooks install nothing."""
    for at, cell in page.code:
        if found := INSTALL.search(cell.source):
            yield at, f"{_around(cell.source, found)}: declare the dependency in pyproject.toml"


def no_path_edits(page: Page) -> Found:
    """The package is installed; notebooks do not search for it."""
    for at, cell in page.code:
        if re.search(r"\bsys\.path\b|\bsite\.addsitedir\b|\bPYTHONPATH\b", cell.source):
            yield at, "import glassbox without changing sys.path"


def no_private_imports(page: Page) -> Found:
    """A notebook uses the public names of the package."""
    for at, cell in page.code:
        for name in imported(cell.source):
            if name.startswith("glassbox.") and any(part.startswith("_") for part in name.split(".")):
                yield at, f"{name} is private: import a public name"


def images_described(page: Page) -> Found:
    """Every picture in the text has words for those who do not see it."""
    for at, cell in page.prose:
        for described, tag in MARKDOWN_IMAGE.findall(FENCE.sub("", cell.source)):
            if not (described.strip() or ALT.search(tag)):
                yield at, "write what the picture shows: ![...](...)"


def no_figure_widgets(page: Page) -> Found:
    """A FigureWidget stores five megabytes and a random id."""
    for at, text in texts(page):
        if "FigureWidget" in text:
            yield at, "use glassbox.draw, which shows a plain figure"


def no_addresses(page: Page) -> Found:
    """Memory addresses differ in each run."""
    for at, text in texts(page):
        if found := ADDRESS.search(text):
            yield at, f"{_around(text, found)}: print something that has a readable form"


def no_control_codes(page: Page) -> Found:
    """Colours of a terminal, carriage returns and bells are noise in a page."""
    for at, text in texts(page):
        if found := CONTROL.search(text):
            yield at, f"{_around(text, found)!r}: print plain text, without colours or progress bars"


def imported(source: str) -> Iterator[str]:
    """Yield the dotted names that a cell imports; IPython's own lines are passed over."""
    python = re.sub(r"^(\s*)[!%].*$", r"\1pass", source, flags=re.MULTILINE)
    try:
        tree = ast.parse(python)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run as a number without a name
        return "nobody"


def _around(text: str, found: re.Match) -> str:
    """Show the find and what follows it, on one line."""
    return text[found.start() : found.end() + 20].splitlines()[0].strip() if found.group() else ""


RULES = (
    machine_paths,
    user_names,
    nothing_remote,
    nothing_installed,
    no_path_edits,
    no_private_imports,
    images_described,
    no_figure_widgets,
    no_addresses,
    no_control_codes,
)
