#!/usr/bin/env python3
"""cudnn_race: without a GPU it says so; with one, cuDNN and notnot compute the same LSTM layer."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from common.program import BUILD, main, no_cuda_device, skip_all

PROGRAM = BUILD / "bench" / "cudnn_race"


def race(*arguments):
    return subprocess.run([PROGRAM, *arguments], text=True, timeout=600, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class CudnnRace(unittest.TestCase):
    def test_refuses_the_cpu(self):
        result = race("--device", "cpu")
        self.assertEqual(result.returncode, 2)
        self.assertIn("cuDNN has no CPU version", result.stderr)

    def test_both_compute_the_same(self):
        reason = no_cuda_device()
        if reason:
            self.skipTest(reason)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "race.json")
            result = race("--workload", "sst", "--repeats", "1", "--json", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            rows = json.loads(path.read_text())["rows"]
        self.assertEqual(len(rows), 16)
        self.assertTrue(any(row.get("ok") for row in rows if "packed fp32" in row["variant"]), rows)


if __name__ == "__main__":
    if not PROGRAM.exists():
        skip_all("cudnn_race is not built: it needs CUDA and cuDNN")
    main()
