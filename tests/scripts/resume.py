#!/usr/bin/env python3
"""A training that is killed, interrupted or run twice at once: what it leaves can be read, and `--resume` ends with the
bytes of a run that nobody disturbed."""
import os
import pathlib
import random
import shutil
import signal
import tempfile
import time
import unittest

from common.program import (EXACT_FILES, TestWithChildren, cuda_reason, main, read_json, read_metrics, read_predictions,
                            read_safetensors, run)

EPOCHS = 6
ARGUMENTS = ("--dataset", "planted", "--hidden", 12, "--epochs", EPOCHS)
BATCHES = 63  # per epoch: 2000 texts, 32 in a batch
KILLS = 20
TEMPORARY = ".notnot-"


def catches(pid, signal_number):
    """Whether the process has a handler for the signal yet."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return bool(int(mask, 16) >> (signal_number - 1) & 1)


def read_cpu_flags():
    return pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").split()


class Resume(TestWithChildren):
    """The undisturbed run, with which all others are compared, is trained once and lies in cls.whole."""
    arguments = ARGUMENTS

    @classmethod
    def setUpClass(cls):
        shared = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        cls.addClassCleanup(shutil.rmtree, shared)
        result = run("train", *cls.arguments, "--device", cls.device, "--runs", shared)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        (cls.whole,) = shared.iterdir()

    def setUp(self):
        super().setUp()
        self.run_folder = self.runs / self.whole.name
        self.random = random.Random(20191103)

    def start(self, *arguments, **options):
        """`notnot train` in the background."""
        return super().start("train", *self.arguments, "--device", self.device, "--runs", self.runs, *arguments,
                             **options)

    def wait_for(self, child, condition, event):
        deadline = time.monotonic() + 600
        while not condition() and child.poll() is None:
            self.assertLess(time.monotonic(), deadline, f"waited in vain for: {event}")
            time.sleep(0.001)

    def end(self, child, signal_number, code):
        """Sends the signal, which must end the run with `code`. False if the run had finished before."""
        if signal_number != signal.SIGKILL:
            self.wait_for(child, lambda: catches(child.pid, signal_number), "a handler of the signal")
        child.send_signal(signal_number)
        output, errors = child.communicate(timeout=60)
        if child.returncode == 0:
            return False
        self.assertEqual(child.returncode, code, f"{output}\n{errors}")
        self.errors = errors
        return True

    def kill_once(self, path):
        """Starts the training and kills it as soon as `path` exists. If the run has finished first, as it may where
        this script is stalled, it does so once more."""
        for _ in range(KILLS):
            child = self.start()
            self.wait_for(child, path.exists, path)
            if self.end(child, signal.SIGKILL, -signal.SIGKILL):
                return
            shutil.rmtree(self.runs)
        self.fail("the training always finished first")

    def assert_readable(self):
        """Every file under its final name is whole."""
        for path in self.run_folder.iterdir() if self.run_folder.exists() else ():
            if path.suffix == ".safetensors":
                read_safetensors(path)
            elif path.suffix == ".json":
                read_json(path)
            elif path.name == "metrics.csv":
                self.assertTrue(all(None not in row.values() for row in read_metrics(self.run_folder)))
            elif path.name == "predictions.jsonl":
                self.assertEqual(len(read_predictions(self.run_folder)), 400)
            elif path.name == "vocabulary.txt":
                self.assertEqual(path.read_bytes(), (self.whole / path.name).read_bytes())
            else:
                self.assertTrue(path.name.startswith(TEMPORARY) or path.name == ".lock", path)

    def assert_as_undisturbed(self):
        self.assert_same_bytes(self.whole, self.run_folder, (*EXACT_FILES, "ablation.safetensors", "config.json"))
        self.assert_same_metrics(self.whole, self.run_folder)
        names = {path.name for path in self.whole.iterdir()}
        self.assertEqual({path.name for path in self.run_folder.iterdir()}, names)

    def temporary_file(self):
        try:
            return any(name.startswith(TEMPORARY) for name in os.listdir(self.run_folder))
        except FileNotFoundError:
            return False


class Killed(Resume):
    def survive(self, moment):
        """Starts or resumes the training KILLS times and kills it when `moment(child)` returns, then lets it end.
        Returns the epochs of the checkpoints that were left, and how often a file was left half-written."""
        epochs, cut = set(), 0
        for _ in range(KILLS):
            child = self.start("--resume", "--checkpoint-minutes", 0)
            moment(child)
            child.kill()
            child.communicate()
            self.assertIn(child.returncode, (0, -signal.SIGKILL))
            self.assert_readable()
            if child.returncode == 0:  # it finished first: once more from the start
                self.assert_as_undisturbed()
                shutil.rmtree(self.runs)
                continue
            cut += self.temporary_file()
            if (self.run_folder / "checkpoint.safetensors").exists():
                epochs.add(read_safetensors(self.run_folder / "checkpoint.safetensors")["epoch"][2])
        self.train(*self.arguments, "--resume")
        self.assert_as_undisturbed()
        return epochs, cut

    def test_at_any_moment(self):
        most = 2 * EPOCHS * BATCHES // KILLS
        epochs, _ = self.survive(lambda child: self.wait_for_checkpoints(child, self.random.randint(0, most)))
        self.assertGreater(len(epochs), 1, "hardly ever killed between two epochs: this test shows nothing")

    def test_while_a_file_is_written(self):
        def moment(child):
            for _ in range(self.random.randint(0, 6)):
                while child.poll() is None and not self.temporary_file():
                    pass
                while child.poll() is None and self.temporary_file():
                    pass
            while child.poll() is None and not self.temporary_file():
                pass

        _, cut = self.survive(moment)
        self.assertGreater(cut, 3, "hardly ever killed while writing: this test shows nothing")

    def test_without_a_checkpoint_it_starts_again(self):
        self.kill_once(self.run_folder / "config.json")
        (self.run_folder / "checkpoint.safetensors").unlink(missing_ok=True)
        self.train(*self.arguments)
        self.assert_as_undisturbed()

    def test_an_unfinished_run_goes_on_only_with_resume(self):
        self.kill_once(self.run_folder / "checkpoint.safetensors")
        before = {path: path.read_bytes() for path in self.run_folder.iterdir()}
        result = run("train", *self.arguments, "--device", self.device, "--runs", self.runs)
        self.assertEqual(result.returncode, 2)
        for word in (str(self.run_folder), "unfinished", "--resume"):
            self.assertIn(word, result.stderr)
        self.assertEqual({path: path.read_bytes() for path in self.run_folder.iterdir()}, before)
        self.train(*self.arguments, "--resume")
        self.assert_as_undisturbed()

    def test_a_fleet(self):
        cut = 0
        for _ in range(4):
            child = self.start("--seed", "11,10", "--resume", "--checkpoint-minutes", 0)
            self.wait_for_checkpoints(child, self.random.randint(1, BATCHES))
            if self.end(child, signal.SIGKILL, -signal.SIGKILL):
                cut += len(self.unfinished_checkpoints()) > 0
            else:
                shutil.rmtree(self.runs)
        self.assertGreater(cut, 1, "hardly ever killed while a model was trained: this test shows nothing")
        self.train(*self.arguments, "--seed", "11,10", "--resume")
        self.assert_same_bytes(self.whole, self.run_folder)
        alone = self.train(*self.arguments, "--seed", 11, runs=self.folder / "alone")
        self.assert_same_bytes(alone, self.runs / alone.name)


class Interrupted(Resume):
    def interrupt(self, *arguments, checkpoints=0):
        """Starts or resumes the training and interrupts it as Ctrl-C does, after so many checkpoints. Returns
        (epoch, batch) of the last one, or None if it had finished."""
        child = self.start("--resume", *(("--checkpoint-minutes", 0) if checkpoints else ()), *arguments)
        self.wait_for(child, (self.run_folder / "config.json").exists, "config.json")
        self.wait_for_checkpoints(child, checkpoints)
        if not self.end(child, signal.SIGINT, 130):
            return None
        checkpoint = read_safetensors(self.run_folder / "checkpoint.safetensors")
        epoch, batch = checkpoint["epoch"][2][0], checkpoint["batch"][2][0]
        if epoch > EPOCHS:  # while the results were computed
            self.assertIn("stopped after the last epoch; `--resume` continues", self.errors)
            return epoch, batch
        self.assertIn(f"stopped in epoch {epoch} after batch {batch} of {BATCHES}; `--resume` continues", self.errors)
        self.assertNotIn("failed", self.errors)
        self.assertTrue(1 <= batch <= BATCHES)
        self.assertEqual(checkpoint["step"][2], ((epoch - 1) * BATCHES + batch,))
        return epoch, batch

    def interrupt_in_the_first_epoch(self, *arguments):
        """If this script is stalled until the epoch is over, it does so once more."""
        for _ in range(KILLS):
            position = self.interrupt(*arguments)
            if position is not None and position < (1, BATCHES):
                return
            shutil.rmtree(self.runs)
        self.fail("never interrupted in the first epoch")

    def test_in_the_middle_of_an_epoch(self):
        self.interrupt_in_the_first_epoch()
        self.assertFalse((self.run_folder / "metrics.csv").exists())
        self.train(*self.arguments, "--resume")
        self.assert_as_undisturbed()

    def test_again_and_again(self):
        positions = []
        while len(positions) < KILLS:
            position = self.interrupt(checkpoints=self.random.randint(1, 20))
            if position is None:
                break
            positions.append(position)
        self.assertEqual(positions, sorted(set(positions)), "it must get on with every call")
        self.assertGreater(len(positions), 3, "hardly ever interrupted: this test shows nothing")
        self.assertTrue(any(epoch > 1 and 0 < batch < BATCHES for epoch, batch in positions), positions)
        self.train(*self.arguments, "--resume")
        self.assert_as_undisturbed()

    def test_with_another_number_of_threads(self):
        self.interrupt_in_the_first_epoch("--threads", 1)
        self.train(*self.arguments, "--threads", 3, "--resume")
        self.assert_same_bytes(self.whole, self.run_folder)

    def test_on_another_instruction_set(self):
        if self.device != "cpu" or "avx2" not in read_cpu_flags():
            self.skipTest("needs a CPU with AVX2")
        for isa in ("baseline", "avx2", "avx2"):
            child = self.start("--resume", "--checkpoint-minutes", 0, env={**os.environ, "NOTNOT_CPU_ISA": isa})
            self.wait_for_checkpoints(child, 1)
            self.assertTrue(self.end(child, signal.SIGINT, 130))
        self.assertEqual(read_json(self.run_folder / "config.json")["devices"], ["cpu (baseline)", "cpu (avx2)"])
        output = self.succeed("train", *self.arguments, "--runs", self.runs, "--resume",
                              env={**os.environ, "NOTNOT_CPU_ISA": "baseline"})
        self.assertIn(f"note: {self.run_folder} was trained on cpu (avx2) and goes on on cpu (baseline)", output)
        self.assertEqual(read_json(self.run_folder / "config.json")["devices"],
                         ["cpu (baseline)", "cpu (avx2)", "cpu (baseline)"])


class Twice(Resume):
    arguments = (*ARGUMENTS[:-1], 2000)

    @classmethod
    def setUpClass(cls):
        cls.whole = pathlib.Path("planted-lstm-learned-seed10")

    def test_second_process_is_refused(self):
        first = self.start()
        self.wait_for(first, (self.run_folder / "metrics.csv").exists, "the end of the first epoch")
        for option in ((), ("--resume",), ("--retrain",)):
            result = run("train", *self.arguments, "--device", self.device, "--runs", self.runs, *option, timeout=30)
            self.assertEqual(result.returncode, 2, result.stderr)
            for word in (str(self.run_folder), "another process trains"):
                self.assertIn(word, result.stderr)
        rows = len(read_metrics(self.run_folder))
        self.wait_for(first, lambda: len(read_metrics(self.run_folder)) > rows, "another epoch of the first process")
        # The lock goes with the process, however it ends.
        self.assertTrue(self.end(first, signal.SIGKILL, -signal.SIGKILL))
        rows = len(read_metrics(self.run_folder))
        second = self.start("--resume")
        self.wait_for(second, lambda: len(read_metrics(self.run_folder)) > rows, "another epoch, by the second process")


@unittest.skipIf(cuda_reason(), cuda_reason())
class KilledOnCuda(Killed):
    device = "cuda"


@unittest.skipIf(cuda_reason(), cuda_reason())
class InterruptedOnCuda(Interrupted):
    device = "cuda"


if __name__ == "__main__":
    main()
