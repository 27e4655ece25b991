#!/usr/bin/env python3
"""A GPU that cannot be used: `--device auto` says why and computes on the CPU, `--device cuda` ends with the same
words. Only the emulator can simulate such GPUs; without it, the tests are left of a machine that shows no GPU."""
import os
import unittest

from common.program import Test, main, run, small_corpus, write_csv

EMULATOR = "SIMT emulator" in run("devices").stdout
# A fault of the emulator, and what the program says about it.
FAULTS = {
    "driver-too-old": ("the driver has CUDA 12.4", "needs CUDA 13.0", "install driver 580 or newer",
                       "build with an older toolkit"),
    "driver-mismatch": ("of different versions", "restart the machine"),
    "no-permission": ("no CUDA-capable device", "permission to read and write /dev/nvidia*", "--gpus all"),
    "no-kernel-image": ("SIMT emulator: no kernel image", "-DNOTNOT_CUDA_ARCHITECTURES"),
    "compute-7.5": ("SIMT emulator has compute capability 7.5", "8.0 is needed"),
}


class UnusableGpu(Test):
    def setUp(self):
        super().setUp()
        corpus = self.folder / "own.csv"
        write_csv(corpus, small_corpus(sizes=(24, 8, 8)))
        self.arguments = ("train", "--dataset", corpus, "--hidden", 4, "--batch", 8, "--epochs", 1, "--seed", "1,2,3")

    def start(self, device, **environment):
        return run(*self.arguments, "--device", device, "--runs", self.folder / "runs", env={**os.environ, **environment})

    def assert_words(self, words, text):
        for word in words:
            self.assertIn(word, text)

    def assert_on_cpu(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        devices = [path.read_text() for path in (self.folder / "runs").glob("*/config.json")]
        self.assertEqual(len(devices), 3)
        for text in devices:
            self.assertIn('"cpu (', text)

    def test_without_a_gpu_auto_is_silent(self):
        result = self.start("auto", CUDA_VISIBLE_DEVICES="")
        self.assert_on_cpu(result)
        self.assertNotIn("GPU", result.stderr)

    @unittest.skipUnless(EMULATOR, "only the emulator simulates faults")
    def test_auto_says_why_once_and_computes_on_the_cpu(self):
        for fault, words in FAULTS.items():
            with self.subTest(fault):
                self.tearDown()
                self.setUp()
                result = self.start("auto", NOTNOT_SIMT_FAULT=fault)
                self.assert_on_cpu(result)
                (warning,) = [line for line in result.stderr.splitlines() if "GPU" in line]
                self.assertTrue(warning.startswith("warning: the GPU cannot be used: "), warning)
                self.assert_words((*words, "computing on the CPU"), warning)

    @unittest.skipUnless(EMULATOR, "only the emulator simulates faults")
    def test_cuda_is_an_error_with_the_same_words(self):
        for fault, words in FAULTS.items():
            for device in ("cuda", "cuda:1"):
                with self.subTest(fault, device=device):
                    result = self.start(device, NOTNOT_SIMT_FAULT=fault)
                    self.assertEqual(result.returncode, 2, result.stderr)
                    self.assert_words((*words, f"device `{device}` cannot be used", "--device cpu"), result.stderr)

    @unittest.skipUnless(EMULATOR, "only the emulator simulates faults")
    def test_devices_says_why(self):
        for fault, words in FAULTS.items():
            with self.subTest(fault):
                result = run("devices", env={**os.environ, "NOTNOT_SIMT_FAULT": fault})
                self.assertEqual(result.returncode, 0)
                self.assert_words(words, result.stdout)

    @unittest.skipUnless(EMULATOR, "only the emulator simulates faults")
    def test_a_gpu_that_the_user_hides_is_not_missed(self):
        result = self.start("auto", CUDA_VISIBLE_DEVICES="", NOTNOT_SIMT_FAULT="driver-mismatch")
        self.assert_on_cpu(result)
        self.assertNotIn("GPU", result.stderr)

    @unittest.skipUnless(EMULATOR, "only the emulator simulates faults")
    def test_auto_takes_the_first_device_that_can_be_used(self):
        result = self.start("auto", NOTNOT_SIMT_FAULT="first-compute-7.5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("GPU", result.stderr)
        for path in (self.folder / "runs").glob("*/config.json"):
            self.assertIn('"cuda:1 (SIMT emulator)"', path.read_text())


if __name__ == "__main__":
    main()
