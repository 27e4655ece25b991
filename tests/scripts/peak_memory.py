#!/usr/bin/env python3
"""`notnot train --explain` predicts memory well: the peak of the training's resident memory lies within a tenth of it."""
import os
import pathlib
import re
import unittest

from common.program import BUILD, Test, command, main, skip_all

TOLERANCE = 0.1
MIB = 2**20
DATA = os.environ.get("NOTNOT_DATA", "")
VECTORS = pathlib.Path(DATA, "vectors", "notnot.300d.vec")


class Memory(Test):
    def training(self, *arguments):
        return ("train", *arguments, "--device", "cpu", "--runs", self.runs)

    def peak(self, *arguments):
        """The peak of a training's resident memory in MiB."""
        output = self.folder / "output"
        arguments = command(*self.training(*arguments))
        actions = [(os.POSIX_SPAWN_OPEN, fd, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for fd in (1, 2)]
        _, status, usage = os.wait4(os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions), 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, output.read_text())
        return usage.ru_maxrss * 1024 / MIB

    def explained(self, *arguments):
        """MiB in total, and MiB of the part that the models of a fleet share."""
        output = self.succeed(*self.training(*arguments), "--explain")
        return (float(re.search(r"^total +([\d.]+) MiB$", output, re.M)[1]),
                float(re.search(r"^  host program.* ([\d.]+) MiB$", output, re.M)[1]))

    def check(self, *arguments, models=1):
        total, shared = self.explained(*arguments)
        expected = shared + models * (total - shared)
        peak = self.peak(*arguments)
        print(f"{' '.join(map(str, arguments))}: explained {expected:.1f} MiB, peak {peak:.1f} MiB", flush=True)
        self.assertLess(abs(peak - expected), TOLERANCE * expected)

    def test_planted(self):
        self.check("--dataset", "planted", "--epochs", 1)

    def test_other_models(self):
        self.check("--dataset", "planted", "--epochs", 1, "--encoder", "tokens")
        self.check("--dataset", "planted", "--epochs", 1, "--attention", "uniform", "--hidden", 200, "--batch", 100)

    def test_fleet(self):
        # A fleet trains as many models at once as it has threads.
        self.check("--dataset", "planted", "--epochs", 1, "--seed", "1,2,3", "--threads", 3, models=3)
        self.check("--dataset", "planted", "--epochs", 1, "--seed", "4,5,6", "--threads", 2, models=2)

    def test_initial_parameters(self):
        arguments = ("--dataset", "planted", "--epochs", 1)
        self.peak(*arguments)
        self.check(*arguments, "--seed", 1, "--init", self.runs / "planted-lstm-learned-seed10" / "model.safetensors")

    def check_resuming(self, dataset):
        self.peak("--dataset", dataset, "--epochs", 1, "--seed", 2)
        self.leave_unfinished(self.runs / f"{dataset}-lstm-learned-seed2")
        self.check("--dataset", dataset, "--epochs", 2, "--seed", 2, "--resume")

    def test_resuming(self):
        self.check_resuming("planted")

    @unittest.skipUnless(pathlib.Path(DATA, "sst").is_dir(), "NOTNOT_DATA has no sst")
    def test_sst(self):
        self.check("--dataset", "sst", "--epochs", 1)
        self.check_resuming("sst")

    @unittest.skipUnless(VECTORS.is_file() and pathlib.Path(DATA, "sst").is_dir(), "NOTNOT_DATA has no sst or vectors")
    def test_sst_with_word_vectors(self):
        self.check("--dataset", "sst", "--epochs", 1, "--vectors", VECTORS)


if __name__ == "__main__":
    cache = BUILD / "CMakeCache.txt"
    if cache.exists() and re.search(r"^NOTNOT_SANITIZE:\w+=.+$", cache.read_text(), re.M):
        skip_all("a sanitizer's own memory is larger than the program's")
    main()
