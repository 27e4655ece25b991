#!/usr/bin/env python3
"""The paper's four tests as commands: what they plan, train, skip, survive and report."""
import csv
import fcntl
import html.parser
import json
import math
import random
import re
import resource
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree

from bad_input import limit_file_size
from common.program import (EXACT_FILES, SPLITS, Test, command, main, read_json, read_metrics, read_safetensors, run,
                            small_corpus, write_csv)

def limit_open_files(limit):
    """A `preexec_fn`: the child may have so many files open, standard input and output included."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


STUDY_FILES = tuple(name for name in EXACT_FILES if name != "checkpoint.safetensors")


def mean_jsd(a, b):
    """The mean Jensen-Shannon divergence of the attention of two run folders on the test split, from its definition."""
    (_, _, offsets), (_, _, log_a), (_, _, log_b) = (read_safetensors(folder / "attention_test.safetensors")[name]
                                                     for folder, name in ((a, "offsets"), (a, "log_attention"),
                                                                          (b, "log_attention")))
    def divergence(p, m):
        return sum(x * math.log(x / y) for x, y in zip(p, m) if x > 0)
    values = []
    for begin, end in zip(offsets, offsets[1:]):
        p, q = ([math.exp(x) for x in log[begin:end]] for log in (log_a, log_b))
        m = [(x + y) / 2 for x, y in zip(p, q)]
        values.append((divergence(p, m) + divergence(q, m)) / 2)
    return sum(values) / len(values)


class Study(Test):
    def setUp(self):
        super().setUp()
        corpus = self.folder / "own.csv"
        write_csv(corpus, small_corpus())
        self.dataset = str(corpus)
        self.options = ("--hidden", 4, "--batch", 8, "--device", self.device, "--runs", self.runs)
        self.adversaries = ("--adversary-epochs", 3, "--lambdas", "0,0.01")

    def arguments(self, name, *arguments, epochs=2):
        return (name, "--dataset", self.dataset, *self.options, "--epochs", epochs, *arguments)

    def study(self, name, *arguments, **options):
        return self.succeed(*self.arguments(name, *arguments, **options))

    def paper_arguments(self, *arguments, epochs=2):
        return ("paper", "--datasets", self.dataset, *self.options, "--epochs", epochs, *self.adversaries, "--seeds",
                "50,257", "--repeats", 2, "--out", self.folder / "report", *arguments)

    def finished(self):
        return {path.name for path in self.runs.iterdir() if (path / "result.json").exists()}


class Plans(Study):
    def test_plan_of_the_defaults(self):
        output = self.succeed("paper", "--datasets", self.dataset, "--hidden", 4, "--runs", self.runs, "--plan")
        self.assertFalse(self.runs.exists(), "a plan writes nothing")
        runs = [line.split() for line in output.splitlines() if line.startswith("own-")]
        names = [columns[0] for columns in runs]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(sum(name.startswith("own-lstm-learned-") for name in names), 9, "base and 8 seeds")
        self.assertEqual(sum(name.startswith("own-adversary-") for name in names), 13, "12 lambdas and another seed")
        self.assertEqual(sum(name.startswith("own-tokens-") for name in names), 4)
        self.assertEqual({columns[1] for columns in runs if "adversary-lambda" in columns[0][:22]}, {"80"})
        self.assertTrue(all(columns[-2:] == ["to", "do"] for columns in runs))
        self.assertIn(f"{len(runs)} of {len(runs)} runs left", output)

    def test_repeats_add_seeds_to_every_cell(self):
        output = self.succeed("guides", "--dataset", self.dataset, "--hidden", 4, "--runs", self.runs, "--plan",
                              "--repeats", 3)
        names = [line.split()[0] for line in output.splitlines() if line.startswith("own-")]
        for seed in (10, 50, 257):
            self.assertIn(f"own-tokens-given-seed{seed}-by-lstm-learned-seed{seed}", names)
            self.assertIn(f"own-tokens-given-seed{seed}-by-adversary-lambda0.001-seed{seed}", names)
        self.assertEqual(len(names), 18)

    def test_of_a_news_corpus_only_the_first_test_runs(self):
        for half in ("train", "test"):
            (self.folder / f"{half}.csv").write_text("".join(f'"{i % 4 + 1}","t","Words {i} here."\n' for i in range(80)))
        news, own = self.folder / "news", self.folder / "agnews.csv"
        self.succeed("prepare", "agnews", "--raw", self.folder, "--min-df", 1, "--out", news)
        write_csv(own, small_corpus())
        planned = {}
        for dataset in (news, own):
            output = self.succeed("paper", "--datasets", dataset, "--hidden", 4, "--runs", self.runs, "--plan")
            planned[dataset] = [line.split()[0] for line in output.splitlines() if line.startswith("agnews-")]
        self.assertEqual(planned[news], ["agnews-lstm-learned-seed10", "agnews-lstm-uniform-seed10"])
        self.assertGreater(len(planned[own]), 20, "a file of the user's own that has the corpus's name is no corpus")

    def test_careful_protocol(self):
        self.study("uniform", "--protocol", "careful", "--repeats", 1)
        self.assertEqual(read_json(self.runs / "own-lstm-learned-seed10" / "config.json")["choices"]["select"], "dev")
        self.assertEqual(len(self.finished()), 2)
        output = self.study("uniform", "--protocol", "careful", "--plan")
        self.assertEqual(len([line for line in output.splitlines() if line.startswith("own-")]), 10)

    def test_one_epoch_and_one_batch(self):
        for name in ("uniform", "seeds", "guides", "adversary"):
            for batch in (8, 65536):
                with self.subTest(name=name, batch=batch):
                    output = self.succeed(name, "--dataset", self.dataset, "--hidden", 4, "--runs", self.runs, "--plan",
                                          "--batch", batch, "--epochs", 1, "--threads", 1)
                    self.assertRegex(output, r"own-lstm-learned-seed10 +1 ")
                    self.assertIn("runs left", output)
        self.assertFalse(self.runs.exists())

    def test_a_run_in_the_way_is_not_finished(self):
        self.study("uniform")
        output = self.study("uniform", "--plan")
        self.assertEqual(output.count("  finished\n"), 2)
        self.assertIn("0 of 2 runs left", output)
        result = run(*self.arguments("uniform", "--plan", epochs=3))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout.count("  another run is in the way\n"), 2)
        self.assertIn("2 of 2 runs left", result.stdout)
        self.assertIn("own-lstm-learned-seed10 holds a run with other choices (epochs)", result.stderr)

    def test_a_fleet_of_what_is_left(self):
        self.study("train", "--threads", 1)
        output = self.study("uniform", "--threads", 8, "--plan")
        self.assertIn("1 of 2 runs left", output)
        self.assertIn("with 1 at once", output)

    def test_data_sets_of_one_name(self):
        first, second = (self.folder / name / "train.csv" for name in "ab")
        for path in (first, second):
            path.parent.mkdir()
            write_csv(path, small_corpus())
        for datasets in ((first, second), (first, first)):
            for plan in ((), ("--plan",)):
                result = run("paper", "--datasets", ",".join(map(str, datasets)), *self.options, *plan)
                self.assertEqual(result.returncode, 2, result.stdout)
                for word in (*datasets, "train-lstm-learned-seed10", "have the same name", "--runs"):
                    self.assertIn(str(word), result.stderr)
        self.assertFalse(self.runs.exists())

    def test_lists(self):
        for option, values in {"--lambdas": ("0x1p-3", "0.1,", ",0.1", "0.1,,0.2", "", "-0", "1e999", "inf", " 1"),
                               "--seeds": ("1,", ",1", "1,,2", "", "0x10", "1 ", "+1")}.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    result = run(*self.arguments("adversary", option, value, "--plan"))
                    self.assertEqual(result.returncode, 2, result.stdout)
                    self.assertIn(option, result.stderr + result.stdout)
            result = run(*self.arguments("adversary", f"{option}=", "--plan"))
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(f"{option}: it has no value, but --plan", result.stderr + result.stdout)
        for option, value in (("--datasets", f"{self.dataset},"), ("--tests", "uniform,"), ("--tests", "uniform,seed")):
            result = run("paper", "--datasets", self.dataset, *self.options, option, value)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(option, result.stderr + result.stdout)
        self.assertFalse(self.runs.exists())

    def test_bad_arguments(self):
        for arguments, expected in (
                (("seeds", "--seeds", "50,10"), "seed 10 is given twice"),
                (("uniform", "--seeds", "50"), "--seeds changes nothing with --repeats 1"),
                (("uniform", "--repeats", 10), "--repeats 10 needs as many seeds, but --seed and --seeds give 9"),
                (("adversary", "--lambdas", "nan"), "nan is not a decimal number of at least 0"),
                (("adversary", "--lambdas", "0.1,-1"), "-1 is not a decimal number of at least 0"),
                (("guides", "--tvd", "half"), "half not in {single,two-class}")):
            result = run(*self.arguments(*arguments))
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(expected, result.stderr + result.stdout)
        result = run("paper", "--datasets", self.dataset, *self.options, "--tests", "uniform", "--seeds", "50")
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("--seeds changes nothing with --repeats 1", result.stderr)
        result = run("paper", "--datasets", f"{self.dataset},nowhere", *self.options)
        self.assertEqual(result.returncode, 2)
        self.assertIn("nowhere", result.stderr)
        self.assertFalse(self.runs.exists(), "nothing is trained when a data set is not there")


class Trains(Study):
    def test_paper(self):
        self.succeed(*self.paper_arguments())
        runs = self.finished()
        self.assertEqual(runs, set(self.run_folders()), "every run was finished")
        self.assertLessEqual({"own-lstm-learned-seed257", "own-lstm-uniform-seed50", "own-adversary-lambda0-seed10",
                              "own-adversary-lambda0.001-seed50", "own-perturbation-seed10",
                              "own-adversary-lambda0.001-seed50-of-lstm-learned-seed10",
                              "own-tokens-given-seed50-by-adversary-lambda0.001-seed50"}, runs)
        self.assertFalse(list(self.runs.glob("*/checkpoint.safetensors")), "checkpoints of finished runs take room")
        times = {path: path.stat().st_mtime_ns for path in self.runs.glob("*/*")}
        output = self.succeed(*self.paper_arguments())
        self.assertEqual(output.count("already finished: "), len(runs))
        self.assertEqual(times, {path: path.stat().st_mtime_ns for path in self.runs.glob("*/*")})
        output = self.succeed(*self.paper_arguments("--plan"))
        self.assertIn("own: 0 of ", output)
        self.study("uniform", "--seeds", "50,257", "--repeats", 2)
        self.assertEqual(runs, self.finished(), "the single tests reuse the runs")

    def test_adversary_moves_the_attention(self):
        self.study("adversary", "--adversary-epochs", 60, "--lambdas", "0,1")
        base = self.runs / "own-lstm-learned-seed10"
        near, far = (mean_jsd(base, self.runs / f"own-adversary-lambda{name}-seed10") for name in ("0", "1"))
        self.assertLess(near, 0.1)
        self.assertGreater(far, near + 0.1)  # the paper's 0.4 is out of reach for texts of about five words
        config = read_json(self.runs / "own-adversary-lambda1-seed10" / "config.json")["choices"]
        self.assertEqual((config["lambda"], config["tvd_factor"], config["other"]), (1, 0.5, base.name))
        rows = read_metrics(self.runs / "own-adversary-lambda1-seed10")
        result = read_json(self.runs / "own-adversary-lambda1-seed10" / "result.json")
        losses = [float(row["train_loss"]) for row in rows]
        self.assertEqual(result["epoch"], losses.index(min(losses)) + 1, "the epoch of the lowest loss is kept")
        self.assertTrue(len(rows) == 60 or len(rows) == result["epoch"] + 10, "10 epochs without a lower loss end it")

    def test_larger_lambdas_follow_where_none_is_large_enough(self):
        output = self.study("adversary", *self.adversaries)
        self.assertIn("no lambda up to 0.01 moves the attention beyond JSD 0.4", output)
        names = {name for name in self.finished() if name.startswith("own-adversary")}
        self.assertLessEqual({"own-adversary-lambda0.02-seed10", "own-adversary-lambda0.04-seed10"}, names)

    def test_guided_models_have_the_attention_of_another_model(self):
        self.study("guides", "--adversary-epochs", 3)
        guided = self.runs / "own-tokens-given-seed10-by-lstm-learned-seed10"
        for split in SPLITS:
            file = f"attention_{split}.safetensors"
            self.assertEqual(read_safetensors(guided / file)["log_attention"],
                             read_safetensors(self.runs / "own-lstm-learned-seed10" / file)["log_attention"])
        own = self.runs / "own-tokens-learned-seed10"
        self.assertNotEqual(read_safetensors(own / file)["log_attention"],
                            read_safetensors(guided / file)["log_attention"])
        result = run("predict", guided, "--text", "a good film")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("its attention comes from another model (own-lstm-learned-seed10)", result.stderr)
        self.assertIn("attention", self.succeed("predict", own, "--text", "a good film"))

    def test_two_class_tvd_and_another_adversary_seed(self):
        self.study("adversary", "--adversary-epochs", 1, "--lambdas", "0.01", "--tvd", "two-class", "--adversary-seed", 7)
        folder = self.runs / "own-adversary-lambda0.01-seed7-of-lstm-learned-seed10"
        choices = read_json(folder / "config.json")["choices"]
        self.assertEqual((choices["tvd_factor"], choices["seed"]), (1.0, 7))

    def test_diagnose(self):
        tokens = self.folder / "tokens.jsonl"
        self.succeed("data", self.dataset, "--tokens", tokens)
        texts = [json.loads(line) for line in tokens.read_text().splitlines()]
        evidence = {"good", "fine", "warm", "bright", "bad", "dull", "cold", "grey"}
        for text in texts:
            text["attention"] = [-1.0 if word in evidence else 0.0 for word in text["tokens"]]
        attention = self.folder / "mine.jsonl"
        attention.write_text("".join(json.dumps(text) + "\n" for text in texts))
        result = run(*self.arguments("diagnose", "--attention", attention))
        self.assertEqual(result.returncode, 2)
        self.assertIn("--importance", result.stderr)
        self.assertFalse(self.runs.exists())
        self.study("diagnose", "--attention", attention, "--importance", "absolute", epochs=20)
        given, uniform = (read_json(self.runs / f"own-tokens-{name}" / "result.json")["test"]["f1"]
                          for name in ("given-seed10-by-external-mine-absolute", "uniform-seed10"))
        self.assertGreater(given, 0.85, "the attention lies where the label is")
        self.assertGreaterEqual(given, uniform)
        attention.write_text(attention.read_text().replace("-1.0", "-2.0", 1).replace("0.0", "-1.0", 1))
        result = run(*self.arguments("diagnose", "--attention", attention, "--importance", "absolute", epochs=20))
        self.assertEqual(result.returncode, 2, "another file is another run")
        self.assertIn("other_checksum", result.stderr)


class Page(html.parser.HTMLParser):
    """Links, anchors and visible text of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.text, self.hidden = [], [], [], 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.hidden += tag in ("style", "script")
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[name] for name in ("href", "src", "xlink:href") if name in attributes]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self.hidden:
            self.text.append(data)


class Reports(Study):
    def test_the_planted_corpus_from_its_texts_to_the_report(self):
        report = self.folder / "report"
        output = self.succeed("paper", "--datasets", "planted", "--hidden", 8, "--epochs", 1, "--adversary-epochs", 2,
                              "--lambdas", "0,0.5", "--seeds", "50,257", "--repeats", 2, "--device", self.device,
                              "--runs", self.runs, "--out", report)
        self.assertIn(str(report / "index.html"), output)
        page = Page(report / "index.html")
        self.assertEqual(len(page.ids), len(set(page.ids)), "every id once")
        for link in page.links:
            if link.startswith("#"):
                self.assertIn(link[1:], page.ids)
            elif not link.startswith(("https://", "data:")):
                self.assertTrue((report / link).is_file(), link)
        text = " ".join(page.text)
        self.assertNotRegex(text, re.compile(r"\b(nan|inf)\b", re.I))
        for heading in ("Table 2", "Table 3", "Table 4", "Figure 3", "Figure 5", "Findings"):
            self.assertIn(heading, text)
        figures = sorted(path.relative_to(report) for path in report.glob("figures/*.svg"))
        self.assertGreaterEqual(len(figures), 5)
        for figure in figures:
            xml.etree.ElementTree.parse(report / figure)
            self.assertTrue((report / figure).with_suffix(".pdf").read_bytes().startswith(b"%PDF"))
        tables = sorted(report.glob("tables/*.csv"))
        self.assertGreaterEqual(len(tables), 4)
        for table in tables:
            with open(table, newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))
            self.assertGreater(len(rows), 1, table.name)
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, table.name)
            self.assertIn(r"\begin{tabular}", table.with_suffix(".tex").read_text(encoding="utf-8"))
        again = self.folder / "again"
        self.succeed("report", self.runs, "--out", again)
        self.assertEqual((report / "index.html").read_bytes(), (again / "index.html").read_bytes(),
                         "notnot report makes the same page from the folder of runs")
        with open(report / "tables" / "planted-reliance.csv", newline="", encoding="utf-8") as file:
            models = [row[0] for row in csv.reader(file)][1:]
        self.assertTrue({"Base", "Uniform", "Trained MLP", "MLP by Base LSTM"} <= set(models), models)
        other = ("uniform", "--dataset", "planted", "--hidden", 8, "--epochs", 1, "--device", self.device, "--runs",
                 self.runs, "--evidence", "negated", "--label-noise", 0.1)
        refused = run(*other)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("evidence, label_noise", refused.stderr)
        plan = run(*other, "--plan")
        self.assertIn("note: the planted corpus with evidence negated, label noise 0.1", plan.stdout)
        self.assertIn("(Bayes F1)", plan.stdout)
        self.assertEqual(plan.returncode, 2)


class Survives(Study):
    def test_killed_again_and_again(self):
        generator = random.Random(20191103)
        self.succeed(*self.paper_arguments())
        whole = self.folder / "whole"
        self.runs.rename(whole)
        cut = 0
        for _ in range(8):
            with subprocess.Popen(command(*self.paper_arguments("--checkpoint-minutes", 0)), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as child:
                self.wait_for_checkpoints(child, generator.randint(1, 40))
                child.send_signal(signal.SIGKILL)
                if child.wait() == 0:
                    shutil.rmtree(self.runs)
                    continue
            cut += len(self.unfinished_checkpoints()) > 0
        self.assertGreater(cut, 1, "hardly ever killed while a model was trained: this test shows nothing")
        self.succeed(*self.paper_arguments())
        self.assertEqual(sorted(path.name for path in whole.iterdir()), self.run_folders())
        for folder in whole.iterdir():
            present = [name for name in STUDY_FILES if (folder / name).exists()]
            self.assert_same_bytes(folder, self.runs / folder.name, present)

    def test_interrupted(self):
        with subprocess.Popen(command(*self.paper_arguments(epochs=2000)), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as child:
            deadline = time.monotonic() + 600
            while not list(self.runs.glob("*/checkpoint.safetensors")):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)
        self.assertIn("the same command goes on", errors)
        self.assertFalse(list(self.runs.glob("*/failure.json")), "to be stopped is no failure")

    def test_a_run_that_fails(self):
        result = run(*self.arguments("adversary", "--adversary-epochs", 2, "--lambdas", "0,1e38"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("1 runs failed", result.stderr)
        failed = self.runs / "own-adversary-lambda1e+38-seed10"
        self.assertIn("the loss is", read_json(failed / "failure.json")["reason"])
        self.assertEqual(set(self.run_folders()) - self.finished(), {failed.name})
        self.assertIn("failed", result.stdout)

    def test_a_run_that_needs_a_failed_run_fails_too(self):
        base = self.runs / "own-lstm-learned-seed10"
        base.mkdir(parents=True)
        with open(base / ".lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as another process does that trains there
            result = run(*self.arguments("guides", "--adversary-epochs", 2))
        self.assertEqual(result.returncode, 1)
        self.assertIn("4 runs failed", result.stderr)
        self.assertIn(f"\n{base}: failed: another process trains in {base}", result.stdout)
        reasons = {path.parent.name: read_json(path)["reason"] for path in self.runs.glob("*/failure.json")}
        for name in ("own-tokens-given-seed10-by-lstm-learned-seed10", "own-adversary-lambda0.001-seed10"):
            self.assertIn("own-lstm-learned-seed10, which it needs, failed", reasons[name])
            self.assertIn(f"\n{self.runs / name}: failed: ", result.stdout)
        self.assertEqual(self.finished(), {"own-tokens-learned-seed10", "own-tokens-uniform-seed10"})
        self.succeed(*self.arguments("guides", "--adversary-epochs", 2))
        self.assertFalse(list(self.runs.glob("*/failure.json")))

    def test_a_finished_run_that_is_damaged(self):
        guides = self.arguments("guides", "--adversary-epochs", 2)
        self.succeed(*guides)
        for file in (self.runs / "own-lstm-learned-seed10").iterdir():
            file.unlink()
        damaged = self.runs / "own-adversary-lambda0.001-seed10" / "result.json"
        damaged.write_text('{"epoch": 1}')
        result = run(*guides)  # the adversary waits for the base model, and is then found finished
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(f"{damaged.parent}: failed: {damaged}: ", result.stdout)
        self.assertIn(f"{damaged.parent}, which it needs, failed", result.stdout)
        self.assertIn(f"{damaged}: ", result.stderr)
        result = run(*guides)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"{damaged}: ", result.stderr)
        self.assertNotIn("already finished: \n", result.stdout + "\n")

    def test_a_full_disk(self):
        # An MLP's checkpoint is smaller than this, an LSTM's is larger.
        result = run(*self.arguments("guides", "--adversary-epochs", 2), preexec_fn=limit_file_size(250_000))
        self.assertEqual(result.returncode, 1)
        reason = read_json(self.runs / "own-lstm-learned-seed10" / "failure.json")["reason"]
        self.assertIn("checkpoint.safetensors", reason)
        self.assertEqual(self.finished(), {"own-tokens-learned-seed10", "own-tokens-uniform-seed10"})
        self.succeed(*self.arguments("guides", "--adversary-epochs", 2))
        self.assertEqual(len(self.finished()), 6)

    def test_few_open_files(self):
        seeds = ("--seeds", ",".join(map(str, range(11, 19))))
        self.succeed(*self.arguments("seeds", *seeds, "--fleet", 1), preexec_fn=limit_open_files(12))
        self.assertEqual(len(self.finished()), 9)
        self.runs.rename(self.folder / "others")
        result = run(*self.arguments("seeds", *seeds, "--fleet", 9, epochs=20), preexec_fn=limit_open_files(8))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("runs failed", result.stderr)
        for word in ("Too many open files", "--fleet", "ulimit -n"):
            self.assertIn(word, result.stdout)
        self.study("seeds", *seeds, epochs=20)
        self.assertEqual(len(self.finished()), 9)

    def test_lambdas_that_differ_in_the_seventh_digit(self):
        self.study("adversary", "--adversary-epochs", 1, "--lambdas", "0.0010000001,0.0010000002", "--seeds", "50")
        for digits in ("0.001", "0.0010000001", "0.0010000002"):
            self.assertIn(f"own-adversary-lambda{digits}-seed10", self.finished())

    def test_the_attention_of_an_unfinished_run(self):
        self.study("uniform", epochs=1)
        base = self.runs / "own-lstm-learned-seed10"
        self.leave_unfinished(base)
        result = run(*self.arguments("diagnose", "--attention", base))
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"the run {base} is not finished", result.stderr)
        result = run(*self.arguments("diagnose", "--attention", self.folder))
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"{self.folder} is no run folder", result.stderr)

    def test_another_run_in_the_way(self):
        self.study("uniform")
        result = run(*self.arguments("uniform", epochs=3))
        self.assertEqual(result.returncode, 2)
        self.assertIn("holds a run with other choices (epochs)", result.stderr)

    def test_a_run_that_learned_from_another_base(self):
        self.study("guides", "--adversary-epochs", 1)
        for name in ("own-lstm-learned-seed10", "own-lstm-learned-seed50"):
            for file in self.runs.glob(f"{name}/*"):
                file.unlink()
        self.study("train", "--seed", 50)
        for file in (self.runs / "own-lstm-learned-seed50").glob("attention_*"):
            (self.runs / "own-lstm-learned-seed10").mkdir(exist_ok=True)
            (self.runs / "own-lstm-learned-seed10" / file.name).write_bytes(file.read_bytes())
        result = run(*self.arguments("uniform"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("config.json is missing, though attention_", result.stderr)
        shutil.rmtree(self.runs / "own-lstm-learned-seed10")
        self.study("uniform")  # trains the base again to the same bytes, so the runs that learned from it stay valid
        output = self.study("guides", "--adversary-epochs", 1)
        self.assertEqual(output.count("already finished: "), 6)


if __name__ == "__main__":
    main()
