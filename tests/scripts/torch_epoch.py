#!/usr/bin/env python3
"""bench/torch_epoch.py: PyTorch's twin trains on the CPU, names its device, and refuses a device that is not there. Where no
PyTorch is installed, or built for with NOTNOT_LIBTORCH, only the refusals run."""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

from common.program import BUILD, PROGRAM, main

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "torch_epoch.py"
STAND_IN = """
__version__ = "2.0"
class cuda:
    is_available = staticmethod(lambda: False)
"""


def beside_libtorch():
    """The folder from which Python imports the torch that the build uses; empty if it uses none."""
    cache = BUILD / "CMakeCache.txt"
    match = cache.exists() and re.search(r"^NOTNOT_LIBTORCH:\w+=(.+)$", cache.read_text(), re.M)
    return str(pathlib.Path(match[1]).parent) if match else ""


def has_torch():
    return subprocess.run([sys.executable, "-c", "import torch"], env={**os.environ, "PYTHONPATH": beside_libtorch()},
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class TorchEpoch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.has_torch = has_torch()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="notnot-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rng, lines = random.Random(1), ["text,label,exp_split"]
        for split, texts in (("train", 65), ("dev", 10), ("test", 10)):
            lines += [f"{' '.join(rng.choices('abcdefghij', k=8))},{i % 2},{split}" for i in range(texts)]
            lines.append(f"{' '.join('abcdefghij')},1,{split}")  # the longest of a split is left out
        (self.folder / "sst").mkdir()
        (self.folder / "sst" / "sst_dataset.csv").write_text("\n".join(lines) + "\n")

    def epoch(self, *arguments, path=None):
        return subprocess.run([sys.executable, SCRIPT, "--data", self.folder, "--epochs", "2", *map(str, arguments)], text=True,
                              env={**os.environ, "PYTHONPATH": str(path or beside_libtorch())}, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_cpu(self):
        if not self.has_torch:
            self.skipTest("PyTorch is not installed")
        result = self.epoch("--device", "cpu", "--evaluate")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertRegex(lines[0], r"^PyTorch \S+ on the CPU, 1 thread\(s\), default Adam; SST: 65 texts \(32 of class 1\)")
        self.assertEqual(sum(bool(re.match(r"epoch [12]: \d+\.\d{3} s, \d+ tokens/s, loss 0\.\d{4}, test F1", line))
                             for line in lines), 2, lines)
        self.assertRegex(lines[-1], r"^median \d+\.\d{3} s per training epoch")

    def test_race(self):
        if not self.has_torch:
            self.skipTest("PyTorch is not installed")
        result = self.epoch("--race", PROGRAM, "--rounds", 1, "--device", "cpu")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"notnot is \d+\.\d\d times as fast")

    def test_no_gpu(self):
        (self.folder / "torch.py").write_text(STAND_IN)
        for arguments in ((), ("--race", PROGRAM, "--rounds", 1)):
            result = self.epoch("--device", "cuda", *arguments, path=self.folder)
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertIn("--device cuda cannot be used: PyTorch 2.0 finds no CUDA device here", result.stderr)
            self.assertNotIn("Traceback", result.stderr)
            self.assertNotIn("epoch 1", result.stdout)

    def test_mistakes(self):
        result = self.epoch("--device", "gpu")
        self.assertEqual(result.returncode, 2)
        self.assertIn("`gpu` is none of cpu, cuda, cuda:NUMBER", result.stderr)


if __name__ == "__main__":
    main()
