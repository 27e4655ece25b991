#!/usr/bin/env python3
"""Signposts are true: in the repository's Markdown files every relative link leads to a file, every anchor leads to a
heading, and every path in backticks exists."""
import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {"build", "runs", "data"}  # folders at the root that Git ignores
FENCE = re.compile(r"^(```+|~~~+).*?^\1", re.M | re.S)
CODE = re.compile(r"`+([^`\n]+)`+")
LINK = re.compile(r"\]\(([^)\s]+)|\b(?:href|src)=\"([^\"]+)")
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.M)
PATH = re.compile(r"[A-Za-z0-9][\w.{},-]*(?:/[\w.{},-]+)*/?")
SOURCE = re.compile(r"\.(h|cuh|cpp|cu|py|md|cmake)$")
# A word of capitals, as in NAME_test.cpp, stands for any name.
PLACEHOLDER = re.compile(r"(?<![A-Za-z])(?!README|CONTRIBUTING|CHANGELOG|LICENSE|CITATION)[A-Z]+(?![A-Za-z])")


def files(root):
    """All files below `root`, except in hidden folders and in those that Git ignores."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".")
                            and not (pathlib.Path(folder) == root and name in NOT_OURS))
        yield from (pathlib.Path(folder, name) for name in sorted(names))


def anchors(markdown):
    """The anchors that GitHub gives the headings: in lower case, with hyphens for blanks and without other punctuation.
    The second anchor of a name ends with -1."""
    found = {}
    for heading in HEADING.findall(FENCE.sub("", markdown)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {f"{anchor}-{number}" if number else anchor for anchor, last in found.items() for number in range(last + 1)}


def alternatives(path):
    """The paths that `a/{b,c}.h` stands for."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [path[:match.start()] + one + path[match.end():] for one in match.group(1).split(",")]


def is_missing(text, folder, root, names):
    """Whether the text in backticks is the path of a file or folder that does not exist. A path begins with a folder at
    the root; a source file's may also begin with a folder beside the page, which lies in `folder`, or be only a name,
    which then has to be in `names`. A program that is built from NAME.cpp may be called NAME."""
    if not PATH.fullmatch(text) or PLACEHOLDER.search(text) or "..." in text:
        return False
    if (root / text).exists() or (folder / text).exists() or (root / f"{text}.cpp").exists():
        return False
    first, *rest = text.split("/")
    is_source = SOURCE.search(text) is not None
    if not rest:
        return is_source and text not in names
    return first not in NOT_OURS and ((root / first).is_dir() or (is_source and (folder / first).is_dir()))


def faults(root):
    """What is wrong with the signposts below `root`, a line each."""
    found = []
    paths = list(files(root))
    names = {path.name for path in paths}
    for page in (path for path in paths if path.suffix == ".md"):
        markdown = page.read_text(encoding="utf-8")
        for number, line in enumerate(FENCE.sub(lambda m: "\n" * m.group().count("\n"), markdown).splitlines(), 1):
            place = f"{page.relative_to(root)}:{number}"
            for target in map("".join, LINK.findall(CODE.sub("", line))):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                to = page.parent / path if path else page
                if not to.exists():
                    found.append(f"{place}: the link {target} leads nowhere")
                elif anchor and (to.suffix != ".md" or anchor not in anchors(to.read_text(encoding="utf-8"))):
                    found.append(f"{place}: the link {target} leads to no heading")
            for text in CODE.findall(line):
                # Behind the first word stand a command's arguments.
                found += [f"{place}: there is no `{path}`" for path in alternatives((text.split() or [""])[0])
                          if is_missing(path, page.parent, root, names)]
    return found


class Signposts(unittest.TestCase):
    def test_all_are_true(self):
        found = faults(ROOT)
        if found:
            self.fail("\n" + "\n".join(found))


class Faults(unittest.TestCase):
    """The check above finds each fault in a small tree, and nothing else."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="notnot-test-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("README.md", "# A house\n\n## What is in it?\n")
        self.write("engine/io/files.h", "")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def faults_of(self, text, page="engine/README.md"):
        self.write(page, text)
        return faults(self.root)

    def test_nothing_is_wrong(self):
        self.assertEqual(self.faults_of(
            "# Engine\n[house](../README.md), [in it](../README.md#what-is-in-it), [here](#engine), "
            "[elsewhere](https://example.org/none.md)\n`engine/io/files.h`, `engine/io/`, `engine/{io,io}/files.h`, "
            "`io/files.h`\n"), [])

    def test_a_link(self):
        self.assertEqual(self.faults_of("one\n\n[house](READ.md)\n"),
                         ["engine/README.md:3: the link READ.md leads nowhere"])

    def test_a_link_over_two_lines_and_a_picture(self):
        self.assertEqual(self.faults_of('[the\nhouse](READ.md) <img src="none.svg"> ![`x`](none.png "title")\n'),
                         ["engine/README.md:2: the link READ.md leads nowhere",
                          "engine/README.md:2: the link none.svg leads nowhere",
                          "engine/README.md:2: the link none.png leads nowhere"])

    def test_an_anchor(self):
        self.assertEqual(self.faults_of("[in it](../README.md#in-it), [here](#engine), [x](io#a)\n"),
                         ["engine/README.md:1: the link ../README.md#in-it leads to no heading",
                          "engine/README.md:1: the link #engine leads to no heading",
                          "engine/README.md:1: the link io#a leads to no heading"])

    def test_a_heading_twice(self):
        self.assertEqual(self.faults_of("# To do\n# To do\n[one](#to-do) [two](#to-do-1) [three](#to-do-2)\n"),
                         ["engine/README.md:3: the link #to-do-2 leads to no heading"])

    def test_a_file(self):
        self.assertEqual(self.faults_of("`engine/files.h`, `engine/io/{files,text}.h`\n", "notes.md"),
                         ["notes.md:1: there is no `engine/files.h`", "notes.md:1: there is no `engine/io/text.h`"])

    def test_a_source_file_beside_the_page(self):
        self.assertEqual(self.faults_of("`io/text.h` but `io/text.json`\n"),
                         ["engine/README.md:1: there is no `io/text.h`"])

    def test_the_name_of_a_source_file(self):
        self.assertEqual(self.faults_of("`files.h`, `file.h`, `file.csv`, `_file.h`\n"),
                         ["engine/README.md:1: there is no `file.h`"])

    def test_a_command(self):
        self.assertEqual(self.faults_of("`engine/io/count --all engine/none`\n"),
                         ["engine/README.md:1: there is no `engine/io/count`"])

    def test_a_folder(self):
        self.assertEqual(self.faults_of("`engine/maths/`\n"), ["engine/README.md:1: there is no `engine/maths/`"])

    def test_a_line_behind_a_fence(self):
        self.assertEqual(self.faults_of("```sh\n# no heading\ncat `engine/none`\n```\n[x](#no-heading)\n"),
                         ["engine/README.md:5: the link #no-heading leads to no heading"])

    def test_no_paths_of_the_repository(self):
        self.assertEqual(self.faults_of("`engine/*.cpp`, `engine/NAME_test.h`, `engine/io/X`, `$HOME/engine`, ` `, "
                                        "`engine/...`, `train/attention`, `build/release/none`, `[x](none.md)`\n"), [])

    def test_a_program(self):
        self.write("bench/race.cpp", "")
        self.assertEqual(self.faults_of("`bench/race --all`, `bench/rac`\n"),
                         ["engine/README.md:1: there is no `bench/rac`"])

    def test_ignored_folders(self):
        self.assertEqual(self.faults_of("[x](none.md)\n", "build/README.md"), [])
        self.assertEqual(self.faults_of("[x](none.md)\n", ".cache/README.md"), [])


if __name__ == "__main__":
    unittest.main(argv=["readmes"])
