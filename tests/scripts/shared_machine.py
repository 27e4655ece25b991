#!/usr/bin/env python3
"""On a machine with other users: links and folders that they plant are not followed, confidential texts are readable by
their owner alone, and nothing is left of work that ends early."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

from common.program import PROGRAM, Test, command, main, read_json, remove_checksums, run, small_corpus, write_csv

MENDABLE, INTERRUPTED = 2, 130
OTHER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NEEDS_OTHER = unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"),
                                  "only root can act as a second user, with setpriv (package util-linux)")
MIMIC_LIKE = pathlib.Path(__file__).resolve().parents[2] / "tools" / "make_mimic_like"


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def as_other(*arguments):
    """Runs a command as another user; returns whether it succeeded."""
    return subprocess.run([*OTHER, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def is_running(process):
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Shared(Test):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o777)
        self.file = self.folder / "notes.csv"
        write_csv(self.file, small_corpus())
        self.out = self.folder / "out"
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.home / "thesis.tex").write_text("years of work")

    def refuse(self, *arguments, words=(), **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, MENDABLE, result.stderr + result.stdout)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual([path.name for path in self.home.iterdir()], ["thesis.tex"])
        self.assertEqual((self.home / "thesis.tex").read_text(), "years of work")

    def small_train(self, dataset, *arguments):
        return self.train("--dataset", dataset, "--hidden", 4, "--epochs", 1, "--threads", 1, *arguments)

    def environment(self, name, script):
        """An environment in which this shell script is the first program of that name."""
        folder = self.folder / f"with-{name}"
        folder.mkdir()
        (folder / name).write_text(f"#!/bin/sh\n{script}")
        (folder / name).chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def assert_private(self, folder):
        self.assertEqual(mode(folder), 0o700, folder)
        for path in folder.rglob("*"):
            self.assertEqual(mode(path), 0o700 if path.is_dir() else 0o600, path)

    def open_to_all(self, folder):
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)


@NEEDS_OTHER
class Planted(Shared):
    def test_link_instead_of_the_staging_folder(self):
        self.assertTrue(as_other("ln", "-s", self.home, self.folder / ".notnot-out.tmp"))
        self.refuse("prepare", "csv", self.file, "--out", self.out, words=(".notnot-out.tmp", "remove it"))
        self.assertFalse(self.out.exists())

    def test_staging_folder_of_another(self):
        planted = self.folder / ".notnot-out.tmp"
        self.assertTrue(as_other("mkdir", "-m", "777", planted))
        self.assertTrue(as_other("ln", "-s", self.home / "thesis.tex", planted / "trained.vec"))
        self.refuse("prepare", "csv", self.file, "--out", self.out, words=(".notnot-out.tmp", "somebody else"))
        self.assertEqual([path.name for path in planted.iterdir()], ["trained.vec"])
        self.assertFalse(self.out.exists())

    def test_link_instead_of_the_result(self):
        self.assertTrue(as_other("ln", "-s", self.home / "new", self.out))
        self.refuse("prepare", "csv", self.file, "--out", self.out, words=("exists already",))

    def test_link_instead_of_a_run_folder(self):
        self.runs.mkdir()
        self.runs.chmod(0o777)
        self.assertTrue(as_other("ln", "-s", self.home, self.runs / "notes-lstm-learned-seed10"))
        self.refuse("train", "--dataset", self.file, "--runs", self.runs, "--hidden", 4, "--epochs", 1, "--threads", 1,
                    words=("notes-lstm-learned-seed10: it is a link and not a folder",))

    def test_nobody_looks_into_work_that_is_under_way(self):
        # The program waits until its work has been looked at from outside, and moved away.
        seen = self.folder / "seen"
        environment = self.environment("fasttext", f'echo "$3" "$5" >{seen}.new; mv {seen}.new {seen}\n'
                                                   f'while [ -e {seen} ]; do sleep 0.01; done\n'
                                                   'printf "1 2\\ngood 1 2\\n" >"$5.vec"; : >"$5.bin"\n')
        child = subprocess.Popen(command("prepare", "csv", self.file, "--out", self.out, "--train-vectors", "cbow",
                                         "--vector-width", 2), env=environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        while not seen.exists() and child.poll() is None:
            time.sleep(0.005)
        staging = self.folder / ".notnot-out.tmp"
        self.assertTrue((staging / "training.txt").exists())
        self.assertFalse(as_other("ls", staging))
        self.assertFalse(as_other("cat", staging / "training.txt"))
        (self.home / "trained.vec").write_text("years of work")
        self.assertTrue(as_other("mv", staging, self.folder / "moved"))
        self.assertTrue(as_other("ln", "-s", self.home, staging))
        seen.unlink()
        _, errors = child.communicate()
        self.assertEqual(child.returncode, MENDABLE, errors)
        self.assertEqual((self.home / "trained.vec").read_text(), "years of work")
        self.assertEqual((self.home / "thesis.tex").read_text(), "years of work")
        self.assertFalse(self.out.exists())
        self.assertEqual(list((self.folder / "moved").iterdir()), [])


class StrangersRuns(Shared):
    """A folder of runs that somebody else packed, links included: unpacked, they are the user's own."""

    def setUp(self):
        super().setUp()
        self.run_folder = self.small_train(self.file)
        (self.run_folder / "result.json").unlink()
        self.thesis = self.home / "thesis.tex"

    def refuse_run(self, words, *command):
        before = {path.name: path.lstat().st_mtime_ns for path in self.run_folder.iterdir()}
        self.refuse(*command, "--dataset", self.file, "--runs", self.runs, "--hidden", 4, "--epochs", 1, "--threads",
                    1, "--device", "cpu", words=words, timeout=60)
        self.assertEqual({path.name: path.lstat().st_mtime_ns for path in self.run_folder.iterdir()}, before)

    def test_files_that_are_links_or_pipes(self):
        for path in sorted(self.run_folder.iterdir()):
            content = path.read_bytes()
            for plant, what in ((lambda: path.symlink_to(self.thesis), "a link"), (lambda: os.mkfifo(path), "a pipe")):
                with self.subTest(file=path.name, what=what):
                    path.unlink()
                    plant()
                    self.refuse_run((path.name,), "train", "--resume")
                    if path.name not in ("config.json", "checkpoint.safetensors"):  # which are read before
                        self.refuse_run((f"{path}: it is {what} and not a file",), "uniform")
            path.unlink()
            path.write_bytes(content)
        self.small_train(self.file, "--resume")

    def test_a_linked_run(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        for path in self.run_folder.iterdir():
            path.rename(elsewhere / path.name)
            path.symlink_to(elsewhere / path.name)
        self.refuse_run((": it is a link and not a file", "--runs"), "train", "--resume")
        self.refuse_run((": it is a link and not a file", "--runs"), "train", "--retrain", "--batch", 7)


class Confidential(Shared):
    def test_from_the_table_to_the_report(self):
        rows = small_corpus()
        rows = [[text + " secretname", label, split] for text, label, split in rows]
        write_csv(self.file, rows)
        before = os.umask(0)
        try:
            output = self.succeed("prepare", "csv", self.file, "--out", self.out, "--confidential")
            self.assertIn("CONFIDENTIAL", output)
            self.assert_private(self.out)
            self.assertIs(read_json(self.out / "dataset.json")["confidential"], True)
            folder = self.small_train(self.out)
            self.assert_private(folder)
            self.assertIs(read_json(folder / "config.json")["confidential"], True)
            self.assertIn("secretname", (folder / "predictions.jsonl").read_text())
            self.check_older_runs(folder)
            self.check_report()
            self.check_other_commands(folder)
        finally:
            os.umask(before)

    def check_older_runs(self, folder):
        remove_checksums(folder)
        config = read_json(folder / "config.json")
        del config["confidential"]
        (folder / "config.json").write_text(json.dumps(config))
        self.open_to_all(folder)
        self.small_train(self.out)  # it is finished
        self.assert_private(folder)
        self.assertIs(read_json(folder / "config.json")["confidential"], True)
        (folder / "result.json").unlink()
        self.open_to_all(folder)
        self.small_train(self.out, "--resume")
        self.assert_private(folder)

    def check_report(self):
        page = self.folder / "report" / "index.html"
        self.succeed("report", self.runs, "--out", page.parent)
        self.assert_private(page.parent)
        self.assertIn("CONFIDENTIAL: this report may not be shared", page.read_text())
        for file in page.parent.rglob("*.*"):
            if file.is_file():
                self.assertNotIn(b"secretname", file.read_bytes(), file)
        self.assertNotIn("Text 8", page.read_text())
        self.open_to_all(page.parent)
        self.succeed("report", self.runs, "--out", page.parent, "--show-texts")
        self.assert_private(page.parent)
        self.assertIn("secretname", page.read_text())
        self.assertIn("shows texts", page.read_text())

    def check_other_commands(self, folder):
        self.assertNotIn("secretname", self.succeed("data", self.out))
        self.assertIn("secretname", self.succeed("data", self.out, "--show-texts"))
        tokens = self.folder / "tokens.jsonl"
        tokens.write_text("")
        tokens.chmod(0o666)
        self.assertIn("CONFIDENTIAL", self.succeed("data", self.out, "--tokens", tokens))
        self.assertEqual(mode(tokens), 0o600)
        result = run("predict", folder, "--text", "good", "--threads", 1)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("CONFIDENTIAL", result.stderr)
        json.loads(result.stdout)

    def test_a_copy_that_others_can_read(self):
        self.succeed("prepare", "csv", self.file, "--out", self.out, "--confidential")
        run_folder = self.small_train(self.out)
        commands = (("data", self.out), ("data", self.out, "--tokens", self.folder / "tokens.jsonl"),
                    ("predict", run_folder, "--text", "good"), ("report", self.runs, "--out", self.folder / "report"))
        for arguments in commands:
            self.assertNotIn("others can read", run(*arguments).stderr)
        self.out.chmod(0o755)
        run_folder.chmod(0o750)
        for arguments in commands:
            folder, permissions = (self.out, "755") if arguments[0] == "data" else (run_folder, "750")
            result = run(*arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"{folder} is confidential, and others can read it (its permissions are {permissions}); "
                          f"close it: chmod -R go= {folder}", result.stderr)

    @NEEDS_OTHER
    def test_as_a_plain_user(self):
        # Root may read everything, also what the system hides of a process that writes no core files.
        program, out, runs = self.folder / "notnot", self.folder / "own" / "out", self.folder / "own" / "runs"
        shutil.copy(PROGRAM, program)
        environment = self.environment("fasttext", 'printf "1 2\\ngood 1 2\\n" >"$5.vec"; : >"$5.bin"\n')
        train = ("--dataset", out, "--hidden", 4, "--epochs", 1, "--threads", 1, "--device", "cpu", "--runs", runs)
        for arguments in (("prepare", "csv", self.file, "--confidential", "--out", out, "--train-vectors", "cbow",
                           "--vector-width", 2),
                          ("seeds", *train, "--seeds", "1,2"), ("train", *train, "--retrain"),
                          ("report", runs, "--out", self.folder / "own" / "report"), ("data", out, "--tokens", "-"),
                          ("predict", runs / "notes-lstm-learned-seed10", "--text", "good", "--threads", 1)):
            result = subprocess.run([*OTHER, program, *map(str, arguments)], env=environment, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(result.returncode, 0, f"{arguments}\n{result.stderr}")
        self.assert_private(self.folder / "own")
        if shutil.which("gnuplot"):
            self.assertTrue(list((self.folder / "own" / "report" / "figures").glob("*.pdf")))

    def test_clinical_texts_always_are(self):
        raw = self.folder / "mimic"
        subprocess.run([sys.executable, MIMIC_LIKE, "--size", "2", raw], check=True, stdout=subprocess.DEVNULL)
        before = os.umask(0o022)
        try:
            for task in ("diabetes", "anemia"):
                self.succeed("prepare", task, "--raw", raw, "--out", self.folder / task)
                self.assert_private(self.folder / task)
                self.assertIn("none is shown", self.succeed("data", self.folder / task))
            # Nobody reads what is printed: no reason to leave the notes in a hidden folder.
            reader, writer = os.pipe()
            os.close(reader)
            run("prepare", "anemia", "--raw", raw, "--out", self.out, stdout=writer, stderr=writer)
            os.close(writer)
            self.assertEqual(list(self.folder.glob(".notnot-*")), [])
            shutil.rmtree(self.out)
            self.succeed("prepare", "csv", self.file, "--out", self.out)
            self.assertEqual((mode(self.out), mode(self.out / "texts.csv")), (0o755, 0o644))
        finally:
            os.umask(before)

    @NEEDS_OTHER
    def test_a_run_folder_of_another_is_no_place_for_them(self):
        self.succeed("prepare", "csv", self.file, "--out", self.out, "--confidential")
        self.runs.mkdir()
        self.runs.chmod(0o777)
        self.assertTrue(as_other("mkdir", "-m", "777", self.runs / "notes-lstm-learned-seed10"))
        self.refuse("train", "--dataset", self.out, "--runs", self.runs, "--hidden", 4, "--epochs", 1, "--threads", 1,
                    words=("it belongs to another user",))


class EndsEarly(Shared):
    def start(self):
        """`notnot prepare`, which waits for a fasttext that takes a minute; and the number of that process."""
        number = self.folder / "number"
        environment = self.environment("fasttext", f"echo $$ >{number}.new; mv {number}.new {number}\nexec sleep 60\n")
        child = subprocess.Popen(command("prepare", "csv", self.file, "--out", self.out, "--train-vectors", "cbow"),
                                 env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not number.exists() and child.poll() is None:
            time.sleep(0.005)
        process = int(number.read_text())
        number.unlink()
        shutil.rmtree(self.folder / "with-fasttext")
        return child, process

    def wait_for_end(self, process):
        while is_running(process):
            time.sleep(0.005)

    def assert_left(self, *names):
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), sorted(["home", "notes.csv", *names]))

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                child, process = self.start()
                child.send_signal(number)
                _, errors = child.communicate()
                self.assertEqual((child.returncode, errors), (INTERRUPTED, "notnot: stopped\n"))
                self.assertFalse(is_running(process))
                self.assert_left()

    def test_killed(self):
        child, process = self.start()
        limits = pathlib.Path(f"/proc/{child.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        child.kill()
        child.communicate()
        self.wait_for_end(process)
        self.assert_left(".notnot-out.tmp")
        self.assertEqual(mode(self.folder / ".notnot-out.tmp"), 0o700)
        self.succeed("prepare", "csv", self.file, "--out", self.out)
        self.assert_left("out")

    def test_killed_report(self):
        self.succeed("seeds", "--dataset", self.file, "--seeds", "1,2", "--hidden", 4, "--epochs", 1, "--threads", 1,
                     "--device", "cpu", "--runs", self.runs)
        temporary = self.folder / "tmp"
        temporary.mkdir()
        killing = self.environment("gnuplot", f'[ "$1" = --version ] || kill -9 $PPID\n')
        result = run("report", self.runs, "--out", self.out, env={**killing, "TMPDIR": str(temporary)})
        self.assertEqual(result.returncode, -signal.SIGKILL, result.stderr)
        self.assertEqual(list(temporary.iterdir()), [])
        self.assertEqual(list(self.folder.rglob(".notnot-*.tmp")), [])


class Names(Shared):
    def test_no_data_set_is_the_folder_of_all(self):
        for name in ("..csv", "...csv"):
            shutil.copy(self.file, self.folder / name)
            for arguments in (("prepare", "csv"), ("train", "--runs", self.runs, "--dataset")):
                self.refuse(*arguments, self.folder / name, words=("rename the file",),
                            env={**os.environ, "NOTNOT_DATA": str(self.folder / "data")})
        self.assertFalse((self.folder / "data").exists())
        self.assertFalse(self.runs.exists())


if __name__ == "__main__":
    assert PROGRAM.exists()
    main()
