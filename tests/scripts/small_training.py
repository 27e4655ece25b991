#!/usr/bin/env python3
"""Whole commands on a corpus of 24 texts: small enough for the CUDA backend on the emulator, where the trainings of
train_predict and resume would take hours."""
import json
import os
import re
import signal
import subprocess
import time
import unittest
import unittest.mock

import train_predict
from common.program import Test, command, main, no_cuda_device, read_predictions, run, small_corpus, write_csv


class WithCorpus(Test):
    def setUp(self):
        super().setUp()
        self.corpus = self.folder / "own.csv"
        write_csv(self.corpus, small_corpus(sizes=(24, 8, 8)))
        self.arguments = ("--dataset", self.corpus, "--hidden", 4, "--batch", 8, "--epochs", 2)


class SameBytes(WithCorpus, train_predict.SameBytes):
    """The tests of train_predict.SameBytes, on the small corpus."""


class Commands(WithCorpus):
    def test_interrupted_and_resumed(self):
        whole = self.train(*self.arguments, runs=self.folder / "whole")
        arguments = command("train", *self.arguments, "--device", self.device, "--runs", self.runs, "--resume")
        interrupted = 0
        for _ in range(40):
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                deadline = time.monotonic() + 600
                while child.poll() is None and not (self.runs / whole.name / "config.json").exists():
                    self.assertLess(time.monotonic(), deadline, "waited in vain for: config.json")
                    time.sleep(0.001)
                child.send_signal(signal.SIGINT)
                child.communicate(timeout=60)
            if child.returncode == 0:
                break
            self.assertIn(child.returncode, (130, -signal.SIGINT))
            interrupted += child.returncode == 130
        self.train(*self.arguments, "--resume")
        self.assert_same_bytes(whole, self.runs / whole.name)
        if self.device == "cuda":  # the CPU is often done before the signal arrives
            self.assertGreater(interrupted, 0, "never interrupted: this test shows nothing")

    def test_plan_measures_a_fleet(self):
        """On CUDA the models of a fleet are measured side by side. Times are not tested."""
        output = self.succeed("seeds", "--dataset", self.corpus, "--hidden", 4, "--batch", 8, "--epochs", 2, "--seeds", "1,2",
                              "--fleet", 3, "--device", self.device, "--runs", self.runs, "--plan")
        self.assertEqual(len(re.findall(r"^own-lstm-learned-seed\d+ +2 +\d+ (?:s|min) +\d+ MiB  to do$", output, re.M)), 3, output)
        self.assertRegex(output, r"(?m)^own: 3 of 3 runs left, at most \d+ (s|min) with 3 at once")
        self.assertFalse(list(self.runs.glob("*")) if self.runs.exists() else [])

    def test_predict_agrees_with_the_run(self):
        folder = self.train(*self.arguments)
        lines = (folder / "predictions.jsonl").read_text().splitlines()
        self.assertGreater(len(lines), 2)
        texts = [" ".join(json.loads(line)["tokens"]) for line in lines]
        expected = ['{"probability"' + line.split('"probability"')[1] for line in lines]
        output = self.succeed("predict", folder, "--device", self.device, stdin=None, input="\n".join(texts))
        self.assertEqual(output.splitlines(), expected)


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class SameBytesOnCuda(SameBytes):
    device = "cuda"


@unittest.skipIf(no_cuda_device(), no_cuda_device())
class CommandsOnCuda(Commands):
    device = "cuda"

    def test_the_queues_of_the_device_are_recorded(self):
        for given, expected in ((None, "32"), ("8", "8")):
            with unittest.mock.patch.dict(os.environ, {} if given is None else {"CUDA_DEVICE_MAX_CONNECTIONS": given}):
                folder = self.train(*self.arguments, runs=self.folder / expected)
            config = json.loads((folder / "config.json").read_text())
            self.assertEqual(config["cuda_device_max_connections"], expected)

    def test_agrees_with_the_cpu(self):
        runs = {}
        for device in ("cpu", "cuda"):
            self.device = device
            runs[device] = read_predictions(self.train(*self.arguments, runs=self.folder / device))
        for cpu, cuda in zip(runs["cpu"], runs["cuda"], strict=True):
            self.assertEqual(cpu["tokens"], cuda["tokens"])
            for a, b in zip((cpu["probability"], *cpu["attention"]), (cuda["probability"], *cuda["attention"])):
                self.assertAlmostEqual(a, b, delta=1e-4)

    def test_bf16x3_is_another_run_and_agrees_with_fp32(self):
        arguments = ("--dataset", self.corpus, "--batch", 8, "--epochs", 1)
        runs = {}
        for precision in ("fp32", "bf16x3"):
            folder = self.train(*arguments, "--precision", precision, runs=self.folder / precision)
            runs[precision] = read_predictions(folder)
            choices = json.loads((folder / "config.json").read_text())["choices"]
            self.assertEqual(choices.get("precision", "fp32"), precision)
            other = run("train", *arguments, "--device", self.device, "--runs", folder.parent, "--precision",
                        "bf16x3" if precision == "fp32" else "fp32")
            self.assertEqual(other.returncode, 2, other.stdout)
            self.assertIn("other choices (precision)", other.stderr)
        self.assertNotEqual(runs["fp32"], runs["bf16x3"])
        for fp32, bf16x3 in zip(runs["fp32"], runs["bf16x3"], strict=True):
            for a, b in zip((fp32["probability"], *fp32["attention"]), (bf16x3["probability"], *bf16x3["attention"])):
                self.assertAlmostEqual(a, b, delta=1e-4)


if __name__ == "__main__":
    main()
