#!/usr/bin/env python3
"""Where the program writes: it goes through links and devices, never over an input or another's files, and says so when
something that it printed was lost."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import unicodedata

from common.program import (PROGRAM, Test, limit_file_size, main, read_metrics, remove_checksums, run, small_corpus,
                            write_csv)

FAILED, MENDABLE = 1, 2


class Outputs(Test):
    def setUp(self):
        super().setUp()
        self.csv = self.folder / "films.csv"
        write_csv(self.csv, small_corpus())
        self.content = self.csv.read_bytes()

    def small_run(self, *arguments, dataset=None, epochs=1, **options):
        return self.train("--dataset", dataset or self.csv, "--hidden", 4, "--epochs", epochs, "--threads", 1,
                          *arguments, **options)

    def assert_refused(self, result, *words, code=MENDABLE):
        self.assertEqual(result.returncode, code, f"{result.stderr}\n{result.stdout}")
        for word in words:
            self.assertIn(str(word), result.stderr)
        self.assertLess(len(result.stderr.strip().splitlines()), 4, "more than a message")

    def shell(self, line, **variables):
        """Runs a line of shell, in which $NOTNOT is the program, in the folder of the test."""
        environment = {**os.environ, "NOTNOT": str(PROGRAM), **{k: str(v) for k, v in variables.items()}}
        return subprocess.run(["bash", "-c", line], cwd=self.folder, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=600, check=False)


class Tokens(Outputs):
    def assert_tokens(self, text):
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(len(lines), 100)
        self.assertTrue(all(line["tokens"] for line in lines))

    def test_standard_output(self):
        os.symlink("/proc/self/fd/1", self.folder / "mine")
        names = ["-", "/dev/fd/1", "/proc/self/fd/1", "mine", "out"]
        if os.geteuid() != 0:
            names.append("/dev/stdout")  # a fault could replace it for the whole machine
        for name in names:
            for redirection in ("> out", ">> out", "| cat > out"):
                if name == "out" and redirection.startswith("|"):
                    continue
                with self.subTest(name=name, redirection=redirection):
                    (self.folder / "out").write_text("")
                    result = self.shell(f"$NOTNOT data films.csv --tokens {name} {redirection}")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assert_tokens((self.folder / "out").read_text())
                    self.assertIn("the words of 100 texts of films", result.stderr)
        self.assertTrue((self.folder / "mine").is_symlink())
        self.assertTrue(pathlib.Path("/dev/stdout").is_symlink())

    def test_what_was_there_before_stays(self):
        result = self.shell("{ echo before; $NOTNOT data films.csv --tokens /dev/fd/1; echo after; } > out")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = (self.folder / "out").read_text().splitlines()
        self.assertEqual((lines[0], lines[-1], len(lines)), ("before", "after", 102))

    def test_a_link_and_a_pipe(self):
        os.symlink("far.jsonl", self.folder / "near.jsonl")
        self.succeed("data", self.csv, "--tokens", self.folder / "near.jsonl")
        self.assertTrue((self.folder / "near.jsonl").is_symlink())
        self.assert_tokens((self.folder / "far.jsonl").read_text())
        os.mkfifo(self.folder / "pipe")
        self.assert_tokens(self.shell("cat pipe & $NOTNOT data films.csv --tokens pipe > /dev/null; wait").stdout)
        self.assertTrue((self.folder / "pipe").is_fifo())
        self.assert_tokens(self.shell("$NOTNOT data films.csv --tokens >(cat) > /dev/null; wait; sleep 0.2").stdout)

    def test_an_output_that_is_an_input(self):
        os.symlink("films.csv", self.folder / "soft.csv")
        os.link(self.csv, self.folder / "hard.csv")
        (self.folder / "sub").mkdir()
        for name in ("films.csv", "./films.csv", "sub/../films.csv", "soft.csv", "hard.csv"):
            with self.subTest(name=name):
                self.assert_refused(self.shell(f"$NOTNOT data films.csv --tokens {name}"), name, "--tokens")
        self.assert_refused(self.shell("$NOTNOT data /dev/stdin --tokens films.csv < films.csv"), "films.csv")
        self.assert_refused(self.shell("$NOTNOT data films.csv --tokens - >> films.csv"), "--tokens")
        self.assertEqual(self.csv.read_bytes(), self.content)

        self.succeed("prepare", "csv", self.csv, "--out", self.folder / "films")
        before = {path.name: path.read_bytes() for path in (self.folder / "films").iterdir()}
        for name in ("texts.csv", "dataset.json", "new.jsonl"):
            self.assert_refused(run("data", self.folder / "films", "--tokens", self.folder / "films" / name), name)
        self.assertEqual({path.name: path.read_bytes() for path in (self.folder / "films").iterdir()}, before)

    def test_a_device_and_a_folder(self):
        self.assert_refused(run("data", self.csv, "--tokens", self.folder), self.folder, "a folder")
        null, full = self.folder / "null", self.folder / "full"
        for device, number in ((null, 3), (full, 7)):
            if os.geteuid() != 0:
                os.symlink(f"/dev/{device.name}", device)
                continue
            try:  # root could replace the machine's
                os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, number))
                device.open("wb").close()
            except OSError as error:
                self.skipTest(f"no device can be made here: {error}")
        self.succeed("data", self.csv, "--tokens", null)
        self.assertTrue(null.is_char_device())
        self.assert_refused(run("data", self.csv, "--tokens", full), full, "No space left", "free some")
        self.assertTrue(full.is_char_device())


class StandardOutput(Outputs):
    def test_a_full_disk(self):
        folder = self.small_run()
        prepared = self.folder / "films"
        for line in ("--help", "--version", "train --help", "devices", f"prepare csv films.csv --out {prepared}",
                     f"data {prepared}", "data films.csv --tokens -", "data films.csv --tokens /dev/fd/1",
                     "data films.csv --tokens out", f"predict {folder} --text 'good film'",
                     f"report {folder} --out report",
                     "train --dataset films.csv --hidden 4 --epochs 1 --threads 1 --runs new",
                     "uniform --dataset films.csv --hidden 4 --epochs 1 --threads 2 --fleet 2 --runs study"):
            with self.subTest(line=line):
                result = self.shell(f"$NOTNOT {line} > /dev/full")
                self.assert_refused(result, "cannot write to standard output: No space left on device", code=FAILED)
        # What was asked for is there all the same.
        self.assertTrue((self.folder / "out").exists())
        self.assertTrue((self.folder / "report" / "index.html").exists())
        for name in ("new/films-lstm-learned-seed10", "study/films-lstm-learned-seed10",
                     "study/films-lstm-uniform-seed10"):
            self.assertEqual(len(read_metrics(self.folder / name)), 1)
            self.assertTrue((self.folder / name / "result.json").exists())

    def test_closed(self):
        self.assert_refused(self.shell("$NOTNOT --version >&-"), "cannot write to standard output: Bad file",
                            code=FAILED)
        # Otherwise the first file that is opened gets the number of standard output, and the messages go into it.
        result = self.shell("$NOTNOT data films.csv --tokens out >&-; cat out")
        self.assertEqual(len([json.loads(line) for line in result.stdout.splitlines()]), 100)
        result = self.shell("$NOTNOT train --dataset films.csv --hidden 4 --epochs 1 --threads 1 --runs r <&- >&- 2>&-")
        self.assertEqual(result.returncode, FAILED)
        self.assertTrue((self.folder / "r" / "films-lstm-learned-seed10" / "result.json").exists())

    def test_a_message_that_nobody_can_take(self):
        self.assertEqual(self.shell("$NOTNOT train --dataset absent.csv 2> /dev/full").returncode, MENDABLE)
        write_csv(self.csv, [(text, label, split) for text, label, _ in small_corpus() for split in ("train", "dev", "test")])
        for number, lost in enumerate(("2> /dev/full", "2>&-")):  # the warning about texts in several splits
            result = self.shell(f"$NOTNOT train --dataset films.csv --hidden 4 --epochs 1 --threads 1 --runs r{number} {lost}")
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertTrue((self.folder / f"r{number}" / "films-lstm-learned-seed10" / "result.json").exists())

    def test_a_pipe_that_is_closed(self):
        # As every program: the signal ends it.
        result = self.shell("$NOTNOT data films.csv --tokens - | head -1; echo ${PIPESTATUS[0]}")
        self.assertIn(result.stdout.splitlines()[-1], ("0", str(128 + signal.SIGPIPE)))
        self.assertNotIn("cannot write", result.stderr)
        folder = self.small_run()
        result = self.shell(f"yes 'good film' | head -50000 | $NOTNOT predict {folder} | head -1; "
                            "echo ${PIPESTATUS[2]}")
        self.assertEqual(result.stdout.splitlines()[-1], str(128 + signal.SIGPIPE))
        result = self.shell("trap '' PIPE; { sleep 0.2; $NOTNOT --help; echo $? >&2; } | true")
        self.assertEqual(result.stderr.splitlines(),
                         ["notnot: cannot write to standard output: Broken pipe", str(FAILED)])

    def test_a_training_outlives_its_readers(self):
        result = self.shell("$NOTNOT train --dataset films.csv --hidden 4 --epochs 3 --threads 1 --seed 1,2,3 --runs new "
                            "| head -1; echo ${PIPESTATUS[0]}")
        self.assertEqual(result.stdout.splitlines()[-1], str(FAILED))
        self.assertIn("notnot: cannot write to standard output: Broken pipe", result.stderr)
        for seed in (1, 2, 3):
            self.assertTrue((self.folder / "new" / f"films-lstm-learned-seed{seed}" / "result.json").exists())


class Terminal(Outputs):
    """What names, texts and reasons of others do to a terminal: nothing."""
    ESCAPE = "\x1b]0;title\x07\x9b31m\x7f\u202e"

    def printed(self, *arguments, code=0):
        """What the program prints, which moves no cursor."""
        result = run(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        for character in result.stdout + result.stderr:
            if character != "\n" and (unicodedata.category(character) == "Cc" or character == "\u202e"):
                self.fail(f"{character!r} in {result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def test_names_texts_and_labels(self):
        own = self.folder / "own\u202e.csv"
        names = ["bad" + self.ESCAPE, "good" + self.ESCAPE]
        write_csv(own, [(f"{text} {self.ESCAPE}", names[label], split) for text, label, split in small_corpus()])
        prepared = self.folder / "prepared"
        self.printed("prepare", "csv", own, "--labels", ",".join(names), "--out", prepared)
        shown = self.printed("data", prepared, "--samples", 2)
        self.assertIn("\\x1B]0;title\\x07\\xC2\\x9B31m\\x7F\\xE2\\x80\\xAE", shown)
        small = ("--hidden", 4, "--epochs", 1, "--threads", 1, "--device", "cpu", "--runs", self.runs)
        for _ in range(2):  # the second time it is finished
            self.printed("train", "--dataset", prepared, *small)
        (folder,) = self.runs.iterdir()
        self.printed("report", self.runs, "--out", self.folder / "report")
        line = self.succeed("predict", folder, "--text", f"a {self.ESCAPE.replace(chr(0x202e), '')} film")
        self.assertIn("\\u001b]0;title\\u0007\\u009b31m\\u007f", line)
        self.assertEqual(json.loads(line)["tokens"][1], "\x1b]0;title\x07\x9b31m\x7f")

    def test_errors_and_reasons(self):
        shown = self.printed("train", "--dataset", self.folder / self.ESCAPE, code=MENDABLE)
        self.assertIn("\\x1B]0;title\\x07", shown)
        self.printed("train", f"--dat{self.ESCAPE}", code=MENDABLE)
        named = self.folder / f"own{self.ESCAPE}.csv"
        write_csv(named, small_corpus())
        self.assertIn("control characters", self.printed("train", "--dataset", named, code=MENDABLE))
        folder = self.small_run()
        config = json.loads((folder / "config.json").read_text())
        del config["checksum"]
        config["devices"] = [self.ESCAPE]
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "result.json").unlink()
        (folder / "failure.json").write_text(json.dumps({"reason": "because " + self.ESCAPE}))
        shown = self.printed("report", self.runs, "--out", self.folder / "report", code=MENDABLE)
        self.assertIn("because \\x1B]0;title", shown)


class Inputs(Outputs):
    def test_prepare_over_its_own_input(self):
        vectors = self.folder / "in" / "words.vec"
        vectors.parent.mkdir()
        vectors.write_text("good 1 2\nbad 3 4\n")
        os.symlink("films.csv", self.folder / "soft")
        for out in (self.csv, self.folder / "soft", self.folder):
            with self.subTest(out=out):
                self.assert_refused(run("prepare", "csv", self.csv, "--out", out), out, "is to be read", "--out")
        self.assert_refused(run("prepare", "csv", self.csv, "--vectors", vectors, "--out", vectors.parent),
                            vectors.parent, vectors, "is to be read")
        self.assertEqual(self.csv.read_bytes(), self.content)
        self.assertEqual(vectors.read_text(), "good 1 2\nbad 3 4\n")

    def test_what_is_printed_is_no_input(self):
        folder = self.small_run()
        texts = self.folder / "texts"
        texts.write_text("good film\n")
        for line in (f"predict {folder} --input texts >> texts", f"predict {folder} < texts >> texts"):
            self.assertEqual(self.shell(f"$NOTNOT {line}").returncode, MENDABLE)
            self.assertEqual(texts.read_text(), "good film\n")
        result = self.shell("$NOTNOT train --dataset films.csv --hidden 4 --epochs 1 --threads 1 --runs r >> films.csv")
        self.assert_refused(result, "films.csv", "the output goes to it")
        self.assertEqual(self.csv.read_bytes(), self.content)

    def test_standard_input_for_two_things(self):
        for line in ("train --dataset /dev/stdin --vectors /dev/stdin", "paper --datasets /dev/stdin,/dev/stdin",
                     "diagnose --dataset /dev/stdin --attention /dev/stdin"):
            result = self.shell(f"$NOTNOT {line} --hidden 4 --epochs 1 --threads 1 --runs r < films.csv")
            self.assert_refused(result, "cannot read /dev/stdin: it was read already")
        self.assertFalse((self.folder / "r").exists())

    def test_an_input_in_the_folder_of_the_run(self):
        folder = self.small_run()
        model = (folder / "model.safetensors").read_bytes()
        (folder / "result.json").unlink()
        (folder / "checkpoint.safetensors").unlink()
        for option, file in (("--init", folder / "model.safetensors"),
                             ("--init", self.folder / "runs" / ".." / "runs" / folder.name / "model.safetensors")):
            result = run("train", "--dataset", self.csv, "--hidden", 4, "--epochs", 1, "--threads", 1, "--runs",
                         self.runs, option, file)
            self.assert_refused(result, file, folder, "--runs")
        self.assertEqual((folder / "model.safetensors").read_bytes(), model)
        self.small_run("--init", folder / "model.safetensors", runs=self.folder / "tuned")


class Reports(Outputs):
    def report(self, *arguments):
        return run("report", self.runs, *arguments)

    def test_over_other_files(self):
        self.small_run()
        web = self.folder / "web"
        web.mkdir()
        (web / "index.html").write_text("my home page\n")
        self.assert_refused(self.report("--out", web), web, "index.html", "--force")
        self.assertEqual([path.name for path in web.iterdir()], ["index.html"])
        self.assertEqual((web / "index.html").read_text(), "my home page\n")
        self.assertEqual(self.report("--out", web, "--force").returncode, 0)
        self.assertIn("notnot report", (web / "index.html").read_text())

    def test_old_files_of_its_own(self):
        self.small_run()
        out = self.folder / "report"
        self.assertEqual(self.report("--out", out).returncode, 0)
        (out / "tables" / "mine.csv").write_text("mine")
        self.runs = self.folder / "others"
        other = self.folder / "books.csv"
        other.write_bytes(self.content)
        self.small_run(dataset=other)
        self.assertEqual(self.report("--out", out).returncode, 0)
        names = {path.name for path in (out / "tables").iterdir()}
        self.assertIn("mine.csv", names)
        self.assertIn("books-runs.csv", names)
        self.assertFalse([name for name in names if name.startswith("films")], names)

    def test_runs_are_no_place_for_a_report(self):
        folder = self.small_run()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for out in (self.runs, folder, folder / "report"):
            for force in ((), ("--force",)):
                self.assert_refused(self.report("--out", out, *force), "--out")
        self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()}, before)
        self.assertEqual(self.run_folders(), [folder.name])
        self.assertEqual(self.report("--out", self.runs / "report").returncode, 0)
        self.assertEqual(self.report("--out", self.runs / "report").returncode, 0)

    def paper(self, *arguments):
        return run("paper", "--datasets", self.csv, "--tests", "uniform", "--hidden", 4, "--epochs", 1, "--threads", 1,
                   "--runs", self.runs, *arguments, cwd=self.folder)

    def test_paper_refuses_before_it_trains(self):
        (self.folder / "report").mkdir()
        (self.folder / "report" / "thesis.tex").write_text("years of work")
        self.assert_refused(self.paper(), "report", "thesis.tex", "--force")
        self.assert_refused(self.paper("--out", self.runs), self.runs, "--out")
        self.assert_refused(self.paper("--out", self.csv), self.csv, "--out")
        self.assert_refused(self.paper("--out", self.runs / "films-lstm-learned-seed10"), "folder of a run", "--out")
        self.assertEqual(self.run_folders(), [])
        self.assertEqual(self.csv.read_bytes(), self.content)
        self.assertEqual(self.paper("--force").returncode, 0)
        self.assertEqual((self.folder / "report" / "thesis.tex").read_text(), "years of work")
        self.assertTrue((self.folder / "report" / "index.html").exists())

    def test_paper_replaces_no_input(self):
        page = self.folder / "out" / "index.html"
        page.parent.mkdir()
        page.write_bytes(self.content)
        self.csv = page
        self.assert_refused(self.paper("--out", page.parent, "--force"), page, "--out")
        self.assertEqual(page.read_bytes(), self.content)
        self.assertEqual(self.run_folders(), [])

    def test_paper_that_the_runs_refuse_leaves_no_report_folder(self):
        self.assertEqual(self.paper().returncode, 0)
        shutil.rmtree(self.folder / "report")
        self.csv.write_bytes(self.content.replace(b",1,", b",0,", 1))
        self.assert_refused(self.paper(), "--retrain")
        self.assertFalse((self.folder / "report").exists())

    def test_paper_into_a_folder_that_gets_the_runs(self):
        self.runs = self.folder / "all" / "runs"
        self.assertEqual(self.paper("--out", self.folder / "all").returncode, 0)
        self.assertTrue((self.folder / "all" / "index.html").exists())
        self.assertEqual(self.paper("--out", self.folder / "all").returncode, 0)

    def test_damaged_runs(self):
        folder = self.small_run()
        for name in ("config.json", "metrics.csv", "result.json", "attention_test.safetensors", "predictions.jsonl"):
            whole = (folder / name).read_bytes()
            for damage in ("missing", "a folder", "a pipe", "a device"):
                if name == "config.json" and damage == "missing":
                    continue  # then it is no run folder
                if name == "result.json" and damage == "missing":
                    continue  # then it is not finished
                with self.subTest(name=name, damage=damage):
                    (folder / name).unlink()
                    if damage == "a folder":
                        (folder / name).mkdir()
                    elif damage == "a pipe":
                        os.mkfifo(folder / name)
                    elif damage == "a device":
                        os.symlink("/dev/zero", folder / name)
                    result = run("report", folder, "--out", self.folder / "report", timeout=60)
                    self.assert_refused(result, folder / name, damage, "train again")
                    if damage == "a folder":
                        (folder / name).rmdir()
                    elif damage != "missing":
                        (folder / name).unlink()
                    (folder / name).write_bytes(whole)
        self.assertEqual(self.report("--out", self.folder / "report").returncode, 0)

    def test_impossible_measures(self):
        folder = self.small_run()
        remove_checksums(folder)
        whole = (folder / "result.json").read_text()
        for change in ({"epoch": 0}, {"epoch": 2}, {"selected_on": "luck"}, {"test": {"f1": 7}}, {"test": None}):
            with self.subTest(change=change):
                result = json.loads(whole)
                for key, value in change.items():
                    result[key] = {**result[key], **value} if isinstance(value, dict) else value
                (folder / "result.json").write_text(json.dumps(result))
                self.assert_refused(self.report("--out", self.folder / "report"), folder / "result.json", "train again")
        self.assertFalse((self.folder / "report").exists())


class Resume(Outputs):
    def test_metrics_that_do_not_fit_the_checkpoint(self):
        folder = self.small_run(epochs=3)
        (folder / "result.json").unlink()
        header, *rows = (folder / "metrics.csv").read_text().splitlines(keepends=True)
        for damage in (rows[:2], rows[:1] + rows, rows[1:] + rows[:1], rows[1:], []):
            with self.subTest(rows=len(damage)):
                (folder / "metrics.csv").write_text(header + "".join(damage))
                result = run("train", "--dataset", self.csv, "--hidden", 4, "--epochs", 3, "--threads", 1, "--runs",
                             self.runs, "--resume")
                self.assert_refused(result, folder / "metrics.csv", "train again")
        (folder / "metrics.csv").unlink()
        result = run("train", "--dataset", self.csv, "--hidden", 4, "--epochs", 3, "--threads", 1, "--runs", self.runs,
                     "--resume")
        self.assert_refused(result, folder / "metrics.csv", "missing", "train again")


class FullDisk(Outputs):
    def test_prepare(self):
        for size in (10, 1000, 3000):
            with self.subTest(size=size):
                result = run("prepare", "csv", self.csv, "--out", self.folder / "films", preexec_fn=limit_file_size(size))
                self.assert_refused(result, "File too large", "free some space")
                self.assertEqual([path.name for path in self.folder.iterdir()], ["films.csv"])
        self.succeed("prepare", "csv", self.csv, "--out", self.folder / "films")

    def test_tokens_and_report(self):
        folder = self.small_run()
        out = self.folder / "tokens.jsonl"
        out.write_text("old")
        result = run("data", self.csv, "--tokens", out, preexec_fn=limit_file_size(1000))
        self.assert_refused(result, out, "File too large", "free some space")
        self.assertEqual(out.read_text(), "old")
        report = self.folder / "report"
        self.succeed("report", folder, "--out", report)
        page = (report / "index.html").read_bytes()
        result = run("report", folder, "--out", report, preexec_fn=limit_file_size(4000))
        self.assertEqual(result.returncode, MENDABLE, result.stderr)
        self.assertEqual((report / "index.html").read_bytes(), page)
        self.assertEqual(list(self.folder.rglob(".notnot-*.tmp")), [])


if __name__ == "__main__":
    main()
