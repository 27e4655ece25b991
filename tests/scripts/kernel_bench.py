#!/usr/bin/env python3
"""kernel_bench covers every operation and lists them in JSON. Its exit code depends only on errors: times are not tested."""
import json
import math
import pathlib
import re
import subprocess
import tempfile
import unittest

from common.program import BUILD, main, no_cuda_device

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = BUILD / "bench" / "kernel_bench"


def operations():
    """Every operation that a header of kernels/ declares; kernels/skeleton has none that the program uses."""
    text = "".join(path.read_text() for path in sorted((ROOT / "kernels").glob("*.h")))
    return set(re.findall(r"^NOTNOT_OPERATION\((\w+), \w+\)", text, re.M))


class KernelBench(unittest.TestCase):
    device = "cpu"
    before = []  # the older versions that only this device has

    def bench(self, *arguments, device=None):
        return subprocess.run([PROGRAM, "--device", device or self.device, "--repeats", "1", *arguments], text=True,
                              timeout=600, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_every_operation(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "results.json")
            result = self.bench("--json", path)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            results = json.loads(path.read_text())
        self.assertTrue(results["device"].startswith(self.device))
        self.assertEqual({row["name"].split(",")[0] for row in results["kernels"]}, operations())
        before = [row["name"].split("(before: ")[1] for row in results["kernels"] if "(before: " in row["name"]]
        self.assertEqual(before, ["distinct ids)", *self.before, "lazy rows)"])
        for row in results["kernels"]:
            self.assertTrue(row["ok"] and 0 <= row["error"] <= row["tolerance"] <= 1e-5, row)
            self.assertTrue(0 < row["floor_microseconds"] < math.inf, row)
            self.assertTrue(0 < row["fastest_microseconds"] <= row["microseconds"] <= row["slowest_microseconds"], row)
            self.assertTrue(0 < row["warm_microseconds"] < math.inf, row)
            self.assertRegex(result.stdout, rf"\n{re.escape(row['name'])} .* PASS\n")

    def test_sequences_per_block(self):
        """A fleet's blocks carry several sequences: each number is measured, or left out with the reason, and only on CUDA."""
        result = self.bench("--filter", " sequences per block", "--workload", "sst")
        if self.device == "cpu":
            self.assertEqual((result.returncode, "per block" in result.stdout), (2, False), result.stdout)
            return
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for name in ("bilstm_forward, training", "bilstm_backward"):
            for count in (2, 4):
                line, = re.findall(rf"^{name}, {count} sequences per block .*$", result.stdout, re.M)
                left_out = re.search(rf"left out: with \d+ SMs no number of models makes a block carry {count} of 32", line)
                self.assertTrue(line.endswith("PASS") or left_out, line)

    def test_filter(self):
        result = self.bench("--filter", "attention_head_forward", "--workload", "sst")
        self.assertEqual((result.returncode, result.stdout.count("PASS")), (0, 1))

    def test_bf16x3_only_on_cuda(self):
        result = self.bench("--filter", "bf16x3", "--workload", "sst")
        expected = (0, 2) if self.device == "cuda" else (2, 0)
        self.assertEqual((result.returncode, result.stdout.count("PASS")), expected, result.stderr)

    def test_mistakes(self):
        for result, word in ((self.bench("--filter", "nothing"), "nothing"), (self.bench(device="gpu"), "gpu"),
                             (self.bench("--json", "/nowhere/at/all.json", "--filter", "transpose"), "/nowhere/at")):
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(word, result.stderr)


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class KernelBenchOnCuda(KernelBench):
    device = "cuda"
    before = ["persistent)"] * 2


if __name__ == "__main__":
    main()
