#!/usr/bin/env python3
"""The benchmark growth measures every point of every sweep, its memory table says what memory a model takes, and its
figures name the device. Times are not tested."""
import html
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from common.program import BUILD, main, no_cuda_device, skip_all

PROGRAM = BUILD / "bench" / "growth"
MEMORY_FACTOR = 1.1  # by which measured memory and the table may differ, either way
POINTS = {"tokens": ("words_per_text", (3, 20)), "batch": ("batch", (1, 5)), "models": ("models", (1, 3)),
          "vocabulary": ("vocabulary", (1000, 20000))}


def sanitized():
    cache = BUILD / "CMakeCache.txt"
    return cache.exists() and re.search(r"^NOTNOT_SANITIZE:\w+=.+$", cache.read_text(), re.M)


class Growth(unittest.TestCase):
    device = "cpu"
    modules_bytes = 0  # of code that the first launches of a kernel load, at most

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def grow(self, *arguments, device=None):
        return subprocess.run([PROGRAM, "--device", device or self.device, "--rounds", "1", "--round-tokens", "1",
                               *map(str, arguments)], text=True, timeout=600, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def sweep(self, name, *arguments):
        """Runs a sweep, which must succeed. Returns its points, and all that its results file holds."""
        path = self.folder / "results.json"
        points = ",".join(map(str, POINTS[name][1]))
        result = self.grow("--sweep", name, "--points", points, "--json", path, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        results = json.loads(path.read_text())
        return results["points"], results

    def check(self, name):
        key, values = POINTS[name]
        points, results = self.sweep(name)
        self.assertTrue(results["device"].startswith(self.device))
        self.assertEqual([(point["sweep"], point[key]) for point in points], [(name, value) for value in values])
        for point in points:
            # A round of a single batch and two boundary tokens per text.
            self.assertEqual(point["tokens"], point["models"] * point["batch"] * (point["words_per_text"] + 2))
            for work in ("training", "evaluation"):
                (seconds,) = point[f"{work}_seconds"]
                self.assertTrue(0 < seconds < math.inf, point)
                self.assertAlmostEqual(point[f"{work}_tokens_per_second"] * seconds / point["tokens"], 1)
            most, measured = point["memory_table_bytes"], point["measured_bytes"]
            least = most - point["at_most_bytes"]
            self.assertTrue(0 < least <= most and (self.device == "cuda" or least == most), point)
            self.assertTrue(sanitized() or least / MEMORY_FACTOR < measured < MEMORY_FACTOR * most + self.modules_bytes, point)
        table = [point["memory_table_bytes"] for point in points]
        self.assertLess(table[0], table[1])
        if name == "models":
            self.assertEqual(table[1], values[1] * table[0])

    def test_tokens(self):
        self.check("tokens")

    def test_batch(self):
        self.check("batch")

    def test_models(self):
        self.check("models")

    def test_vocabulary(self):
        self.check("vocabulary")

    def test_figures(self):
        if shutil.which("gnuplot") is None:
            self.skipTest("gnuplot is not installed (package gnuplot-nox)")
        _, results = self.sweep("tokens", "--plot", self.folder)
        figures = {"growth_tokens.svg": ("training", "evaluation"),
                   "growth_tokens_memory.svg": ("memory table", "measured")}
        self.assertEqual(set(figures), {path.name for path in self.folder.iterdir()} - {"results.json"})
        for name, series in figures.items():
            svg = (self.folder / name).read_text()
            texts = " ".join(html.unescape(" ".join(re.sub(r"<[^>]*>", " ", svg).split())).split())
            for text in (results["hardware"], results["device"], "words per text", *series):
                self.assertIn(text, texts)

    def test_results_outlive_a_failure(self):
        path = self.folder / "results.json"
        without_gnuplot = {**os.environ, "PATH": str(self.folder)}
        result = subprocess.run([PROGRAM, "--device", self.device, "--rounds", "1", "--round-tokens", "1", "--sweep", "batch",
                                 "--points", "1,2", "--json", path, "--plot", self.folder], env=without_gnuplot, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("gnuplot", result.stderr)
        self.assertEqual([point["batch"] for point in json.loads(path.read_text())["points"]], [1, 2])

    def test_mistakes(self):
        for result, word in ((self.grow(device="gpu"), "gpu"),
                             (self.grow("--sweep", "batch", "--points", "1", "--json", "/nowhere/at/all.json"),
                              "/nowhere/at")):
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(word, result.stderr)
        for arguments in (("--sweep", "speed"), ("--points", "1"), ("--plot", self.folder / "missing")):
            self.assertNotEqual(self.grow(*arguments).returncode, 0, arguments)


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class GrowthOnCuda(Growth):
    device = "cuda"
    modules_bytes = 64 << 20  # not yet measured


if __name__ == "__main__":
    if not PROGRAM.exists():
        skip_all("growth is not built")
    main()
