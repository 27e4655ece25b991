#!/usr/bin/env python3
"""libtorch_race: LibTorch and notnot compute the same, and every row of the race has its times, floor and error."""
import json
import math
import pathlib
import subprocess
import tempfile
import unittest

from common.program import BUILD, main, no_cuda_device, skip_all

PROGRAM = BUILD / "bench" / "libtorch_race"


class LibtorchRace(unittest.TestCase):
    device = "cpu"

    def race(self, *arguments, device=None):
        return subprocess.run([PROGRAM, "--device", device or self.device, *map(str, arguments)], text=True, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_both_compute_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "race.json")
            result = self.race("--shapes", "sst,agnews", "--fleet", "1,2", "--batches", 2, "--rounds", 2, "--json", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            rows = json.loads(path.read_text())["rows"]
        self.assertEqual([(row["shape"], row["what"], row["models"]) for row in rows],
                         [(shape, what, models) for shape in ("sst", "agnews")
                          for what in ("step", "epoch", "evaluation") for models in (1, 2)])
        for row in rows:
            self.assertTrue(row["ok"] and 0 <= row["error"] < 1e-4, row)
            self.assertTrue(0 < row["floor_seconds"] < math.inf, row)
            for side in ("packed", "padded"):
                self.assertRegex(row[f"{side}_optimiser"], r"^(fused Adam|loop over the parameters) \(a step; fused Adam.*; loop")
                self.assertIn(f"{side}: {row[f'{side}_optimiser']}\n", result.stdout)
            for side in ("ours", "packed", "padded"):
                self.assertEqual(len(row[f"{side}_seconds"]), 2)
                self.assertTrue(all(0 < seconds < math.inf for seconds in row[f"{side}_seconds"]), row)
            self.assertRegex(result.stdout, rf"\n{row['shape']} +{row['what']} +{row['models']} .* PASS\n")

    def test_a_choice_of_shapes_and_work(self):
        result = self.race("--shapes", "sst", "--what", "step,evaluation", "--fleet", 1, "--batches", 1, "--rounds", 1)
        self.assertEqual((result.returncode, result.stdout.count("PASS")), (0, 2), result.stdout + result.stderr)

    def test_mistakes(self):
        result = self.race(device="gpu")
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("gpu", result.stderr)
        self.assertNotEqual(self.race("--shapes", "nothing").returncode, 0)


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class LibtorchRaceOnCuda(LibtorchRace):
    device = "cuda"


if __name__ == "__main__":
    if not PROGRAM.exists():
        skip_all("libtorch_race is not built: it needs LibTorch (-DNOTNOT_LIBTORCH=FOLDER)")
    main()
