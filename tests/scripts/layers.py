#!/usr/bin/env python3
"""The walls between the rooms: a file includes headers of its own room and of the rooms that cmake/targets.cmake names
as this room's DEPS, and no others; every such dependency is used; rooms form layers."""
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "build/release")
LAYERS = ("kernels", "engine", "models", "experiments")
SUFFIXES = (".h", ".hpp", ".cuh", ".inc", ".cpp", ".cu")
INCLUDE = re.compile(r'^\s*(?:/\*.*?\*/\s*)?#\s*(?:include|import)\s*(?:"([^"]+)"|<([^>]+)>)')


def read_rooms(text):
    """{folder: [folders it may include]}, from `NAME FOLDER DEPENDENCY ...` a line."""
    lines = [line.split() for line in text.splitlines()]
    folders = {name: folder for name, folder, *_ in lines}
    return {folder: [folders[name] for name in dependencies] for _, folder, *dependencies in lines}


def sources(root, folder):
    return [path for path in sorted((root / folder).iterdir()) if path.suffix in SUFFIXES]


def includes(path):
    """[(line number, the file that is included)]; in angle brackets only files of this repository."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    found = [(number, *match.groups()) for number, line in enumerate(lines, 1) if (match := INCLUDE.match(line))]
    return [(number, quoted or bracketed) for number, quoted, bracketed in found
            if quoted or bracketed.split("/")[0] in (*LAYERS, "tests", "bench")]


def faults(rooms, root):
    """What is wrong with the includes below `root`, a sentence each."""
    found = []
    for folder, dependencies in rooms.items():
        used = set()
        for path in sources(root, folder):
            for number, header in includes(path):
                room = str(pathlib.PurePosixPath(header).parent)
                used.add(room)
                if room != folder and room not in dependencies:
                    found.append(f"{path.relative_to(root)}:{number} includes {header}, but {folder} does not depend "
                                 f"on {room}; see cmake/targets.cmake")
        found += [f"{folder} depends on {room}, but includes nothing of it; see cmake/targets.cmake"
                  for room in dependencies if room not in used]
    return found


def outside(rooms, root):
    """Source files of the layers that lie in no room."""
    return [str(path.relative_to(root)) for layer in LAYERS for path in sorted((root / layer).rglob("*"))
            if path.suffix in SUFFIXES and str(path.parent.relative_to(root)) not in rooms]


def against_the_order(rooms):
    """Dependencies on a room of a higher layer, or on one that is written down later, as every circle has."""
    order = list(rooms)
    return [(folder, room) for folder, dependencies in rooms.items() for room in dependencies
            if order.index(room) >= order.index(folder)
            or LAYERS.index(room.split("/")[0]) > LAYERS.index(folder.split("/")[0])]


class Layers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (BUILD / "rooms.txt").exists():
            raise unittest.SkipTest(f"{BUILD} is no build folder: `cmake --preset release` writes rooms.txt there")
        cls.rooms = read_rooms((BUILD / "rooms.txt").read_text())

    def test_includes_keep_to_the_dependencies(self):
        self.assertEqual(faults(self.rooms, ROOT), [])

    def test_every_file_lies_in_a_room(self):
        self.assertEqual(outside(self.rooms, ROOT), [])

    def test_rooms_form_layers(self):
        self.assertEqual(against_the_order(self.rooms), [])

    def test_benchmarks_use_nothing_of_the_tests(self):
        used = [f"{path.name}:{number}" for path in sources(ROOT, "bench") for number, header in includes(path)
                if header.startswith("tests/")]
        self.assertEqual(used, [])


class Faults(unittest.TestCase):
    """The checks above find each planted fault."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("kernels/a.h", "#pragma once\n")
        self.write("engine/io/b.h", '#include "kernels/a.h"\n')
        self.write("engine/data/c.cpp", '#include "engine/io/b.h"\n')
        self.rooms = read_rooms("k kernels\nio engine/io k\ndata engine/data io\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def test_nothing_is_wrong(self):
        self.assertEqual(faults(self.rooms, self.root), [])
        self.assertEqual(against_the_order(self.rooms), [])
        self.write("models/d.h", "")
        self.assertEqual(outside(self.rooms, self.root), ["models/d.h"])

    def test_an_include_against_the_walls(self):
        self.write("kernels/a.h", '#pragma once\n\n  #  include "engine/data/c.h"  // why not\n')
        self.assertEqual(faults(self.rooms, self.root), [
            "kernels/a.h:3 includes engine/data/c.h, but kernels does not depend on engine/data; see cmake/targets.cmake"])

    def test_every_form_of_an_include(self):
        for line in ('#include <models/d.h>', '#import "models/d.h"', '/* why */ #include "models/d.h"',
                     '#include \\\n"models/d.h"', '#include"models/d.h"'):
            with self.subTest(line):
                self.write("kernels/a.h", line + "\n")
                self.assertIn("kernels/a.h:1 includes models/d.h", faults(self.rooms, self.root)[0])
        self.write("kernels/a.h", "#include <vector>\n#include <fmt/format.h>\n")
        self.assertEqual(faults(self.rooms, self.root), [])
        self.write("kernels/a.inc", '#include "models/d.h"\n')
        self.assertEqual(len(faults(self.rooms, self.root)), 1)

    def test_an_include_that_only_another_room_may_have(self):
        self.write("engine/data/c.cpp", '#include "engine/io/b.h"\n#include "kernels/a.h"\n')
        self.assertIn("engine/data/c.cpp:2 includes kernels/a.h", faults(self.rooms, self.root)[0])

    def test_a_dependency_that_nothing_uses(self):
        self.write("engine/io/b.h", "#pragma once\n")
        self.assertEqual(faults(self.rooms, self.root), [
            "engine/io depends on kernels, but includes nothing of it; see cmake/targets.cmake"])

    def test_a_circle(self):
        self.assertEqual(against_the_order(read_rooms("a engine/a b\nb engine/b a\n")), [("engine/a", "engine/b")])


if __name__ == "__main__":
    unittest.main(argv=["layers"])
