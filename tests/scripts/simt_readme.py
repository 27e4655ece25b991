#!/usr/bin/env python3
"""The example in tests/simt/README.md builds, runs and prints what the README says, with a race that ThreadSanitizer
finds."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from common.program import main, skip_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTION = "In another project"
END_OF_BLOCK = "--- end of a block ---"


def blocks(markdown, section):
    """The fenced blocks of a section: [(language, text)]."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", markdown, re.M | re.S)
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


class Example(unittest.TestCase):
    def test_prints_what_the_readme_says(self):
        readme = (ROOT / "tests/simt/README.md").read_text(encoding="utf-8")
        found = blocks(readme, SECTION)
        (source,) = [text for language, text in found if language == "cuda"]
        name = source.split(":")[0].removeprefix("// ")
        commands = [text for language, text in found if language == "sh"]
        expected = [text for language, text in found if language == "text"]
        self.assertEqual(len(expected), 3)
        with tempfile.TemporaryDirectory(prefix="notnot-test-") as folder:
            pathlib.Path(folder, name).write_text(source, encoding="utf-8")
            script = "set -e\n" + "".join(f"{block}echo '{END_OF_BLOCK}'\n" for block in commands)
            result = subprocess.run(["bash", "-c", script], cwd=folder, env={**os.environ, "NOTNOT": str(ROOT)},
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        *printed, rest = result.stdout.split(END_OF_BLOCK + "\n")
        self.assertEqual(rest, "")
        self.assertEqual(printed[:-1], expected[:-1])
        if printed[-1].startswith("skipped: "):
            self.skipTest(printed[-1].removeprefix("skipped: "))
        self.assertEqual(printed[-1], expected[-1])


def missing():
    """What the example needs and this machine lacks; None if all is there."""
    if shutil.which("g++") is None:
        return "g++ is not installed"
    include = subprocess.run(["g++", "-E", "-x", "c++", "-"], input="#include <boost/context/fiber.hpp>\n", text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return None if include.returncode == 0 else "Boost.Context is not installed (`tools/bootstrap --simt`)"


if __name__ == "__main__":
    if missing():
        skip_all(missing())
    main()
