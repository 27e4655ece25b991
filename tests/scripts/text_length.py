#!/usr/bin/env python3
"""The benchmark text_length measures every length, and its CSV file and its figure hold what it measured. Times are not
tested."""
import csv
import html
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from common.program import BUILD, main, no_cuda_device, skip_all

PROGRAM = BUILD / "bench" / "text_length"
COLUMNS = ["words", "leave_one_out", "rerun", "exact_adversary", "exact_adversary_all_pairs", "exact_adversary_worst"]
SERIES = ("leave-one-out, rerun", "leave-one-out, stored", "exact adversary, all pairs", "exact adversary, records")
TOLERANCE = 1e-5  # between logits from stored states and from reruns


class TextLength(unittest.TestCase):
    device = "cpu"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        self.csv = self.folder / "times.csv"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def measure(self, *arguments, device=None, environment=None):
        return subprocess.run([PROGRAM, "--device", device or self.device, "--words", "2,9", "--rounds", "1", "--pairs", "50",
                               *map(str, arguments)], text=True, timeout=600, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment)

    def rows(self):
        with open(self.csv, newline="") as file:
            return list(csv.reader(file))

    def test_every_length(self):
        result = self.measure("--csv", self.csv)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        header, *rows = self.rows()
        self.assertEqual((header, [row[0] for row in rows]), (COLUMNS, ["2", "9"]))
        title, names, *printed = result.stdout.splitlines()
        self.assertIn(self.device, title)
        self.assertEqual(len(printed), len(rows))
        for row, line in zip(rows, printed):
            self.assertTrue(all(0 < float(seconds) < math.inf for seconds in row[1:]), row)
            values = dict(zip(names.replace("all pairs", "all_pairs").split(), map(float, line.split()), strict=True))
            self.assertEqual((values["words"], values["texts"]), (int(row[0]), 25 if row[0] == "2" else 1))
            self.assertAlmostEqual(values["stored"] / float(row[1]), 1, delta=1e-3)
            self.assertTrue(0 <= values["difference"] <= TOLERANCE, line)

    def test_figure(self):
        if shutil.which("gnuplot") is None:
            self.skipTest("gnuplot is not installed (package gnuplot-nox)")
        result = self.measure("--plot", self.folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["text_length.svg"])
        svg = (self.folder / "text_length.svg").read_text()
        texts = " ".join(html.unescape(" ".join(re.sub(r"<[^>]*>", " ", svg).split())).split())
        for text in ("words of the text", "ms a text", *SERIES):
            self.assertIn(text, texts)

    def test_times_outlive_a_failure(self):
        result = self.measure("--csv", self.csv, "--plot", self.folder, environment={**os.environ, "PATH": str(self.folder)})
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("gnuplot", result.stderr)
        self.assertEqual(len(self.rows()), 3)

    def test_mistakes(self):
        for result, word in ((self.measure(device="gpu"), "gpu"),
                             (self.measure("--csv", "/nowhere/at/all.csv"), "/nowhere/at")):
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(word, result.stderr)
        for option, value in (("--words", "1"), ("--words", "5,x"), ("--words", "10001"), ("--rounds", "0"), ("--pairs", "0"),
                              ("--threads", "0"), ("--plot", self.folder / "missing"), ("--lengths", "5")):
            result = self.measure(option, value, "--csv", self.csv)
            self.assertNotEqual(result.returncode, 0, option)
            self.assertIn(option, result.stderr)
            self.assertFalse(self.csv.exists(), option)


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class TextLengthOnCuda(TextLength):
    device = "cuda"


if __name__ == "__main__":
    if not PROGRAM.exists():
        skip_all("text_length is not built")
    main()
