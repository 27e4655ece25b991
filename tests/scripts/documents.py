#!/usr/bin/env python3
"""The documents against the repository: every link leads somewhere, every source file that is named is there, and the
version stands in three places as one."""
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = (".git", "build", "data", "runs")  # .gitignore
HISTORY = ("CHANGELOG.md", "bench/notes.md")  # may name files that are gone
BLOCK = re.compile(r"^```.*?^```", re.M | re.S)
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
SOURCE = re.compile(r"[A-Za-z0-9.][\w./-]*\.(?:h|cpp|cu|cuh|py|cmake|css)")


def files(root, pattern):
    return [path for path in sorted(root.rglob(pattern)) if path.relative_to(root).parts[0] not in NOT_OURS]


def documents(root):
    return files(root, "*.md")


def prose(path):
    """The document without its blocks of code."""
    return BLOCK.sub("", path.read_text(encoding="utf-8"))


def anchors(path):
    """The names that links may give to the headings of `path`."""
    headings = re.findall(r"^#+ +(.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(root):
    found = []
    for document in documents(root):
        for link in LINK.findall(prose(document)):
            if re.match(r"\w+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (document.parent / name).resolve() if name else document
            if target.is_dir():
                target /= "README.md"
            if not target.exists() or (anchor and anchor not in anchors(target)):
                found.append(f"{document.relative_to(root)}: {link} leads nowhere")
    return found


def missing_sources(root):
    """Source files that documents name and that are not there: `engine/io/files.h` is looked for from the root and from
    the document's folder, `files.h` anywhere. Names with capitals, as `NAME.cpp`, stand for any file; what a document's
    own blocks of code name is an example."""
    names = {path.name for path in files(root, "*.*")}
    found = []
    for document in documents(root):
        if str(document.relative_to(root)) in HISTORY:
            continue
        examples = "".join(BLOCK.findall(document.read_text(encoding="utf-8")))
        for name in filter(SOURCE.fullmatch, CODE.findall(prose(document))):
            if "/" in name:
                there = any((folder / name).exists() for folder in (root, document.parent))
            else:
                there = name in names or name in examples
            if not there and not re.search(r"[A-Z]{2}", name):
                found.append(f"{document.relative_to(root)}: there is no {name}")
    return found


def versions(root):
    def first(name, pattern):
        return re.search(pattern, (root / name).read_text(encoding="utf-8"), re.M).group(1)

    return {"CMakeLists.txt": first("CMakeLists.txt", r"^project\(\w+ VERSION ([\d.]+)"),
            "CITATION.cff": first("CITATION.cff", r"^version: ([\d.]+)$"),
            "CHANGELOG.md": first("CHANGELOG.md", r"^## \[([\d.]+)\]")}


class Documents(unittest.TestCase):
    maxDiff = None

    def test_links_lead_somewhere(self):
        self.assertEqual(dead_links(ROOT), [])

    def test_named_source_files_are_there(self):
        self.assertEqual(missing_sources(ROOT), [])

    def test_one_version(self):
        self.assertEqual(len(set(versions(ROOT).values())), 1, versions(ROOT))


class Faults(unittest.TestCase):
    """The checks above find what they are for."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("engine/io/files.h", "")
        self.write("engine/README.md", "# The engine's rooms\n\n`files.h`, `io/files.h` and `engine/io/files.h`\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def test_nothing_is_wrong(self):
        self.write("README.md", "[a](engine/README.md#the-engines-rooms) [b](engine) [c](https://d.example)\n"
                                "`NAME.cpp` `own.cu`\n```sh\n[x](gone.md) `gone.h` own.cu\n```\n# E\n[f](#e)\n")
        self.assertEqual(dead_links(self.root) + missing_sources(self.root), [])

    def test_a_link_to_no_file(self):
        self.write("README.md", "![a](gone.png)")
        self.assertEqual(dead_links(self.root), ["README.md: gone.png leads nowhere"])

    def test_a_link_to_no_heading(self):
        self.write("README.md", "[a](engine/README.md#gone) [b](#gone)")
        self.assertEqual(dead_links(self.root), ["README.md: engine/README.md#gone leads nowhere",
                                                 "README.md: #gone leads nowhere"])

    def test_a_source_file_that_moved(self):
        self.write("README.md", "`gone.h`, `engine/files.h` and `engine/io/files.h`")
        self.assertEqual(missing_sources(self.root), ["README.md: there is no gone.h",
                                                      "README.md: there is no engine/files.h"])

    def test_versions(self):
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.22)\nproject(notnot VERSION 0.2.0)\n")
        self.write("CITATION.cff", "cff-version: 1.2.0\nversion: 0.1.0\n")
        self.write("CHANGELOG.md", "## [Unreleased]\n## [0.3.0] - 2030-01-01\n## [0.2.0]\n")
        self.assertEqual(list(versions(self.root).values()), ["0.2.0", "0.1.0", "0.3.0"])


if __name__ == "__main__":
    unittest.main(argv=["documents"])
