#!/usr/bin/env python3
"""Checks that includes obey the dependency rule of HACKING.md: dependencies point down only."""

import pathlib
import re
import sys

STAGES = {"image", "preprocess", "formats", "engine", "postprocess", "resources"}
# What the files of a folder may include by "folder/…", besides their own folder and include/silhouette.
ALLOWED = {
    "include": set(),
    "src/base": set(),
    **{f"src/{stage}": {"base"} for stage in STAGES},
    "src/formats": {"base", "graph"},
    "src/engine": {"base", "graph", "kernels"},
    "src/graph": {"base"},
    "src/kernels": {"base"},
    "src/session": {"base", "graph", "formats", "kernels", "engine", "preprocess", "postprocess"},
    "src/pipeline": STAGES | {"base", "graph", "kernels", "session"},
    "cli": set(),
    "bindings/js/native": set(),
    "bindings/wasm": set(),
}
# Folders that have a face: who is outside includes nothing else of them.
FACES = {"formats": {"formats/model.hpp"}}
# Programs that test or make things may look everywhere.
TEST_ONLY = {"support", "synthesize"} | STAGES | {"base", "graph", "kernels", "session", "pipeline"}
# Highway wants its own headers in quotes.
OUTSIDE = {"silhouette", "hwy"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def folder_of(path: pathlib.Path) -> str | None:
    for folder in ALLOWED:
        if path.is_relative_to(folder):
            return folder
    return None


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    wrong = []
    for path in sorted(p for top in ("include", "src", "cli", "bindings/js/native", "bindings/wasm") for p in (root / top).rglob("*.[ch]pp")):
        relative = path.relative_to(root)
        folder = folder_of(relative)
        if folder is None:
            wrong.append(f"{relative}: in a folder without a rule; add it to tools/lint/includes.py")
            continue
        test = re.search(r"(^|_)(test|benchmark)(_|$)", relative.stem) is not None
        allowed = ALLOWED[folder] | {folder.removeprefix("src/")} | OUTSIDE | (TEST_ONLY if test else set())
        for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            top = included.split("/")[0] if "/" in included else None
            hidden = top in FACES and folder != f"src/{top}" and included not in FACES[top] and not test
            if hidden or (top is not None and top not in allowed):
                wrong.append(f'{relative}: "{included}" is out of bounds for {folder}')
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
