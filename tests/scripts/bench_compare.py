#!/usr/bin/env python3
"""tools/bench_compare: the rows and ratios of each benchmark's files, its exit codes, and every fault of its input. The
files are made up, but for those that kernel_bench and growth write here, so that the tool knows the forms of today."""
import copy
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from common.program import BUILD, main

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "bench_compare"

HEAD = {"version": "0.1.0", "commit": "abc1234", "device": "cpu (avx512)"}
KERNELS = {**HEAD, "limits": "measured", "kernels": [
    {"name": "adam_step", "shape": "SST n=473601", "microseconds": 400.0},
    {"name": "adam_step", "shape": "IMDb n=473601", "microseconds": 380.0},
    {"name": "transpose", "shape": "SST [1024,300]", "microseconds": 500.0}]}
GROWTH = {**HEAD, "hardware": "AMD EPYC, cpu (avx512), 1 thread", "threads": 1, "points": [
    {"sweep": "batch", "words_per_text": 200, "batch": batch, "models": 1, "vocabulary": 13000,
     "training_tokens_per_second": 50_000.0 * batch, "evaluation_tokens_per_second": 200_000.0} for batch in (1, 2)]}
RACE = {**HEAD, "libtorch": "2.15.0", "threads": 1, "rows": [
    {"shape": "sst", "what": what, "models": 1, "batches": 20, "ours_seconds": seconds}
    for what, seconds in (("step", [0.3, 0.2, 0.9]), ("epoch", [0.25, 0.26]))]}
ROW = re.compile(r"^(.+?) +([\d.]+) +([\d.]+) +([\d.]+)(?:  (slower))?$")


class BenchCompare(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        self.old, self.new = self.folder / "old.json", self.folder / "new.json"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def compare(self, old, new, *arguments):
        """Exit code and output lines. A dictionary is written to its file first, a string as it is; None removes it."""
        for path, content in ((self.old, old), (self.new, new)):
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return self.compare_files(self.old, self.new, *arguments)

    def compare_files(self, old, new, *arguments):
        result = subprocess.run([TOOL, old, new, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=60)
        return result.returncode, result.stdout.replace(str(self.folder) + "/", "").splitlines()

    def rows(self, lines):
        """[(name, old, new, ratio, "slower" or "")] of the lines of numbers."""
        found = [match.groups("") for line in lines if (match := ROW.match(line))]
        return [(name, float(old), float(new), float(ratio), mark) for name, old, new, ratio, mark in found]

    def test_kernels(self):
        new = copy.deepcopy(KERNELS)
        for row, factor in zip(new["kernels"], (1.5, 1.05, 0.5)):
            row["microseconds"] *= factor
        status, lines = self.compare(KERNELS, new)
        self.assertEqual(status, 1, lines)
        self.assertEqual(self.rows(lines), [("adam_step SST n=473601", 400, 600, 1.5, "slower"),
                                            ("adam_step IMDb n=473601", 380, 399, 1.05, ""),
                                            ("transpose SST [1024,300]", 500, 250, 0.5, "")])
        self.assertEqual(lines[:2], ["old: old.json: kernel_bench, device cpu (avx512), commit abc1234",
                                     "new: new.json: kernel_bench, device cpu (avx512), commit abc1234"])
        self.assertRegex(lines[2], r"^row +old us +new us +ratio$")
        self.assertEqual(lines[-1], "1 of 3 rows are slower by more than a factor of 1.1")

    def test_threshold(self):
        new = copy.deepcopy(KERNELS)
        new["kernels"][0]["microseconds"] = 500.0  # exactly 1.25 times as long
        for threshold, expected in ((1.25, 0), (1.24, 1), (1, 1), (2, 0)):
            status, lines = self.compare(KERNELS, new, "--threshold", threshold)
            self.assertEqual(status, expected, lines)
            self.assertEqual(lines[-1], f"{expected} of 3 rows are slower by more than a factor of {threshold:g}")
        self.assertEqual(self.compare(KERNELS, KERNELS, "--threshold", 1)[0], 0)
        self.assertEqual(self.compare(new, KERNELS, "--threshold", 1)[0], 0, "faster is not slower")

    def test_growth(self):
        new = copy.deepcopy(GROWTH)
        new["points"][1]["evaluation_tokens_per_second"] = 100_000.0
        status, lines = self.compare(GROWTH, new)
        self.assertEqual(status, 1, lines)
        sizes = "words_per_text=200 batch={} models=1 vocabulary=13000"
        self.assertEqual(self.rows(lines), [("training " + sizes.format(1), 20000, 20000, 1, ""),
                                            ("evaluation " + sizes.format(1), 5000, 5000, 1, ""),
                                            ("training " + sizes.format(2), 10000, 10000, 1, ""),
                                            ("evaluation " + sizes.format(2), 5000, 10000, 2, "slower")])
        self.assertIn("growth, device cpu (avx512), hardware AMD EPYC, cpu (avx512), 1 thread, threads 1, commit abc1234",
                      lines[0])

    def test_race(self):
        new = copy.deepcopy(RACE)
        new["rows"][0]["ours_seconds"] = [0.31, 0.29, 0.27]
        new["rows"][1]["batches"] = 10
        status, lines = self.compare(RACE, new)
        self.assertEqual(status, 0, lines)
        self.assertEqual(self.rows(lines), [("sst step models=1 batches=20", 300, 290, 0.97, "")])  # medians
        self.assertEqual(lines[-3:-1], ["only in old.json: sst epoch models=1 batches=20",
                                        "only in new.json: sst epoch models=1 batches=10"])

    def test_rows_of_one_file(self):
        new = copy.deepcopy(KERNELS)
        del new["kernels"][1]
        new["kernels"].append({"name": "row_dot", "shape": "SST", "microseconds": 1.0})
        status, lines = self.compare(KERNELS, new)
        self.assertEqual((status, lines[-1]), (0, "0 of 2 rows are slower by more than a factor of 1.1"))
        self.assertEqual(lines[-3:-1], ["only in old.json: adam_step IMDb n=473601", "only in new.json: row_dot SST"])

    def test_other_devices(self):
        def warnings(old, new):
            status, lines = self.compare(old, new)
            self.assertEqual(status, 0, lines)
            return [line for line in lines if line.startswith("warning: ")]
        self.assertEqual(warnings(KERNELS, {**KERNELS, "commit": "fed9876", "version": "9", "limits": "other"}), [])
        self.assertEqual(warnings(KERNELS, {**KERNELS, "device": "cuda:0 (H100)"}),
                         ["warning: `device` differs (cpu (avx512); cuda:0 (H100)), so a ratio is not the effect of the code "
                          "only"])
        self.assertRegex(warnings(GROWTH, {**GROWTH, "hardware": "Xeon"})[0], "`hardware` differs .*; Xeon")
        self.assertRegex(warnings(RACE, {**RACE, "threads": 2})[0], "`threads` differs .1; 2.")
        self.assertRegex(warnings(RACE, {**RACE, "libtorch": "2.16.0"})[0], "`libtorch` differs")

    def assert_refused(self, words, old, new, *arguments):
        status, lines = self.compare(old, new, *arguments)
        self.assertEqual(status, 2, lines)
        self.assertRegex(lines[-1], words)
        self.assertNotIn("Traceback", "\n".join(lines))
        return lines

    def test_faults_of_a_file(self):
        for old, new, name in ((None, KERNELS, "old.json"), (KERNELS, None, "new.json")):
            self.assert_refused(f"^tools/bench_compare: {name}: cannot be read: No such file or directory. Write it with --json",
                                old, new)
        self.assert_refused("new.json: is not JSON: .* Measure again", KERNELS, '{"kernels": [')
        for other in ({"points_per_inch": 1}, [], 3, {"rows": [{"variant": "packed fp32"}], "cudnn": "9"}):
            self.assert_refused("old.json: is no result file of kernel_bench, growth, libtorch_race", other, KERNELS)
        self.assert_refused("old.json is of kernel_bench and new.json is of growth. Name two files of the same", KERNELS, GROWTH)

    def test_faults_of_a_row(self):
        for form, rows, field in ((KERNELS, "kernels", "microseconds"), (GROWTH, "points", "batch"),
                                  (GROWTH, "points", "training_tokens_per_second"), (RACE, "rows", "ours_seconds")):
            broken = copy.deepcopy(form)
            del broken[rows][0][field]
            self.assert_refused(f"new.json: a row of .* is incomplete .KeyError: '{field}'.. Measure again", form, broken)
        for form, rows, field, value in ((GROWTH, "points", "training_tokens_per_second", 0),
                                         (GROWTH, "points", "training_tokens_per_second", None),
                                         (RACE, "rows", "ours_seconds", [])):
            broken = copy.deepcopy(form)
            broken[rows][0][field] = value
            self.assert_refused("new.json: a row of .* is incomplete", form, broken)
        for value in (None, 0, -1, "fast", float("nan"), float("inf")):  # None is how the programs write NaN
            broken = copy.deepcopy(KERNELS)
            broken["kernels"][0]["microseconds"] = value
            self.assert_refused("new.json: row `adam_step SST n=473601`: .* is not a time. Measure again", KERNELS, broken)
        self.assert_refused("is incomplete", KERNELS, {**KERNELS, "kernels": {"adam_step": 1}})

    def test_rows_that_cannot_be_told_apart(self):
        twice = {**KERNELS, "kernels": [KERNELS["kernels"][0], {**KERNELS["kernels"][0], "microseconds": 900}]}
        self.assert_refused("new.json: there are two rows `.*`. Measure again, each row once", KERNELS, twice)
        both_forms = {**KERNELS, "rows": [], "libtorch": "2.1"}
        self.assert_refused("new.json: is no result file of", KERNELS, both_forms)

    def test_numbers_that_no_time_has(self):
        for time in (True, "9", 10**400):
            with self.subTest(time=str(time)[:9]):
                broken = {**KERNELS, "kernels": [{**KERNELS["kernels"][0], "microseconds": time}]}
                self.assert_refused("new.json: row `.*`: .* is not a time. Measure again", KERNELS, broken)
        (self.folder / "deep.json").write_text("[" * 100_000)
        status, output = self.compare_files(self.folder / "deep.json", self.folder / "deep.json")[:2]
        self.assertEqual(status, 2, output)

    def test_nothing_in_common(self):
        self.assert_refused("old.json and new.json have no row in common. Measure both with the same options", KERNELS,
                            {**KERNELS, "kernels": KERNELS["kernels"][:0]})
        self.assert_refused("no row in common", {**KERNELS, "kernels": KERNELS["kernels"][:1]},
                            {**KERNELS, "kernels": KERNELS["kernels"][1:]})

    def test_usage(self):
        for value in ("0.5", "nan", "inf", "much"):
            self.assert_refused(f"`{value}` is no factor; give a number of at least 1", KERNELS, KERNELS, "--threshold", value)
        self.assertEqual(subprocess.run([TOOL, self.old], stderr=subprocess.DEVNULL).returncode, 2)
        result = subprocess.run([TOOL, "--help"], text=True, stdout=subprocess.PIPE)
        self.assertEqual(result.returncode, 0)
        self.assertIn("exit code: 0 no row is slower", result.stdout)

    def measure(self, program, path, *arguments):
        path_of_program = BUILD / "bench" / program
        if not path_of_program.exists():
            self.skipTest(f"{program} is not built")
        subprocess.run([path_of_program, "--device", "cpu", "--json", path, *arguments], check=True, timeout=600,
                       stdout=subprocess.DEVNULL)

    def test_files_of_kernel_bench(self):
        for path in (self.old, self.new):
            self.measure("kernel_bench", path, "--repeats", "1", "--filter", "transpose")
        status, lines = self.compare_files(self.old, self.new, "--threshold", 1e9)
        self.assertEqual(status, 0, lines)
        self.assertRegex(lines[0], r"^old: old.json: kernel_bench, device cpu \(\w+\), commit \S+$")
        ((name, old, new, ratio, _),) = self.rows(lines)
        self.assertTrue(name.startswith("transpose SST "), name)
        self.assertAlmostEqual(ratio, new / old, delta=0.01)

    def test_files_of_growth(self):
        for path in (self.old, self.new):
            self.measure("growth", path, "--rounds", "1", "--round-tokens", "1", "--sweep", "batch", "--points", "1,2")
        status, lines = self.compare_files(self.old, self.new, "--threshold", 1e9)
        self.assertEqual(status, 0, lines)
        self.assertEqual(len(self.rows(lines)), 4)


if __name__ == "__main__":
    main()
