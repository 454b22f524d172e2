"""The command `glassbox`: lab, test, build, bench, drill, grade, progress, anki, doctor."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from glassbox.paths import root
from glassbox.suite import OWN_KERNEL, run

START = "00_start_here.ipynb"
FOLDER = "glassbox-notebooks"

app = typer.Typer(
    help="Open, test and build the course.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a console may lack the letters of a path
    try:
        app(prog_name="glassbox")
    except FileNotFoundError as error:
        sys.exit(f"glassbox: {error}")


def _fail(message: object) -> typer.Exit:
    typer.echo(f"glassbox: {message}", err=True)
    return typer.Exit(1)


@app.command()
def lab(
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Start the server, open nothing.")] = False,
    port: Annotated[int, typer.Option(help="The first port to try.", min=1, max=65535)] = 8888,
    folder: Annotated[Path | None, typer.Option(help=f"Where your copies live (~/{FOLDER}).")] = None,
    here: Annotated[bool, typer.Option("--here", help="Work in the repository, without copies.")] = False,
    options: Annotated[list[str] | None, typer.Argument(help="After --: options for JupyterLab.")] = None,
) -> None:
    """Open the course in JupyterLab, on your own copies of the notebooks."""
    place = root() / "notebooks" if here else _own_copies(folder)
    if _in_use(port):
        typer.echo(f"Port {port} is in use; JupyterLab takes the next free one.")
    _serve(place, server_options(place, port, no_browser) + (options or []))


def _own_copies(folder: Path | None) -> Path:
    from glassbox.learn.workspace import WorkspaceError, sync

    place = (folder or Path.home() / FOLDER).expanduser().resolve()
    if place.is_relative_to(root().resolve()):
        raise _fail("--folder is inside the repository; choose a folder outside, or use --here")
    try:
        report = sync(root() / "notebooks", place)
    except WorkspaceError as error:
        raise _fail(error) from error
    for line in report.lines():
        typer.echo(line)
    typer.echo(f"Your notebooks are in {place}")
    return place


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server_options(place: Path, port: int, no_browser: bool) -> list[str]:
    """Return the options with which JupyterLab opens the folder `place` and fetches nothing from outside."""
    start = f"/lab/tree/{START}" if (place / START).is_file() else "/lab"
    options = [f"--port={port}", f"--LabApp.default_url={start}", "--LabApp.news_url=None"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0  # as in a container; not allowed by default
    return options + ["--no-browser"] * no_browser + ["--allow-root"] * as_root


def _serve(place: Path, options: list[str]) -> None:
    """Become JupyterLab: signals and the exit code are its own."""
    os.environ.update(OWN_KERNEL)
    os.chdir(place)
    # Optional for checking addresses, never needed here, and slower to import than all of JupyterLab.
    sys.modules["rfc3987_syntax"] = None
    from jupyterlab.labapp import main as serve

    serve(options)


@app.command()
def test(
    fast: Annotated[bool, typer.Option("--fast", help="Leave out the browser and the slow tests.")] = False,
    notebooks_only: Annotated[bool, typer.Option("--notebooks-only", help="Notebooks alone.")] = False,
    words: Annotated[str, typer.Option("-k", help="Only the tests whose name matches.")] = "",
) -> None:
    """Run all tests and validate the stored outputs of every notebook, exactly."""
    raise typer.Exit(run(fast=fast, notebooks_only=notebooks_only, words=words))


@app.command()
def build(
    numbers: Annotated[list[str] | None, typer.Argument(help="Of notebooks; all by default.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say whether stored outputs hold.")] = False,
) -> None:
    """Run notebooks, store their outputs, and refuse what breaks the rules."""
    from glassbox.publish import Refused
    from glassbox.publish import build as publish

    try:
        done = publish(numbers or [], check=check)
    except (Refused, ValueError) as error:
        raise _fail(error) from error
    for path in done:
        typer.echo(f"{path.name}: {'holds' if check else 'written'}")
    if not done:
        typer.echo("nothing changed")


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="An operation, a topic, or all.")],
    tune: Annotated[bool, typer.Option("--tune", help="Try launch arguments instead.")] = False,
    write: Annotated[bool, typer.Option("--write", help="With --tune: change the table.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The headline cases only.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where records go (data/benchmarks).")] = None,
) -> None:
    """Measure operations against their peers on this machine's GPU, and record them."""
    from glassbox.benchmarks import bench as measure

    raise typer.Exit(measure(name, tuning=tune, write=write, quick=quick, out=out))


@app.command()
def drill(
    topic: Annotated[list[str] | None, typer.Option(help="Only these topics.")] = None,
    skill: Annotated[list[str] | None, typer.Option(help="recall, derive, code, compute, judge.")] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    count: Annotated[int | None, typer.Option(help="Stop after so many cards.", min=1)] = None,
    mock: Annotated[int | None, typer.Option(help="A mock interview of 20, 45 or 60 minutes.")] = None,
    role: Annotated[str, typer.Option(help="research, training, inference, applied.")] = "research",
    report: Annotated[bool, typer.Option("--report", help="Show the weak spots.")] = False,
) -> None:
    """Practise interview questions, hold a mock interview, or see your weak spots."""
    import random

    from glassbox.learn.bank import cards
    from glassbox.learn.drill import Filters, boards
    from glassbox.learn.drill.interview import interview
    from glassbox.learn.drill.screen import Screen
    from glassbox.learn.drill.terminal import drill as practise
    from glassbox.learn.drill.terminal import show_weak_spots

    try:
        screen = Screen(Console(), language=language)
        if report:
            show_weak_spots(screen.console)
        elif mock is not None:
            interview(screen, mock, role, cards(), boards(), random.randrange(2**31))
        else:
            practise(screen, Filters(frozenset(topic or ()), frozenset(skill or ())), count)
    except ValueError as error:
        raise _fail(error) from error


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="Submitted notebooks.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table of marks.")] = Path("grades.csv"),
    topic: Annotated[list[str] | None, typer.Option(help="Mark these; by default those found.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes at a time.", min=1)] = None,
) -> None:
    """Mark a folder of submitted notebooks: one row each, whatever is in the file."""
    from rich.progress import Progress

    from glassbox.learn.exercise import exercises_of
    from glassbox.learn.grading import grade as mark

    try:
        wanted = [each for name in topic or [] for each in exercises_of(name)] or None
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task("grading", total=None)
            seen = lambda done, total: bar.update(task, completed=done, total=total)  # noqa: E731
            rows = mark(folder, out, exercises=wanted, workers=workers, progress=seen)
    except (ValueError, OSError) as error:
        raise _fail(error) from error
    typer.echo(f"{len(rows)} submissions: {out}")


progress = typer.Typer(help="Carry your record to another machine.", no_args_is_help=True)
app.add_typer(progress, name="progress")


@progress.command("export")
def export_progress(path: Path) -> None:
    """Write your record to a JSON file."""
    from glassbox.learn.progress import export_json

    typer.echo(f"{export_json(path)} events written to {path}")


@progress.command("import")
def import_progress(path: Path) -> None:
    """Add the events of an exported file; once more adds nothing more."""
    from glassbox.learn.progress import import_json

    try:
        typer.echo(f"{import_json(path)} new events")
    except ValueError as error:
        raise _fail(error) from error


@app.command()
def anki(path: Path) -> None:
    """Write the question bank as an Anki deck, both languages on each card."""
    from glassbox.learn.bank import cards
    from glassbox.learn.drill import export_anki

    typer.echo(f"{export_anki(cards().values(), path)} notes written to {path}")


@app.command()
def doctor() -> None:
    """Say what this machine is, what runs on it, and what to do about each problem."""
    from glassbox.machine.doctor import doctor as examine

    rows = examine()
    table = Table("this machine", "found", show_edge=False)
    for row in rows:
        table.add_row(row.name, row.found)
    console = Console(soft_wrap=False)
    console.print(table)
    advice = [row for row in rows if row.advice]
    for row in advice:
        console.print(f"{row.name}: {row.advice}", markup=False, highlight=False, soft_wrap=True)
    if not advice:
        console.print("Nothing to do.")
