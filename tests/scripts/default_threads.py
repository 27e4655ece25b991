#!/usr/bin/env python3
"""bench/default_threads.py, as short as it can be: a line per condition with its ratio, or the reason why there is none. How
large the ratio is depends on the machine, so it is not tested."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

from common.program import PROGRAM, main

TOOL = pathlib.Path(__file__).resolve().parents[2] / "bench" / "default_threads.py"


class DefaultThreads(unittest.TestCase):
    def test_a_ratio_per_condition(self):
        result = subprocess.run([sys.executable, TOOL, PROGRAM, "--rounds", "1", "--epochs", "1", "--hidden", "8"],
                                text=True, capture_output=True, check=False, timeout=600)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for condition in ("idle", "busy", "limited"):
            found = re.search(rf"^{condition} +(?:skipped: .+|([\d.]+)((?: +[\d.]+)+) +([\d.]+))$", result.stdout, re.M)
            self.assertTrue(found, result.stdout)
            if not found[1]:
                continue
            fixed = [float(number) for number in found[2].split()]
            self.assertAlmostEqual(float(found[3]), float(found[1]) / min(fixed), delta=0.1 * float(found[3]) + 0.02)

    def test_a_program_that_is_not_there(self):
        result = subprocess.run([sys.executable, TOOL, "/nowhere/notnot"], text=True, capture_output=True, check=False,
                                timeout=600)
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("skipped", result.stdout)
        self.assertIn("/nowhere/notnot", result.stderr)


class ThreadsOfTheProgram(unittest.TestCase):
    def test_omp_num_threads_is_the_default(self):
        devices = subprocess.run([PROGRAM, "devices"], env={**os.environ, "OMP_NUM_THREADS": "3"}, text=True,
                                 stdout=subprocess.PIPE, check=True).stdout
        self.assertRegex(devices, r"^cpu +3 threads")


if __name__ == "__main__":
    main()
