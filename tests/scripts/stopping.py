#!/usr/bin/env python3
"""Signals that ask the program to stop: it stops soon, whatever it does, with exit code 130, and leaves nothing by
halves. What a training leaves is in resume.py."""
import array
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import termios
import time

from common.program import TestWithChildren, main, read_safetensors, small_corpus, write_csv

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
LINE = "good filler1 filler2 bad filler3"


def is_full(pipe):
    waiting = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    return waiting[0] >= 65536 - 4096


def status(child, field):
    with open(f"/proc/{child.pid}/status", encoding="ascii") as lines:
        return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))


def catches(child, number):
    """Whether the process has a handler for the signal yet."""
    return bool(int(status(child, "SigCgt"), 16) >> (number - 1) & 1)


def waits(child):
    """Whether the process sleeps for a while. Where it waits nobody knows: a test that looks too early shows less, but
    does not fail."""
    for _ in range(20):
        if status(child, "State") != "S":
            return False
        time.sleep(0.001)
    return True


def has_open(child, path):
    def leads_there(descriptor):
        try:
            return descriptor.samefile(path)
        except FileNotFoundError:  # closed since
            return False
    return any(leads_there(descriptor) for descriptor in pathlib.Path(f"/proc/{child.pid}/fd").iterdir())


class Stopping(TestWithChildren):
    def setUp(self):
        super().setUp()
        self.csv = self.folder / "own.csv"
        write_csv(self.csv, small_corpus())

    def wait_for(self, condition, event):
        deadline = time.monotonic() + 600
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for: {event}")
            time.sleep(0.001)

    def assert_stopped(self, child):
        """The program ends as one that was stopped. Returns what it had still to print."""
        output, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, f"{output}\n{errors}")
        self.assertIn("stopped", errors)
        self.assertNotIn("failed", output + errors)
        return output


class Trainings(Stopping):
    def start_training(self, **options):
        child = self.start("train", "--dataset", self.csv, "--hidden", 4, "--epochs", 100000, "--runs", self.runs,
                           "--threads", 1, "--checkpoint-minutes", 0, **options)
        self.checkpoint = self.runs / "own-lstm-learned-seed10" / "checkpoint.safetensors"
        self.wait_for(lambda: self.checkpoint.exists() or child.poll() is not None, "a checkpoint")
        return child

    def test_any_signal_however_often(self):
        for number in ALL:
            with self.subTest(signal=number):
                child = self.start_training()
                child.send_signal(number)
                while number != signal.SIGINT and child.poll() is None:
                    child.send_signal(number)
                output = self.assert_stopped(child)
                self.assertIn("own-lstm-learned-seed10: stopped in epoch", output)
                self.assertGreater(read_safetensors(self.checkpoint)["step"][2][0], 0)
                self.assertFalse((self.checkpoint.parent / "failure.json").exists())
                shutil.rmtree(self.checkpoint.parent)

    def test_under_nohup_a_hangup_is_ignored(self):
        child = self.start_training(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        child.send_signal(signal.SIGHUP)
        before = self.checkpoint.stat().st_ino, self.checkpoint.stat().st_mtime_ns
        for _ in range(3):
            self.wait_for(lambda: (self.checkpoint.stat().st_ino, self.checkpoint.stat().st_mtime_ns) != before,
                          "another checkpoint")
            before = self.checkpoint.stat().st_ino, self.checkpoint.stat().st_mtime_ns
        child.send_signal(signal.SIGTERM)
        self.assert_stopped(child)

    def test_where_tee_ends_first(self):
        """Ctrl-C ends `tee`, too, perhaps first: then nobody reads what the training says of its end."""
        child = self.start_training()
        child.stdout.close()
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), 130)
        self.assertIn("stopped in epoch", child.stderr.read())
        self.assertFalse((self.checkpoint.parent / "failure.json").exists())

    def test_a_plan(self):
        for _ in range(10):  # if this script is stalled until the plan is complete, once more
            child = self.start("adversary", "--dataset", "planted", "--runs", self.runs, "--threads", 1, "--plan")
            child.stdout.readline()  # what the data set is
            child.send_signal(signal.SIGINT)
            if child.wait(timeout=60) != 0:
                break
        self.assertNotIn("runs left", self.assert_stopped(child))
        self.assertFalse(self.runs.exists())


class Inputs(Stopping):
    """Programs that read from a pipe on which nothing more comes."""

    def stop_while_reading(self, *arguments):
        """`{}` among the arguments is the pipe."""
        pipe = self.folder / "pipe.csv"
        os.mkfifo(pipe)
        child = self.start(*(pipe if argument == "{}" else argument for argument in arguments))
        try:
            with open(pipe, "wb", buffering=0) as writer:
                # More than a pipe holds: when it is written, the program has read some of it.
                writer.write(self.csv.read_bytes() + b"good filler1,1,train\n" * 10000)
                child.send_signal(signal.SIGTERM)
                self.assert_stopped(child)
        finally:
            pipe.unlink()

    def test_before_somebody_writes(self):
        pipe = self.folder / "pipe.csv"
        os.mkfifo(pipe)
        child = self.start("train", "--dataset", pipe, "--runs", self.runs)
        self.wait_for(lambda: catches(child, signal.SIGTERM), "a handler of the signal")
        child.send_signal(signal.SIGTERM)
        self.assert_stopped(child)
        self.assertFalse(self.runs.exists())

    def test_the_program_waits_for_somebody_who_writes(self):
        pipe, tokens = self.folder / "pipe.csv", self.folder / "tokens.jsonl"
        os.mkfifo(pipe)
        child = self.start("data", pipe, "--tokens", tokens)
        self.wait_for(lambda: has_open(child, pipe) and waits(child), "the program to wait")
        pipe.write_bytes(self.csv.read_bytes())
        output, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, errors)
        self.assertEqual(len(tokens.read_text(encoding="utf-8").splitlines()), 100, output)

    def test_prepare(self):
        out = self.folder / "prepared"
        self.stop_while_reading("prepare", "csv", "{}", "--out", out)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["own.csv"], "something is left over")
        self.succeed("prepare", "csv", self.csv, "--out", out)

    def test_data(self):
        self.stop_while_reading("data", "{}", "--tokens", self.folder / "tokens.jsonl")
        self.assertFalse((self.folder / "tokens.jsonl").exists())

    def test_train(self):
        self.stop_while_reading("train", "--dataset", "{}", "--runs", self.runs)
        self.assertFalse(self.runs.exists())


class Outputs(Stopping):
    """Programs that write to a pipe from which nobody reads."""

    def setUp(self):
        super().setUp()
        write_csv(self.csv, small_corpus(sizes=(2000, 20, 20)))  # more words than a pipe holds
        self.words = self.succeed("data", self.csv, "--tokens", "-")
        self.assertGreater(len(self.words), 2 * 65536)

    def test_a_full_pipe(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for name, target in (("standard output", "-"), ("a pipe by its name", pipe)):
            with self.subTest(name), open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
                child = self.start("data", self.csv, "--tokens", target)
                self.wait_for(lambda: is_full(child.stdout if target == "-" else reader), "a full pipe")
                child.send_signal(signal.SIGTERM)
                self.assertEqual(child.wait(timeout=60), 130)

    def test_before_somebody_reads(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        child = self.start("data", self.csv, "--tokens", pipe)
        self.wait_for(lambda: catches(child, signal.SIGTERM) and waits(child), "the program to wait")
        child.send_signal(signal.SIGTERM)
        self.assert_stopped(child)
        reading = self.start("data", self.csv, "--tokens", pipe)
        self.assertEqual(pipe.read_text(encoding="utf-8"), self.words)
        reading.communicate(timeout=60)
        self.assertEqual(reading.returncode, 0)

    def test_a_pipe_that_another_program_has_made_non_blocking(self):
        run_folder = self.train("--dataset", self.csv, "--hidden", 4, "--epochs", 1)
        texts = self.folder / "texts"
        texts.write_text(f"{LINE}\n" * 2000, encoding="utf-8")
        for arguments in (("data", self.csv, "--tokens", "-"), ("predict", run_folder, "--threads", 1)):
            with self.subTest(arguments[0]), texts.open() as standard_input:
                expected = self.succeed(*arguments, stdin=standard_input)
                standard_input.seek(0)
                reader, writer = os.pipe()
                os.set_blocking(writer, False)
                child = self.start(*arguments, stdin=standard_input, stdout=writer)
                os.close(writer)
                with open(reader, encoding="utf-8") as output:
                    self.wait_for(lambda: is_full(output) or child.poll() is not None, "a full pipe")
                    self.assertEqual(output.read(), expected)
                _, errors = child.communicate(timeout=60)
                self.assertEqual(child.returncode, 0, errors)


class Predictions(Stopping):
    def setUp(self):
        super().setUp()
        self.run_folder = self.train("--dataset", self.csv, "--hidden", 4, "--epochs", 1)
        self.texts = self.folder / "texts"
        self.texts.write_text(f"{LINE}\n" * 40000, encoding="utf-8")
        self.answer = self.succeed("predict", self.run_folder, "--text", LINE)

    def start_prediction(self, **options):
        return self.start("predict", self.run_folder, "--threads", 1, **options)

    def start_blocked_prediction(self):
        """A prediction that cannot end, as nobody reads what it writes."""
        with self.texts.open(encoding="utf-8") as texts:
            child = self.start_prediction(stdin=texts)
        self.wait_for(lambda: is_full(child.stdout), "output that nobody reads")
        return child

    def send(self, child, number):
        child.send_signal(number)
        self.wait_for(lambda: not self.is_pending(child, number), "the signal's handler")

    def test_whole_lines_until_it_was_stopped(self):
        child = self.start_blocked_prediction()
        self.send(child, signal.SIGINT)
        lines = self.assert_stopped(child).splitlines(keepends=True)
        self.assertEqual(set(lines), {self.answer})
        self.assertLess(len(lines), 40000)

    def test_while_no_more_texts_come(self):
        # Standard input stays open: the program ends all the same.
        answers = self.folder / "answers"
        with answers.open("w", encoding="utf-8") as file:
            child = self.start_prediction(stdin=subprocess.PIPE, stdout=file)
        child.stdin.write(f"{LINE}\n" * 20000)
        child.stdin.flush()
        self.wait_for(lambda: answers.stat().st_size > 0 or child.poll() is not None, "answers, while more texts may come")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), 130)
        self.assertEqual(set(answers.read_text(encoding="utf-8").splitlines(keepends=True)), {self.answer})

    def test_only_a_second_interrupt_ends_at_once(self):
        child = self.start_blocked_prediction()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            self.send(child, number)
        self.assertIsNone(child.poll())
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), -signal.SIGINT)

    @staticmethod
    def is_pending(child, number):
        return any(int(status(child, mask), 16) >> (number - 1) & 1 for mask in ("SigPnd", "ShdPnd"))


if __name__ == "__main__":
    main()
