"""The command that makes the corpus again: `python -m glassbox.tiny.corpus --make`.

--make             write the generated files again and check every file against SHA256SUMS
--out FOLDER       write them there instead of into data/text
--scale N          make them N times as large (with --out; the frozen text is where they begin)
--freeze           after an intended change: write the generated files and new checksums
"""

import argparse
import sys
from hashlib import sha256
from pathlib import Path

from glassbox import paths
from glassbox.tiny.recipe import GENERATED, make_text
from glassbox.tiny.text import checksums


def write_generated(folder: Path, scale: int = 1) -> list[str]:
    """Write every generated part below `folder`; return the names of the files."""
    for (language, part), (_, _, size) in GENERATED.items():
        path = folder / language / f"{part}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_text(language, part, scale * size).encode("utf-8"))
    return [f"{language}/{part}.txt" for language, part in GENERATED]


def changed(folder: Path, names: list[str]) -> list[str]:
    """Return the names of the files whose bytes are not the frozen ones."""
    frozen = checksums(paths.data("text"))
    found = {name: folder / name for name in names if (folder / name).exists()}
    digests = {name: sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
    return [name for name in names if digests.get(name) != frozen[name]]


def freeze(folder: Path) -> None:
    """Write SHA256SUMS for every text and recipe file."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.is_file())
    lines = [f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_bytes("".join(lines).encode("utf-8"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the corpus again and check it.")
    parser.add_argument("--make", action="store_true", help="write the generated files and check all")
    parser.add_argument("--out", type=Path, help="write into this folder instead of data/text")
    parser.add_argument("--scale", type=int, default=1, help="so many times as large (needs --out)")
    parser.add_argument("--freeze", action="store_true", help="write new checksums after an intended change")
    chosen = parser.parse_args(arguments)
    if not (chosen.make or chosen.freeze):
        parser.error("say --make or --freeze")
    if chosen.scale < 1 or (chosen.scale > 1 and not chosen.out) or (chosen.freeze and chosen.out):
        parser.error("--scale is 1 or more and needs --out when above 1; --freeze works on data/text only")
    home = paths.data("text")
    written = write_generated(chosen.out or home, chosen.scale)
    if chosen.freeze:
        freeze(home)
    if chosen.scale > 1:
        return 0
    wrong = changed(home, list(checksums(home))) + (changed(chosen.out, written) if chosen.out else [])
    for name in wrong:
        print(f"{name}: differs from SHA256SUMS", file=sys.stderr)
    print(f"{len(written)} files made, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
