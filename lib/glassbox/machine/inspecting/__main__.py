"""`python -m glassbox.machine.inspecting`: show, check, write baselines, record. Needs Triton."""

import argparse
import sys

from glassbox.machine.inspecting.api import inspect
from glassbox.machine.inspecting.baseline import CHECKED, faults, write_baseline
from glassbox.machine.inspecting.chips import ARCHITECTURES
from glassbox.machine.inspecting.records import launch_of, record, variants_of


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 if `check` finds a fault."""
    chosen = _parser().parse_args(arguments)
    if chosen.command == "baseline":
        print(write_baseline(chosen.topic, chosen.arch or CHECKED, chosen.variants).name)
        return 0
    if chosen.command == "check":
        found = faults(chosen.topic, variants_of(chosen.topic, chosen.variants), chosen.arch or CHECKED)
        print("\n".join(found) or "every kernel as it should be")
        return bool(found)
    for arch in chosen.arch or ("sm_90",):
        if chosen.command == "record":
            print(record(chosen.topic, chosen.variant, arch, chosen.variants).name)
        elif chosen.command == "show":
            result = inspect(launch_of(chosen.topic, chosen.variant, arch, chosen.variants), arch=arch)
            print(result, result.sass, sep="\n\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m glassbox.machine.inspecting", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in {
        "baseline": "compile every kernel of a topic and write data/registers/<topic>.json",
        "check": "compile every kernel of a topic and say what is wrong",
        "record": "compile one kernel and store it in data/inspections/<topic>/ for a notebook",
        "show": "compile one kernel and print what came out",
    }.items():
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("topic", help="a topic's folder, such as norms")
        if name in ("record", "show"):
            command.add_argument("variant", help="the name that the topic's variants() gives the launch")
        command.add_argument("--variants", metavar="MODULE:FUNCTION", help="where the launches come from")
        command.add_argument("--arch", action="append", choices=ARCHITECTURES, help="may be repeated")
    return parser


if __name__ == "__main__":
    sys.exit(main())
