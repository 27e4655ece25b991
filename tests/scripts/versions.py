#!/usr/bin/env python3
"""The version stands in three files and is the same in all of them: CMakeLists.txt (which the program prints),
CITATION.cff and the newest release in CHANGELOG.md."""
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def versions(root):
    def first(name, pattern):
        return re.search(pattern, (root / name).read_text(encoding="utf-8"), re.M).group(1)

    return {"CMakeLists.txt": first("CMakeLists.txt", r"^project\(\w+ VERSION ([\d.]+)"),
            "CITATION.cff": first("CITATION.cff", r"^version: ([\d.]+)$"),
            "CHANGELOG.md": first("CHANGELOG.md", r"^## \[([\d.]+)\]")}


class Versions(unittest.TestCase):
    def test_one_version(self):
        self.assertEqual(len(set(versions(ROOT).values())), 1, versions(ROOT))

    def test_versions_are_read_where_they_stand(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.22)\nproject(notnot VERSION 0.2.0)\n")
            (root / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 0.1.0\n")
            (root / "CHANGELOG.md").write_text("## [Unreleased]\n## [0.3.0] - 2030-01-01\n## [0.2.0]\n")
            self.assertEqual(list(versions(root).values()), ["0.2.0", "0.1.0", "0.3.0"])


if __name__ == "__main__":
    unittest.main(argv=["versions"])
