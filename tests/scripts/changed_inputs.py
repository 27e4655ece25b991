#!/usr/bin/env python3
"""Inputs are known by their content: data that was corrected is other data, data that was moved is the same. A run is
never taken for another one, and nothing is replaced without --retrain."""
import hashlib
import json
import os
import shutil
import struct
import subprocess

from common.program import (EXACT_FILES, PROGRAM, Test, main, read_json, read_safetensors, remove_checksums, run,
                            small_corpus, write_csv, write_safetensors)

MENDABLE = 2
OPTIONS = ("--hidden", 4, "--threads", 1, "--device", "cpu")
STUDY_FILES = tuple(name for name in EXACT_FILES if name != "checkpoint.safetensors")


def inverted(rows):
    return [(text, 1 - label, split) for text, label, split in rows]


def make_old(folder):
    """Rewrites config.json as version 0.1.0 wrote it."""
    remove_checksums(folder)
    config = read_json(folder / "config.json")
    paths, choices = config.pop("paths"), config["choices"]
    for key in ("corpus", "data_checksum", "vectors_checksum", "init_checksum"):
        choices.pop(key, None)
    choices.update({key: paths.get(key, "") for key in ("data", "vectors", "init")})
    (folder / "config.json").write_text(json.dumps(config))


def set_choice(folder, key, value):
    config = read_json(folder / "config.json")
    config["choices"][key] = value
    (folder / "config.json").write_text(json.dumps(config))


class Inputs(Test):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "own.csv"
        self.rows = small_corpus()
        write_csv(self.file, self.rows)

    def call(self, *arguments, dataset=None, runs=None, **options):
        defaults = ("--epochs", 1) if "--epochs" not in arguments else ()
        return run("train", "--dataset", dataset or self.file, *OPTIONS, *defaults, "--runs", runs or self.runs,
                   *arguments, **options)

    def accept(self, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_refused(self, result, *words):
        self.assertEqual(result.returncode, MENDABLE, f"{result.stdout}\n{result.stderr}")
        for word in words:
            self.assertIn(str(word), result.stderr)

    def bytes_of_runs(self):
        return {path: path.read_bytes() for path in sorted(self.runs.rglob("*")) if path.is_file()}

    def assert_finished(self, *arguments, **options):
        self.assertIn("already finished", self.accept(*arguments, **options))

    def check_change(self, key, *arguments, change, **options):
        """The run, then `change()`: it is refused for `key`, and with --retrain becomes what a new run would be."""
        self.accept(*arguments, **options)
        self.assert_finished(*arguments, **options)
        change()
        before = self.bytes_of_runs()
        for flag in ((), ("--resume",)):
            self.assert_refused(self.call(*arguments, *flag, **options), "other choices", f"{key}: the bytes of",
                                "--retrain", "--runs")
        self.assertEqual(self.bytes_of_runs(), before)
        self.accept(*arguments, "--retrain", **options)
        self.accept(*arguments, runs=self.folder / "fresh", **options)
        self.assert_same_bytes(self.runs / "own-lstm-learned-seed10", self.folder / "fresh/own-lstm-learned-seed10")
        self.assert_finished(*arguments, **options)
        self.assert_finished(*arguments, "--retrain", **options)  # which replaces no run that is the same


class Changed(Inputs):
    def test_labels(self):
        self.check_change("data_checksum", change=lambda: write_csv(self.file, inverted(self.rows)))
        config = read_json(self.runs / "own-lstm-learned-seed10" / "config.json")
        self.assertEqual(config["choices"]["data_checksum"], hashlib.sha256(self.file.read_bytes()).hexdigest())
        self.assertEqual(config["choices"]["corpus"], "csv")
        self.assertEqual(config["paths"], {"data": str(self.file)})

    def test_vectors(self):
        vectors = self.folder / "words.vec"
        vectors.write_text("good 1 2 3\nbad -1 -2 -3\n")
        self.check_change("vectors_checksum", "--vectors", vectors,
                          change=lambda: vectors.write_text("good 1 2 3\nbad -1 -2 -4\n"))

    def test_initial_parameters_of_other_words(self):
        self.accept()
        model = self.runs / "own-lstm-learned-seed10" / "model.safetensors"
        write_csv(self.file, [(text.replace("good", "gut"), label, split) for text, label, split in self.rows])
        self.assert_refused(self.call("--init", model, runs=self.folder / "others"), model, "other words", "--init")

    def test_initial_parameters(self):
        self.accept("--seed", 3)
        model = self.runs / "own-lstm-learned-seed3" / "model.safetensors"
        init = self.folder / "init.safetensors"
        shutil.copy(model, init)

        def change():
            tensors = read_safetensors(init)
            dtype, shape, values = tensors["decoder.linear_1.weight"]
            write_safetensors(init, {**tensors, "decoder.linear_1.weight": (dtype, shape, [2 * x for x in values])})

        self.check_change("init_checksum", "--init", init, change=change)

    def test_attached_vectors_and_prepared_data(self):
        vectors, prepared = self.folder / "words.vec", self.folder / "own"

        def prepare(*arguments):
            shutil.rmtree(prepared, ignore_errors=True)
            self.succeed("prepare", "csv", self.file, "--out", prepared, *arguments)

        vectors.write_text("good 1 2 3\nbad -1 -2 -3\n")
        prepare("--vectors", vectors)
        self.accept(dataset=prepared)
        prepare("--vectors", vectors)
        self.assert_finished(dataset=prepared)
        vectors.write_text("good 1 2 3\nbad -1 -2 -4\n")
        prepare("--vectors", vectors)
        self.assert_refused(self.call(dataset=prepared), "(vectors_checksum: the bytes of")
        write_csv(self.file, inverted(self.rows))
        prepare("--vectors", vectors)
        self.assert_refused(self.call(dataset=prepared), "data_checksum: the bytes of", "vectors_checksum")

    def test_standard_input(self):
        def train(**options):
            with open(self.file, "rb") as stdin:
                return self.call(dataset="/dev/stdin", stdin=stdin, **options)

        self.assertEqual(train().returncode, 0)
        self.assertIn("already finished", train().stdout)
        write_csv(self.file, inverted(self.rows))
        self.assert_refused(train(), "data_checksum", "--retrain")

    def test_process_substitution(self):
        def train(rows):
            write_csv(self.file, rows)
            command = '"$0" train --dataset <(cat "$1") --hidden 4 --epochs 1 --threads 1 --device cpu --runs "$2"'
            return subprocess.run(["bash", "-c", command, PROGRAM, self.file, self.runs], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=600, check=False)

        first = train(self.rows)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("already finished", train(self.rows).stdout)
        self.assert_refused(train(inverted(self.rows)), "data_checksum")

    def test_an_unfinished_run(self):
        folder = self.runs / "own-lstm-learned-seed10"
        self.accept()
        self.leave_unfinished(folder)
        write_csv(self.file, [(text, 1 - label if split == "train" else label, split)
                              for text, label, split in self.rows])
        before = self.bytes_of_runs()
        self.assert_refused(self.call("--epochs", 2, "--resume"), "data_checksum: the bytes of", "--retrain")
        self.assertEqual(self.bytes_of_runs(), before)
        self.accept("--epochs", 2, "--resume", "--retrain")
        self.accept("--epochs", 2, runs=self.folder / "fresh")
        self.assert_same_bytes(folder, self.folder / "fresh" / folder.name)

    def test_a_configuration_that_cannot_be_read(self):
        self.accept()
        config = self.runs / "own-lstm-learned-seed10" / "config.json"
        for content in ("{", "{}", "[]", ""):
            config.write_text(content)
            self.assert_refused(self.call(), config, "--retrain")
        self.accept("--retrain")
        self.assert_finished()

    def test_another_file_of_the_same_name(self):
        self.accept()
        other = self.folder / "other" / "own.csv"
        other.parent.mkdir()
        write_csv(other, inverted(self.rows))
        self.assert_refused(self.call(dataset=other), "data_checksum")
        self.assert_refused(self.call("--seed", 3, dataset=other), self.runs / "own-lstm-learned-seed10",
                            "another data set of the name own", "--runs")
        self.assertEqual(self.run_folders(), ["own-lstm-learned-seed10"])


    def test_another_version_of_the_program_that_goes_on(self):
        folder = self.runs / "own-lstm-learned-seed10"
        self.accept()
        self.leave_unfinished(folder)
        config = read_json(folder / "config.json")
        here = f"{config['version']}, commit {config['commit']}" if config["commit"] else config["version"]
        config.pop("checksum", None)
        (folder / "config.json").write_text(json.dumps({**config, "version": "0.0.1", "commit": "abc"}))
        output = self.accept("--epochs", 2, "--resume")
        self.assertIn(f"note: {folder} was trained by notnot 0.0.1, commit abc and goes on with notnot {here};", output)
        config = read_json(folder / "config.json")
        self.assertEqual((config["version"], config["commit"], config["resumed_by"]), ("0.0.1", "abc", [here]))
        self.assert_finished("--epochs", 2)
        self.succeed("report", self.runs, "--out", self.folder / "report")
        page = (self.folder / "report" / "index.html").read_text()
        self.assertEqual(page.count(f"0.0.1, commit abc, then {here}"), 2, "in the facts, and in the table of runs")


class Moved(Inputs):
    def test_a_name_that_is_not_utf8(self):
        latin1 = self.folder / os.fsdecode(b"caf\xe9.csv")
        self.file.rename(latin1)
        study = ("uniform", "--dataset", latin1, *OPTIONS, "--epochs", 1, "--runs", self.runs)
        self.succeed(*study)
        self.assertEqual(self.succeed(*study).count("already finished: "), 2)
        self.assertEqual(self.run_folders(), ["caf\ufffd-lstm-learned-seed10", "caf\ufffd-lstm-uniform-seed10"])
        self.succeed("report", self.runs, "--out", self.folder / "report")
        attention = self.folder / os.fsdecode(b"\xe9.jsonl")
        tokens = (json.loads(line) for line in self.succeed("data", latin1, "--tokens", "-").splitlines())
        attention.write_text("".join(json.dumps({**text, "attention": [1] * len(text["tokens"])}) + "\n"
                                     for text in tokens))
        diagnose = ("diagnose", "--dataset", latin1, "--attention", attention, *study[3:])
        self.succeed(*diagnose)
        self.assertEqual(self.succeed(*diagnose).count("already finished: "), 5)

    def test_a_file_that_was_moved_copied_or_linked(self):
        self.accept()
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        copy, link = elsewhere / "own.csv", self.folder / "link" / "own.csv"
        link.parent.mkdir()
        link.symlink_to(copy)
        shutil.move(self.file, copy)
        for dataset in (copy, link, "own.csv", "./own.csv"):
            self.assert_finished(dataset=dataset, cwd=elsewhere)

    def test_a_prepared_folder(self):
        prepared, moved = self.folder / "own", self.folder / "moved"
        self.succeed("prepare", "csv", self.file, "--out", prepared)
        self.accept(dataset=prepared)
        prepared.rename(moved)
        for dataset in (moved, "moved", "./moved", "moved/"):
            self.assert_finished(dataset=dataset, cwd=self.folder)
        # Who prepared it, and from which file, is told in dataset.json, but makes no other data of it.
        shutil.move(self.file, self.folder / "renamed.csv")
        shutil.rmtree(moved)
        (self.folder / "there").mkdir()
        shutil.move(self.folder / "renamed.csv", self.folder / "there" / "own.csv")
        self.succeed("prepare", "csv", self.folder / "there" / "own.csv", "--out", moved)
        self.assert_finished(dataset=moved)


class Prepared(Inputs):
    def test_a_label_that_was_flipped(self):
        prepared = self.folder / "own"
        self.succeed("prepare", "csv", self.file, "--out", prepared)
        content = bytearray((prepared / "data.safetensors").read_bytes())
        (length,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8:8 + length])
        content[8 + length + header["train.labels"]["data_offsets"][0]] ^= 1
        (prepared / "data.safetensors").write_bytes(content)
        for arguments in (("train", "--dataset", prepared, *OPTIONS, "--runs", self.runs), ("data", prepared),
                          ("data", prepared, "--tokens", self.folder / "tokens.jsonl")):
            self.assert_refused(run(*arguments), prepared / "data.safetensors", "is damaged", "checksum",
                                "prepare the data set again")
        self.assertEqual(self.run_folders(), [])
        self.assertFalse((self.folder / "tokens.jsonl").exists())


class Studies(Inputs):
    adversary = ("--lambdas", "0,0.001", "--adversary-epochs", 1, "--seeds", 50)

    def study(self, name, *arguments, dataset=None):
        return run(name, "--dataset", dataset or self.file, *OPTIONS, "--epochs", 1, "--runs", self.runs,
                   *arguments)

    def report(self, *runs):
        return run("report", *(runs or (self.runs,)), "--out", self.folder / "report")

    def choices(self, name):
        return read_json(self.runs / name / "config.json")["choices"]

    def test_a_study_is_replaced_as_a_whole(self):
        first = self.study("adversary", *self.adversary)
        self.assertEqual(first.returncode, 0, first.stderr)
        write_csv(self.file, inverted(self.rows))
        before = self.bytes_of_runs()
        self.assert_refused(self.study("adversary", *self.adversary), "data_checksum", "--retrain")
        self.assertEqual(self.bytes_of_runs(), before)
        again = self.study("adversary", *self.adversary, "--retrain")
        self.assertEqual(again.returncode, 0, again.stderr)
        checksum = hashlib.sha256(self.file.read_bytes()).hexdigest()
        for name in self.run_folders():
            self.assertEqual(self.choices(name)["data_checksum"], checksum, name)
        others = {self.choices(name).get("other_checksum") for name in self.run_folders()} - {None}
        self.assertEqual(len(others), 1)
        old = {path: content for path, content in before.items() if path.name == "config.json"}
        self.assertNotIn(next(iter(others)), "".join(content.decode() for content in old.values()))
        self.assertEqual(self.report().returncode, 0)

    def test_one_study_has_one_version_of_the_data(self):
        self.accept()
        write_csv(self.file, inverted(self.rows))
        self.assert_refused(self.call("--attention", "uniform"), self.runs / "own-lstm-learned-seed10",
                            "another data set of the name own", "--runs")
        self.accept("--attention", "uniform", runs=self.folder / "other")
        uniform = self.folder / "other" / "own-lstm-uniform-seed10"
        self.assert_refused(self.report(self.runs, uniform), self.runs / "own-lstm-learned-seed10", uniform,
                            "data_checksum: the bytes of the data have changed (content, packing or line ends)")
        self.assertFalse((self.folder / "report").exists())

    def test_adversaries_of_an_earlier_base_model(self):
        first = self.study("adversary", *self.adversary)
        self.assertEqual(first.returncode, 0, first.stderr)
        adversary = self.runs / "own-adversary-lambda0.001-seed10"
        remove_checksums(adversary)
        set_choice(adversary, "other_checksum", "0" * 64)
        self.assert_refused(self.report(), adversary, "learnt from another version of", "--retrain")
        self.assert_refused(self.study("adversary", *self.adversary), adversary, "other_checksum: the attention")
        again = self.study("adversary", *self.adversary, "--retrain")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.report().returncode, 0)

    def test_a_users_file_with_the_name_of_a_corpus(self):
        imdb = self.folder / "imdb.csv"
        write_csv(imdb, self.rows)
        result = self.study("uniform", dataset=imdb)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("0.902", result.stdout)  # the paper's F1
        self.assertEqual(self.report().returncode, 0)
        page = (self.folder / "report" / "index.html").read_text()
        self.assertIn("imdb (own texts)</title>", page)
        for words in ("Large Movie", "0.902", "beside the paper", "The test split is not the paper"):
            self.assertFalse(words in page, words)


class DamagedRuns(Inputs):
    """A file of a finished run that was changed or lost since."""

    def setUp(self):
        super().setUp()
        self.accept()
        self.trained = self.runs / "own-lstm-learned-seed10"
        self.whole = {path.name: path.read_bytes() for path in self.trained.iterdir()}
        self.files = sorted(self.whole.keys() - {".lock", "checkpoint.safetensors", "config.json"})

    def damage(self, name):
        content = bytearray(self.whole[name])
        content[len(content) // 2] ^= 1
        (self.trained / name).write_bytes(content)

    def use(self, name):
        """The result of a command that reads the file."""
        if name in ("model.safetensors", "vocabulary.txt"):
            return run("predict", self.trained, "--text", "good")
        if name in ("attention_train.safetensors", "attention_dev.safetensors"):
            return run("diagnose", "--dataset", self.file, *OPTIONS, "--epochs", 1, "--attention", self.trained,
                       "--runs", self.folder / "diagnosed")
        return run("report", self.trained, "--out", self.folder / "report")

    def test_nobody_believes_it(self):
        self.assertEqual(len(self.files), 8, self.files)
        for name in self.files:
            with self.subTest(name):
                self.damage(name)
                self.assert_refused(self.use(name), self.trained / name)
                self.assert_refused(self.call(), self.trained / name, "--retrain")
                self.accept("--retrain")
                self.assertEqual({name: (self.trained / name).read_bytes() for name in EXACT_FILES},
                                 {name: self.whole[name] for name in EXACT_FILES})
                self.assertEqual(self.use(name).returncode, 0)
                self.whole = {path.name: path.read_bytes() for path in self.trained.iterdir()}

    def test_a_lost_file(self):
        for name in self.files:
            if name == "result.json":
                continue  # then the run is not finished
            with self.subTest(name):
                (self.trained / name).unlink()
                self.assert_refused(self.call(), self.trained / name, "is missing, though the run", "--retrain")
                (self.trained / name).write_bytes(self.whole[name])
                self.assert_finished()

    def test_files_of_another_run(self):
        """All but config.json, as where a copy has left out one file."""
        self.accept("--attention", "uniform")
        other = self.runs / "own-lstm-uniform-seed10"
        for name in self.files:
            (self.trained / name).write_bytes((other / name).read_bytes())
        for action in (self.call, lambda: run("report", self.runs, "--out", self.folder / "report"),
                       lambda: run("predict", self.trained, "--text", "good")):
            self.assert_refused(action(), self.trained / "config.json", "is not the configuration with which")
        self.accept("--retrain")
        self.assert_finished()

    def test_init(self):
        link = self.folder / "start.safetensors"
        link.symlink_to(self.trained / "model.safetensors")
        self.accept("--seed", 3, "--init", link)
        self.damage("model.safetensors")
        for path in (link, self.trained / "model.safetensors"):
            self.assert_refused(self.call("--seed", 4, "--init", path), self.trained / "model.safetensors")
        (self.trained / "model.safetensors").write_bytes(self.whole["model.safetensors"])
        (self.trained / "vocabulary.txt").unlink()
        self.assert_refused(self.call("--seed", 4, "--init", link), "vocabulary.txt is missing, though the run is")

    def test_measures_and_choices_that_were_edited(self):
        result = json.loads(self.whole["result.json"])
        result["test"]["f1"] = 0.99
        (self.trained / "result.json").write_text(json.dumps(result))
        for action in (self.call, lambda: run("report", self.trained, "--out", self.folder / "report")):
            self.assert_refused(action(), self.trained / "result.json", "its checksum is not that of its content")
        (self.trained / "result.json").write_bytes(self.whole["result.json"])
        set_choice(self.trained, "seed", 11)
        self.assert_refused(run("report", self.trained, "--out", self.folder / "report"), self.trained / "config.json",
                            "its checksum is not that of its content")
        self.assertFalse((self.folder / "report").exists())


class Old(Inputs):
    """Run folders of version 0.1.0, which recorded paths and no checksums."""

    def setUp(self):
        super().setUp()
        self.accept()
        self.old = self.runs / "own-lstm-learned-seed10"
        make_old(self.old)

    def test_it_is_never_taken_for_this_run(self):
        before = self.bytes_of_runs()
        for result in (self.call(), run("uniform", "--dataset", self.file, *OPTIONS, "--epochs", 1, "--runs", self.runs)):
            self.assert_refused(result, self.old, "earlier version", "no checksums", "--retrain", "--runs")
        self.assert_refused(run("report", self.runs, "--out", self.folder / "report"), self.old, "earlier version",
                            "--retrain")
        self.assertEqual(self.bytes_of_runs(), before)
        self.accept("--retrain")
        self.assert_finished()

    def test_its_model_predicts_with_a_warning(self):
        """The model and its vocabulary lie in the folder. Only how the texts were cleaned is in doubt."""
        new = self.folder / "new"
        self.accept(runs=new)
        old, fresh = (run("predict", folder, "--text", "a good film", "--device", "cpu")
                      for folder in (self.old, new / self.old.name))
        self.assertEqual((old.returncode, old.stdout), (fresh.returncode, fresh.stdout))
        self.assertIn(f"warning: {self.old} is of an earlier version", old.stderr)
        self.assertIn("white space", old.stderr)
        self.assertEqual(fresh.stderr, "")

    def test_on_the_built_in_corpus(self):
        self.accept(dataset="planted")
        old = self.runs / "planted-lstm-learned-seed10"
        make_old(old)
        self.assert_refused(self.call(dataset="planted"), old, "earlier version", "--retrain")
        self.accept("--retrain", dataset="planted")
        self.assert_finished(dataset="planted")

    def test_as_attention_from_elsewhere(self):
        self.assert_refused(run("diagnose", "--dataset", self.file, "--attention", self.old, *OPTIONS, "--runs",
                                self.folder / "other"), self.old, "earlier version", "--retrain")


class Pipes(Inputs):
    def bash(self, command, *arguments):
        return subprocess.run(["bash", "-c", command, PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=600, check=False)

    def test_attention(self):
        tokens, attention = self.folder / "tokens.jsonl", self.folder / "attention.jsonl"
        self.succeed("data", self.file, "--tokens", tokens)
        lines = [json.loads(line) for line in tokens.read_text().splitlines()]
        attention.write_text("".join(json.dumps({**line, "attention": [1] * len(line["tokens"])}) + "\n"
                                     for line in lines))
        command = ('"$0" diagnose --dataset "$1" --attention <(cat "$2") --hidden 4 --epochs 1 --threads 1 --device cpu '
                   '--runs "$3"')
        result = self.bash(command, self.file, attention, self.runs)
        self.assertEqual(result.returncode, 0, result.stderr)
        config = read_json(self.runs / "own-tokens-given-seed10-by-external-pipe" / "config.json")
        self.assertEqual(config["choices"]["other_checksum"], hashlib.sha256(attention.read_bytes()).hexdigest())
        self.assertTrue(config["paths"]["attention"].startswith("/dev/fd/"))
        attention.write_text(attention.read_text().replace("[1", "[2", 1))
        self.assert_refused(self.bash(command, self.file, attention, self.runs), "other_checksum")

    def test_safetensors_are_refused_by_name(self):
        self.accept()
        model = self.runs / "own-lstm-learned-seed10" / "model.safetensors"
        result = self.bash('"$0" train --dataset "$1" --init <(cat "$2") --hidden 4 --runs "$3"', self.file, model,
                           self.folder / "other")
        self.assert_refused(result, "/dev/fd/", "it is a pipe", "write it to a file first")
        self.assertFalse((self.folder / "other").exists())


if __name__ == "__main__":
    main()
