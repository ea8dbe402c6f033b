#!/usr/bin/env python3
"""Checks that what the documentation points at exists: links, anchors, files named in backticks, and names that stand
beside a file in a cell of a table. In sources, only the pages that they name are checked."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("functions/", "infra/", "tests/", "cli/", "docs/", ".ci/", ".cargo/")


def anchors(page):
    """The anchors of a page: those of its headings, as GitHub makes them, and those that it sets itself."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    named = set(re.findall(r'<a id="([\w-]+)"></a>', text))
    return named | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_names(text):
    """The names that a table's cell puts beside a file and that the file does not have, such as a constant."""
    for cell in re.findall(r"[^|\n]+(?=\|)", text):
        words = re.findall(r"`([^`]+)`", cell)
        named = [ROOT / word for word in words if word.startswith(FOLDERS) and (ROOT / word).is_file()]
        source = "\n".join(file.read_text(encoding="utf-8") for file in named)
        for word in words:
            if named and re.fullmatch(r"\w+", word) and not re.search(rf"\b{word}\b", source):
                yield f"{word} is not in {' or '.join(str(file.relative_to(ROOT)) for file in named)}"


def faults(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"the link {target} leads nowhere"
        elif anchor and anchor not in anchors(file):
            yield f"the link {target} names a heading that is not there"
    for name in re.findall(r"`([^`\s<>{}*…]+)`", text):
        if name.startswith(FOLDERS):
            if not (ROOT / name).exists():
                yield f"the file {name} is not there"
        elif re.fullmatch(r"[\w./-]+\.rs", name) and not any(f"/{file}".endswith(f"/{name}") for file in files("*.rs")):
            yield f"no file ends in {name}"
    yield from missing_names(text)


def missing_pages(source):
    for name in re.findall(r"\bdocs/[\w./-]+\.md\b|\bdocs/adr/\d{4}\b", source.read_text(encoding="utf-8")):
        if not any(ROOT.glob(f"{name}*")):
            yield f"the page {name} is not there"


@cache
def files(*patterns):
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def main():
    found = [f"{name}: {fault}" for name in files("*.md") for fault in faults(ROOT / name)]
    sources = files("*.rs", "*.toml", "*.yaml", "*.py")
    found += [f"{name}: {fault}" for name in sources for fault in missing_pages(ROOT / name)]
    print("\n".join(found) or "every link and every named file exists")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
