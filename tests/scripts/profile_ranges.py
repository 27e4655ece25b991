#!/usr/bin/env python3
"""Every launcher of kernels/ names itself in Nsight's time line before it does anything else."""
import pathlib
import re
import unittest

KERNELS = pathlib.Path(__file__).resolve().parents[2] / "kernels"
FOLDERS = (KERNELS, KERNELS / "skeleton")
HEADERS, SOURCES = ([path for folder in FOLDERS for path in sorted(folder.glob(suffix))] for suffix in ("*.h", "*.cu"))
OPERATIONS = sorted(name for path in HEADERS
                    for name in re.findall(r"^NOTNOT_OPERATION\((\w+), ", path.read_text(), re.M))
LAUNCHER = re.compile(r"^void (\w+)\(const Device& device, const \w+& args\) \{\n  (.*)$", re.M)


def launchers(source):
    """[(name, first line)] of the functions behind the file's unnamed namespace that look like operations."""
    return LAUNCHER.findall(source.split("\n}  // namespace\n")[-1])


def without_range(source):
    return [name for name, first in launchers(source) if first != f'const ProfileRange range("{name}");']


class ProfileRanges(unittest.TestCase):
    def test_every_launcher_begins_with_its_range(self):
        for path in SOURCES:
            with self.subTest(path.name):
                wrong = [name for name in without_range(path.read_text()) if name in OPERATIONS]
                self.assertEqual(wrong, [], 'must begin with `const ProfileRange range("NAME");`')

    def test_every_operation_has_a_launcher_of_that_form(self):
        names = [name for path in SOURCES for name, _ in launchers(path.read_text()) if name in OPERATIONS]
        self.assertGreater(len(OPERATIONS), 0)
        self.assertEqual(sorted(names), OPERATIONS)

    def test_a_launcher_without_its_range_is_found(self):
        good = 'void op(const Device& device, const Op& args) {\n  const ProfileRange range("op");\n  launch(device);\n}\n'
        self.assertEqual(without_range(good), [])
        for bad in (good.replace('"op"', '"other"'), good.replace('  const ProfileRange range("op");\n', "")):
            self.assertEqual(without_range(bad), ["op"])


if __name__ == "__main__":
    unittest.main(argv=["profile_ranges"])
