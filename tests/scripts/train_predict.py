#!/usr/bin/env python3
"""The commands notnot train and notnot predict: every file of a run folder, runs that have the same bytes, attention on
the planted evidence, and predictions that agree with the run to the last digit."""
import gzip
import json
import math
import pathlib
import random
import re
import shutil
import struct
import tempfile
import unittest

from common.program import (EXACT_FILES, MEASURES, SPLITS, TIMES, Test, cuda_reason, main, read_json, read_metrics,
                            read_predictions, read_safetensors, remove_checksums, run, run_on_terminal, small_corpus,
                            write_csv)

HIDDEN, EPOCHS = 32, 4
PLANTED = ("--dataset", "planted", "--hidden", HIDDEN)
# Rows of the planted corpus: 2000 training texts, 400 dev, 400 test; labels 0, 1, 0, 1, ...
FIRST_ROW = {"train": 1, "dev": 2001, "test": 2401}
SIZES = {"train": 2000, "dev": 400, "test": 400}
FILES = {*EXACT_FILES, "ablation.safetensors", "config.json", "metrics.csv", ".lock"}


def sizes_of(encoder, vocabulary, embed=300, hidden=HIDDEN):
    """Names and shapes of all parameters, as in the authors' PyTorch modules."""
    shapes = {"encoder.embedding.weight": [vocabulary, embed]}
    if encoder == "lstm":
        for suffix in ("", "_reverse"):
            shapes.update({f"encoder.rnn.weight_ih_l0{suffix}": [4 * hidden, embed],
                           f"encoder.rnn.weight_hh_l0{suffix}": [4 * hidden, hidden],
                           f"encoder.rnn.bias_ih_l0{suffix}": [4 * hidden],
                           f"encoder.rnn.bias_hh_l0{suffix}": [4 * hidden]})
    else:
        shapes.update({"encoder.projection.weight": [hidden, embed], "encoder.projection.bias": [hidden]})
    width = 2 * hidden if encoder == "lstm" else hidden
    return {**shapes, "decoder.linear_1.weight": [1, width], "decoder.linear_1.bias": [1],
            "decoder.attention.attn1.weight": [width // 2, width], "decoder.attention.attn1.bias": [width // 2],
            "decoder.attention.attn2.weight": [1, width // 2]}


def measures_of(probability, label):
    """F1 of class 1, ROC-AUC, accuracy and average precision, by their definitions."""
    positive = [p for p, y in zip(probability, label) if y == 1]
    negative = [p for p, y in zip(probability, label) if y == 0]
    hits = sum(p > 0.5 for p in positive)
    false_alarms = sum(p > 0.5 for p in negative)
    won = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    precision = [sum(q >= p for q in positive) / sum(q >= p for q in probability) for p in positive]
    return {"f1": 2 * hits / (hits + false_alarms + len(positive)),
            "roc_auc": won / len(positive) / len(negative),
            "accuracy": (hits + len(negative) - false_alarms) / len(label),
            "average_precision": sum(precision) / len(positive)}


def evidence_mass(predictions):
    """Mean share of a text's attention on the words that decide, and what uniform attention would put there."""
    mass = uniform = 0
    for text in predictions:
        evidence = [re.fullmatch(r"(blame|praise)\d+", token) is not None for token in text["tokens"]]
        mass += sum(a for a, e in zip(text["attention"], evidence) if e)
        uniform += sum(evidence) / len(evidence)
    return mass / len(predictions), uniform / len(predictions)


class WithRun(Test):
    """One training of the planted corpus for all tests of the class, in cls.run_folder; tests must not change it."""
    arguments = PLANTED + ("--epochs", EPOCHS)

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        result = run("train", *cls.arguments, "--device", cls.device, "--runs", cls.shared)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        cls.output = result.stdout
        (cls.run_folder,) = cls.shared.iterdir()


class Files(WithRun):
    """The run folder, file by file."""

    def attention(self, split):
        return read_safetensors(self.run_folder / f"attention_{split}.safetensors")

    def chosen(self):
        epoch = read_json(self.run_folder / "result.json")["epoch"]
        return next(row for row in read_metrics(self.run_folder) if int(row["epoch"]) == epoch)

    def test_every_file_is_there(self):
        self.assertEqual({path.name for path in self.run_folder.iterdir()}, FILES)
        self.assertEqual(self.run_folder.name, "planted-lstm-learned-seed10")

    def test_config(self):
        config = read_json(self.run_folder / "config.json")
        choices = config["choices"]
        expected = {"dataset": "planted", "encoder": "lstm", "attention": "learned", "hidden": HIDDEN, "embed": 300,
                    "epochs": EPOCHS, "batch": 32, "seed": 10, "select": "test", "min_df": 1, "length_filter": False,
                    "learning_rate": 1e-3, "weight_decay": 1e-5, "corpus": "planted"}
        self.assertEqual({key: choices[key] for key in expected}, expected)
        self.assertEqual([key for key in choices if key.endswith("_checksum")], [])  # nothing was read
        self.assertEqual(config["paths"], {})
        self.assertEqual(len(config["devices"]), 1)
        self.assertTrue(config["devices"][0].startswith(self.device))
        program = run("--version").stdout
        self.assertIn(f"notnot {config['version']} ({config['commit']})", program)
        for split, size in SIZES.items():
            sizes = config["data"]["splits"][split]
            self.assertEqual((sizes["negative"], sizes["positive"]), (size // 2, size // 2))
            self.assertEqual(sizes["tokens"], self.attention(split)["offsets"][2][-1])

    def test_metrics(self):
        rows = read_metrics(self.run_folder)
        per_split = [f"{split}_{name}" for split in SPLITS for name in ("loss", *MEASURES)]
        self.assertEqual(list(rows[0]), ["epoch", *per_split, *TIMES])
        self.assertEqual([int(row["epoch"]) for row in rows], list(range(1, EPOCHS + 1)))
        tokens = self.attention("train")["offsets"][2][-1]
        for row in rows:
            self.assertTrue(all(math.isfinite(float(value)) for value in row.values()), row)
            for name in per_split:
                self.assertTrue(0 <= float(row[name]) <= (9 if "loss" in name else 1), (name, row[name]))
            self.assertAlmostEqual(float(row["tokens_per_second"]) * float(row["train_seconds"]) / tokens, 1, 6)
        self.assertLess(float(rows[-1]["train_loss"]), 0.5 * float(rows[0]["train_loss"]))

    def test_result_is_the_best_epoch(self):
        result = read_json(self.run_folder / "result.json")
        self.assertEqual(set(result), {"epoch", "selected_on", *SPLITS, "files", "checksum"})
        self.assertEqual(result["selected_on"], "test")
        scores = [float(row["test_roc_auc"]) for row in read_metrics(self.run_folder)]
        self.assertEqual(result["epoch"], 1 + scores.index(max(scores)))
        for split in SPLITS:
            self.assertEqual(set(result[split]), set(MEASURES))
            for name in MEASURES:
                self.assertEqual(f"{result[split][name]:.9g}", f"{float(self.chosen()[f'{split}_{name}']):.9g}")

    def test_measures_follow_from_the_probabilities(self):
        result = read_json(self.run_folder / "result.json")
        for split in SPLITS:
            tensors = self.attention(split)
            probability, label = tensors["probability"][2], tensors["label"][2]
            for name, value in measures_of(probability, label).items():
                self.assertAlmostEqual(result[split][name], value, 12, f"{split} {name}")
            # The classes have equal weight here.
            loss = -sum(math.log(p if y == 1 else 1 - p) for p, y in zip(probability, label)) / len(label)
            self.assertAlmostEqual(float(self.chosen()[f"{split}_loss"]) / loss, 1, 4)

    def test_vocabulary(self):
        lines = (self.run_folder / "vocabulary.txt").read_bytes().decode().split("\n")
        self.assertEqual(lines.pop(), "")
        self.assertEqual(lines[:4], ["<0>", "<UNK>", "<SOS>", "<EOS>"])
        self.assertEqual(lines[4:], sorted(lines[4:], key=str.encode))
        kinds = [f"{word}{i}" for word, n in (("blame", 20), ("praise", 20), ("chatter", 30), ("word", 400))
                 for i in range(n)]
        self.assertEqual(set(lines[4:]), set(kinds))

    def test_parameters(self):
        vocabulary = (self.run_folder / "vocabulary.txt").read_text().count("\n")
        expected = sizes_of("lstm", vocabulary)
        model = read_safetensors(self.run_folder / "model.safetensors")
        self.assertEqual({name: shape for name, (_, shape, _) in model.items()}, expected)
        for name, (dtype, _, values) in model.items():
            self.assertEqual(dtype, "F32")
            self.assertTrue(all(map(math.isfinite, values)) and any(values), name)
        self.assertEqual(set(model["encoder.embedding.weight"][2][:300]), {0.0}, "the padding row")
        checkpoint = read_safetensors(self.run_folder / "checkpoint.safetensors")
        states = {f"{state}/{name}": shape for name, shape in expected.items()
                  for state in ("parameter", "first_moment", "second_moment", "largest_second_moment")}
        progress = {name: [1] for name in ("step", "epoch", "batch", "best_epoch", "best_score", "train_seconds",
                                          "loss")}
        self.assertEqual({name: shape for name, (_, shape, _) in checkpoint.items()}, {**states, **progress})
        self.assertEqual(checkpoint["step"][2], (EPOCHS * math.ceil(SIZES["train"] / 32),))
        self.assertEqual((checkpoint["epoch"][2], checkpoint["batch"][2]), ((EPOCHS + 1,), (0,)))

    def test_attention(self):
        for split in SPLITS:
            tensors = self.attention(split)
            size = SIZES[split]
            types = {name: (dtype, shape) for name, (dtype, shape, _) in tensors.items()}
            log_attention, offsets = tensors["log_attention"][2], tensors["offsets"][2]
            self.assertEqual(types, {"log_attention": ("F32", [len(log_attention)]), "offsets": ("I64", [size + 1]),
                                     "probability": ("F32", [size]), "label": ("I32", [size]), "row": ("I64", [size])})
            self.assertEqual(tensors["row"][2], tuple(range(FIRST_ROW[split], FIRST_ROW[split] + size)))
            self.assertEqual(tensors["label"][2], (0, 1) * (size // 2))
            self.assertEqual((offsets[0], offsets[-1]), (0, len(log_attention)))
            for begin, end in zip(offsets, offsets[1:]):
                self.assertEqual((log_attention[begin], log_attention[end - 1]), (-math.inf, -math.inf))
                self.assertTrue(8 <= end - begin - 2 <= 30)
                self.assertAlmostEqual(sum(map(math.exp, log_attention[begin:end])), 1, 5)

    def test_predictions(self):
        predictions, tensors = read_predictions(self.run_folder), self.attention("test")
        offsets = tensors["offsets"][2]
        vocabulary = set((self.run_folder / "vocabulary.txt").read_text().splitlines()[4:])
        self.assertEqual(len(predictions), SIZES["test"])
        for i, text in enumerate(predictions):
            self.assertEqual(list(text), ["row", "label", "probability", "tokens", "unknown", "attention"])
            self.assertEqual((text["row"], text["label"]), (tensors["row"][2][i], tensors["label"][2][i]))
            self.assertEqual(text["unknown"], [])
            self.assertEqual(struct.pack("f", text["probability"]), struct.pack("f", tensors["probability"][2][i]))
            self.assertLessEqual(set(text["tokens"]), vocabulary)
            # The boundary tokens are left out, and weights have nine digits.
            weights = [math.exp(value) for value in tensors["log_attention"][2][offsets[i] + 1:offsets[i + 1] - 1]]
            self.assertEqual(len(text["tokens"]), len(weights))
            self.assertEqual([f"{a:.9g}" for a in text["attention"]], [f"{w:.9g}" for w in weights])
            self.assertAlmostEqual(sum(text["attention"]), 1, 5)

    def test_learns_and_looks_at_the_evidence(self):
        # Seeds 10 to 12 reach a test F1 of 0.957 to 0.973, and attention of 0.968 to 0.973 on the evidence.
        self.assertGreater(read_json(self.run_folder / "result.json")["test"]["f1"], 0.93)
        mass, uniform = evidence_mass(read_predictions(self.run_folder))
        self.assertAlmostEqual(uniform, 0.142, 3)
        self.assertGreater(mass, 0.85)

    def test_output(self):
        lines = self.output.splitlines()
        self.assertIn("train 1000 + 1000, dev 200 + 200, test 200 + 200 texts", lines[0])
        self.assertIn("this leaks", lines[1])
        self.assertEqual([line.split()[1] for line in lines if line.startswith("epoch")], ["1/4", "2/4", "3/4", "4/4"])
        self.assertTrue(lines[-1].startswith(f"{self.run_folder}: epoch "))
        self.assertNotIn("\r", self.output, "a progress bar where there is no terminal")


class Predict(WithRun):
    """notnot predict on the run's own test texts and on others."""

    def predict(self, *arguments, **options):
        return self.succeed("predict", self.run_folder, "--device", self.device, *arguments, **options).splitlines()

    def test_agrees_with_the_run_to_the_digit(self):
        lines = (self.run_folder / "predictions.jsonl").read_text().splitlines()
        expected = ['{"probability"' + line.split('"probability"')[1] for line in lines]
        texts = [" ".join(text["tokens"]) for text in read_predictions(self.run_folder)]
        file = self.folder / "texts"
        file.write_text("\n".join(texts) + "\n")
        self.assertEqual(self.predict("--input", file), expected)
        self.assertEqual(self.predict("--threads", 2, stdin=None, input="\r\n".join(texts)), expected)
        self.assertEqual(self.predict("--text", texts[7], "--text", texts[3]), [expected[7], expected[3]])
        self.assertEqual(self.predict("--text", texts[5]), [expected[5]])

    def test_cleans_texts_as_training_does(self):
        lines = self.predict("--text", "praise1 word2 word3", "--text", " PRAISE1\t Word2\u00a0\u2003word3 ")
        self.assertEqual(lines[0], lines[1])
        self.assertEqual(json.loads(lines[0])["tokens"], ["praise1", "word2", "word3"])

    def test_forms_of_the_input(self):
        plain = "The good film\nand a BAD one\n"
        expected = self.predict("--text", "The good film", "--text", "and a BAD one")
        file = self.folder / "texts"
        line_ends = (plain.replace("\n", end).encode() for end in ("\n", "\r\n", "\r"))
        for content in (*line_ends, plain.encode().rstrip(b"\n"), plain.encode("utf-8-sig"), plain.encode("utf-16"),
                        gzip.compress(plain.encode())):
            with self.subTest(content=content[:20]):
                file.write_bytes(content)
                self.assertEqual(self.predict("--input", file), expected)
                for arguments in ((), ("--input", "-"), ("--input", "/dev/stdin")):
                    with file.open("rb") as stdin:
                        self.assertEqual(self.predict(*arguments, stdin=stdin), expected)

    def test_files_of_another_kind(self):
        file = self.folder / "texts"
        for content, kind in (("text,label,split\na film,1,train\n", "table"), ("id\ttext\tlabel\n1\ta film\t1\n", "table"),
                              ('{"text": "a film", "label": 1}\n', "JSON"), ('[\n{"text": "a film"}]\n', "JSON"),
                              ('[{"text": "a film"}]\n', "JSON"), ("<!DOCTYPE html>\n<p>a film</p>\n", "web page"),
                              ('"text","label"\n"a film",1\n', "table"), ("text;label\na film;1\n", "table"),
                              ("text\na film\n", "table"), ("Text \na film\n", "table"), ('"text"\n"a film"\n', "table"),
                              (",text\n0,a film\n", "table"), ("Review,Sentiment\na film,1\n", "table"),
                              ("id\tsentence\n1\ta film\n", "table"), ('"a film"\n"a plot"\n', "JSON"),
                              ('"a \\"film\\""\n', "JSON"), ('["a film", "a plot"]\n', "JSON")):
            for mark in ("", "\ufeff"):  # of the order of the bytes, as pandas and Excel write it
                with self.subTest(content=mark + content):
                    file.write_text(mark + content, encoding="utf-8")
                    result = run("predict", self.run_folder, "--input", file)
                    self.assertEqual((result.returncode, result.stdout), (2, ""))
                    for word in (file, "line 1", kind, "one per line"):
                        self.assertIn(str(word), result.stderr)
        file.write_text('a film, with a label\n{"text": "a film"}\n')
        self.assertEqual(len(self.predict("--input", file)), 2)
        # What may be texts is taken for texts.
        for content in ("text\n", '"Titanic"\n', '"Titanic"\na film\n', '"Titanic" and "Rocky"\n"Alien"\n',
                        "[1]\n[2]\n", "[music]\n", '["a film" he said]\n', "good,bad,ugly\n", "text,\n", "a review, with text\n",
                        "review; a good film\n", "text: a film\nb\n"):
            with self.subTest(content=content):
                file.write_text(content)
                self.assertEqual(len(self.predict("--input", file)), content.count("\n"))

    def test_many_texts_are_answered_as_one_by_one(self):
        words = ["good", "bad", "film", "plot", "filler1", "never-seen"]
        generator = random.Random(3)
        texts = [" ".join(generator.choices(words, k=length)) for length in (1, 2, 3, 40, 900, 9000)]
        answers = {text: self.predict("--text", text)[0] for text in texts}
        # More words than are read at once, in an order in which later blocks have longer texts.
        order = texts[:4] * 1000 + texts + texts[::-1] + texts[:4] * 200
        self.assertEqual(self.predict(stdin=None, input="\n".join(order)), [answers[text] for text in order])

    def test_unknown_words(self):
        first, second, text = map(json.loads, self.predict("--text", "praise1 Ünknown", "--text", 'praise1 "quoted"',
                                                           "--text", "<EOS>"))
        self.assertEqual((first["tokens"], second["tokens"]), (["praise1", "ünknown"], ["praise1", '"quoted"']))
        self.assertEqual((first["probability"], first["attention"]), (second["probability"], second["attention"]))
        self.assertEqual((first["unknown"], second["unknown"], text["unknown"]), ([1], [1], [0]))
        self.assertEqual((text["tokens"], text["attention"]), (["<eos>"], [1]))

    def test_understands_the_evidence(self):
        good, bad = map(json.loads, self.predict("--text", "word1 word2 praise3 word4 word5 word6 word7 word8",
                                                 "--text", "word1 word2 blame3 word4 word5 word6 word7 word8"))
        self.assertGreater(good["probability"], 0.8)
        self.assertLess(bad["probability"], 0.2)

    def refuse(self, *arguments, words, run_folder=None, **options):
        result = run("predict", run_folder or self.run_folder, *arguments, **options)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        for word in words:
            self.assertIn(str(word), result.stderr)

    def test_bad_texts(self):
        file = self.folder / "texts"
        self.refuse("--input", file, words=(file, "check that the path is right"))
        self.refuse("--input", self.folder, words=(self.folder, "directory"))
        for content, words in ((b"", ("has no texts", "one per line")),
                               (b"good\ncaf\xe9\n", ("line 2", "byte 4", "UTF-8", "convert")),
                               (b"good\n \nbad\n", ("line 2", "no words", "remove the line")),
                               (b"good\nbad\n\n", ("line 3", "no words")),
                               (b"\xef\xbb\xbf\ngood\n", ("line 1", "no words")),
                               (b"good\0 film\n" * 99, ("NUL",)), (b"good\n" * 99 + b"a\0b\n", ("line 100", "byte 2", "NUL")),
                               (b"good\nbad\rfilm\n", ("line 2", "byte 4", "carriage return"))):
            with self.subTest(content=content[:20]):
                file.write_bytes(content)
                self.refuse("--input", file, words=(file, *words))
                with file.open("rb") as stdin:
                    self.refuse(stdin=stdin, words=words)
        self.refuse(words=("standard input", "one per line"))
        self.refuse("--text", "", words=("--text", "is empty"))
        self.refuse("--text", "good", "--input", file, words=("--text", "--input"))

    def test_bad_runs(self):
        text = ("--text", "good")
        self.refuse(*text, run_folder=self.folder / "none", words=(self.folder / "none",))
        self.assertFalse((self.folder / "none").exists())
        copy = self.folder / "copy"
        for name, content in (("config.json", b"{}"), ("config.json", b"{"), ("vocabulary.txt", b"<0>\n"),
                              ("vocabulary.txt", b"<0>\n<UNK>\n<SOS>\n<EOS>\nword"), ("model.safetensors", b"0" * 99),
                              ("model.safetensors", (self.run_folder / "checkpoint.safetensors").read_bytes())):
            with self.subTest(name=name, content=content[:40]):
                shutil.copytree(self.run_folder, copy)
                (copy / name).write_bytes(content)
                self.refuse(*text, run_folder=copy, words=(copy / name,))
                shutil.rmtree(copy)
        shutil.copytree(self.run_folder, copy)
        (copy / "model.safetensors").unlink()
        self.refuse(*text, run_folder=copy, words=(copy / "model.safetensors",))
        self.refuse(*text, "--device", "cuda:99", words=("cuda:99",))

    def copy_of_run(self, change=None):
        """A copy of the run folder; `change` edits its configuration."""
        copy = self.folder / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.run_folder, copy)
        if change:
            remove_checksums(copy)
            config = read_json(copy / "config.json")
            change(config)
            (copy / "config.json").write_text(json.dumps(config))
        return copy

    def test_runs_that_are_not_finished(self):
        text = ("--text", "good")
        copy = self.copy_of_run()
        (copy / "result.json").unlink()
        self.refuse(*text, run_folder=copy, words=(copy, "is not finished", "--resume"))
        (copy / "checkpoint.safetensors").unlink()
        self.refuse(*text, run_folder=copy, words=(copy, "is not finished"))
        (copy / "failure.json").write_text('{"reason": 3}')
        self.refuse(*text, run_folder=copy, words=(copy / "failure.json", "it gives no reason", "train again"))
        (copy / "failure.json").write_text('{"reason": "the disk is full"}')
        self.refuse(*text, run_folder=copy, words=(copy, "failed (the disk is full)", "train it again"))

    def test_runs_without_an_attention_of_their_own(self):
        text, base = ("--text", "good"), self.run_folder.name

        def guided(config):
            config["choices"].update(encoder="tokens", attention="given", other=base)

        copy = self.copy_of_run(guided)
        self.refuse(*text, run_folder=copy, words=(copy, "its attention comes from another model", base, "give a run"))

        def perturbed(config):
            config["choices"].update(perturbation=True, other=base)

        copy = self.copy_of_run(perturbed)
        self.refuse(*text, run_folder=copy, words=(copy, "perturbation", base, "give that run"))

    def test_configurations_of_other_versions(self):
        text = ("--text", "good")
        copy = self.copy_of_run(lambda config: config["choices"].update(temperature=2))
        self.refuse(*text, run_folder=copy, words=(copy / "config.json", "choices.temperature"))
        copy = self.copy_of_run(lambda config: config["choices"].update(hidden="4"))
        self.refuse(*text, run_folder=copy, words=(copy / "config.json", "`hidden` is '\"4\"'", "not of its type"))
        copy = self.copy_of_run(lambda config: config["data"].update(vocabulary=9))
        self.refuse(*text, run_folder=copy, words=(copy / "vocabulary.txt", "train the run again"))


class SameBytes(Test):
    """Runs that must not differ in a bit."""
    arguments = ("--dataset", "planted", "--hidden", 12, "--epochs", 2)

    def test_same_seed_again(self):
        for kind in ((), ("--encoder", "tokens"), ("--attention", "uniform")):
            with self.subTest(kind=kind):
                once = self.train(*self.arguments, *kind)
                again = self.train(*self.arguments, *kind, runs=self.folder / "again")
                self.assert_same_bytes(once, again)
                self.assert_same_metrics(once, again)

    def test_other_seed(self):
        models = {(self.train(*self.arguments, "--seed", seed) / "model.safetensors").read_bytes()
                  for seed in (1, 2, 10)}
        self.assertEqual(len(models), 3)

    def test_any_number_of_threads(self):
        for kind in ((), ("--encoder", "tokens")):
            folders = [self.train(*self.arguments, *kind, "--threads", threads, runs=self.folder / str(threads))
                       for threads in (1, 2, 3)]
            for other in folders[1:]:
                self.assert_same_bytes(folders[0], other)
                self.assert_same_metrics(folders[0], other)

    def test_fleet(self):
        last = self.train(*self.arguments, "--seed", "1,2,3")
        dataset = last.name.split("-")[0]
        self.assertEqual(self.run_folders(), [f"{dataset}-lstm-learned-seed{seed}" for seed in (1, 2, 3)])
        for seed in (1, 2, 3):
            alone = self.train(*self.arguments, "--seed", seed, runs=self.folder / "alone")
            self.assert_same_bytes(last.parent / alone.name, alone)
            self.assert_same_metrics(last.parent / alone.name, alone)

    def test_initial_parameters_from_a_file(self):
        start = self.train(*self.arguments)
        runs = [self.train(*self.arguments, "--init", start / "model.safetensors", "--seed", 5, runs=self.folder / name)
                for name in "ab"]
        self.assert_same_bytes(*runs)
        # It goes on where the other stopped: better after one epoch than the other was after its first.
        self.assertLess(float(read_metrics(runs[0])[0]["train_loss"]), float(read_metrics(start)[0]["train_loss"]))


@unittest.skipIf(cuda_reason(), cuda_reason())
class FilesOnCuda(Files):
    device = "cuda"


@unittest.skipIf(cuda_reason(), cuda_reason())
class PredictOnCuda(Predict):
    device = "cuda"


@unittest.skipIf(cuda_reason(), cuda_reason())
class SameBytesOnCuda(SameBytes):
    device = "cuda"


class Kinds(Test):
    """Models other than the LSTM with learned attention."""

    def test_tokens(self):
        folder = self.train(*PLANTED, "--encoder", "tokens", "--epochs", EPOCHS)
        self.assertEqual(folder.name, "planted-tokens-learned-seed10")
        model = read_safetensors(folder / "model.safetensors")
        self.assertEqual({name: shape for name, (_, shape, _) in model.items()}, sizes_of("tokens", 474))
        # Seeds 10 to 12: F1 0.995 to 1, and 0.83 to 0.87 of the attention on the evidence.
        self.assertGreater(read_json(folder / "result.json")["test"]["f1"], 0.97)
        self.assertGreater(evidence_mass(read_predictions(folder))[0], 0.7)

    def test_uniform(self):
        folder = self.train(*PLANTED, "--attention", "uniform", "--epochs", 1)
        self.assertEqual(folder.name, "planted-lstm-uniform-seed10")
        for text in read_predictions(folder):
            for weight in text["attention"]:
                self.assertAlmostEqual(weight * len(text["tokens"]), 1, 6)
        twin = self.train(*PLANTED, "--epochs", 1)
        uniform, learned = (read_safetensors(path / "model.safetensors") for path in (folder, twin))
        further = self.train(*PLANTED, "--attention", "uniform", "--epochs", 1, "--init", folder / "model.safetensors",
                             runs=self.folder / "further")
        again = read_safetensors(further / "model.safetensors")
        for name in uniform:  # it does not train the attention's parameters, which it does not use
            self.assertNotEqual(uniform[name], learned[name], name)
            self.assertEqual(uniform[name] == again[name], "attention" in name, name)


class OwnData(Test):
    """Training on the user's own CSV file, with the options for it."""

    def setUp(self):
        super().setUp()
        self.csv = self.folder / "own.csv"
        self.rows = small_corpus()
        write_csv(self.csv, self.rows)
        self.data = ("--dataset", self.csv, "--hidden", 4)
        self.arguments = (*self.data, "--epochs", 1)

    def words(self, folder):
        return (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()

    def test_min_df(self):
        frequency = {}
        for text, _, split in self.rows:
            for word in set(text.split()) if split == "train" else ():
                frequency[word] = frequency.get(word, 0) + 1
        for min_df in (1, 8):
            folder = self.train(*self.arguments, "--min-df", min_df, runs=self.folder / str(min_df))
            kept = sorted(word for word, count in frequency.items() if count >= min_df)
            self.assertEqual(self.words(folder)[4:], kept)
            # What is handed out is the text, though the model sees no more than the vocabulary has.
            predictions, unknown = read_predictions(folder), 0
            for text, (words, _, _) in zip(predictions, self.rows[80:], strict=True):
                self.assertEqual(text["tokens"], words.split())
                self.assertEqual(text["unknown"], [i for i, word in enumerate(words.split()) if word not in kept])
                unknown += len(text["unknown"])
            lines = (folder / "predictions.jsonl").read_text().splitlines()
            output = self.succeed("predict", folder, "--device", "cpu", stdin=None,
                                  input="\n".join(words for words, _, _ in self.rows[80:]))
            self.assertEqual(output.splitlines(), ['{"probability"' + line.split('"probability"')[1] for line in lines])
        self.assertLess(len(kept), len(frequency))
        self.assertGreater(unknown, 10)

    def test_ids_of_the_data(self):
        """Ids of any form go through; the model and the other members are the same without them."""
        plain = self.train(*self.arguments)
        ids = ["" if i % 7 == 0 else f"r\u00e9view,{i % 13} \"x\"" for i in range(len(self.rows))]
        named = self.folder / "named" / "own.csv"
        named.parent.mkdir()
        write_csv(named, [[i, *row] for i, row in zip(ids, self.rows)], ("id", "text", "label", "split"))
        folder = self.train("--dataset", named, *self.arguments[2:], runs=self.folder / "named-runs")
        predictions = read_predictions(folder)
        self.assertEqual([text.pop("id") for text in predictions], [i or None for i in ids[80:]])
        self.assertEqual(predictions, read_predictions(plain))
        self.assert_same_bytes(plain, folder, ("model.safetensors", "vocabulary.txt"))
        for split, begin, end in (("train", 0, 60), ("dev", 60, 80), ("test", 80, 100)):
            file = f"attention_{split}.safetensors"
            tensors, without = read_safetensors(folder / file), read_safetensors(plain / file)
            _, _, text = tensors.pop("id")
            _, _, at = tensors.pop("id_offsets")
            self.assertEqual([bytes(text[a:b]).decode() for a, b in zip(at, at[1:])], ids[begin:end])
            self.assertEqual(tensors, without)

    def test_length_filter(self):
        for low, high in ((None, None), (3, None), (None, 6), (3, 6)):
            arguments = (("--min-length", low) if low else ()) + (("--max-length", high) if high else ())
            folder = self.train(*self.arguments, *arguments, runs=self.folder / f"{low}-{high}")
            for split in SPLITS:
                lengths = {i: len(row[0].split()) for i, row in enumerate(self.rows, 1) if row[2] == split}
                kept = [i for i, n in lengths.items() if (low or 0) < n < (high or 1000)]
                rows = read_safetensors(folder / f"attention_{split}.safetensors")["row"][2]
                self.assertEqual(list(rows), kept, (split, low, high))

    def test_forms_of_the_file(self):
        expected = self.train(*self.arguments)
        other = self.folder / "other" / "own.csv"
        other.parent.mkdir()
        write_csv(other, [["x", split, label, f" {text.upper()} \n"] for text, label, split in self.rows],
                  ("note", "exp_split", "label", "text"))
        other.write_bytes(b"\xef\xbb\xbf" + other.read_bytes())
        again = self.train("--dataset", other, *self.arguments[2:], runs=self.folder / "again")
        self.assert_same_results(expected, again)

    def test_first_of_equal_epochs_is_chosen(self):
        arguments = (*self.data, "--encoder", "tokens", "--select", "dev", "--batch", 4)
        folder = self.train(*arguments, "--epochs", 40)
        result, rows = read_json(folder / "result.json"), read_metrics(folder)
        scores = [float(row["dev_roc_auc"]) for row in rows]
        self.assertGreater(scores.count(max(scores)), 1, "no tie: this test shows nothing")
        self.assertEqual((result["epoch"], result["selected_on"]), (1 + scores.index(max(scores)), "dev"))
        # The model is that epoch's, not the last one's.
        short = self.train(*arguments, "--epochs", result["epoch"], runs=self.folder / "short")
        self.assert_same_bytes(folder, short, ("model.safetensors", "predictions.jsonl", "attention_dev.safetensors"))

    def test_word_vectors(self):
        """Row k-1 of the embedding belongs to the word on line k. Training moves a value by about 0.002 here."""
        vectors = {word: [10 * i, -i, 0.5] for i, word in enumerate(("warm", "good", "filler3", "bad"), 1)}
        path = self.folder / "words.vec"
        path.write_text("".join(f"{word} {' '.join(map(str, values))}\n" for word, values in vectors.items()))
        folder = self.train(*self.arguments, "--vectors", path)
        _, shape, values = read_safetensors(folder / "model.safetensors")["encoder.embedding.weight"]
        words = self.words(folder)
        self.assertEqual(shape, [len(words), 3])
        self.assertEqual(values[:3], (0, 0, 0))
        for i, word in enumerate(words):
            for value, expected in zip(values[3 * i:3 * i + 3], vectors.get(word, [0, 0, 0])):
                self.assertAlmostEqual(value, expected, delta=0.01, msg=word)
        self.assertEqual(read_json(folder / "config.json")["data"]["words_with_vectors"], 4)

    def test_a_finished_run_is_skipped(self):
        folder = self.train(*self.arguments)
        before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}
        for flag in ((), ("--resume",)):
            output = self.succeed("train", "--runs", self.runs, "--device", "cpu", *self.arguments, *flag)
            self.assertIn(f"already finished: {folder}: epoch 1 by test ROC-AUC", output)
        self.assertEqual({path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}, before)
        # Only what is missing of a fleet is trained.
        self.train(*self.arguments, "--seed", "10,11")
        self.assertEqual({path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}, before)
        self.assertEqual(self.run_folders(), ["own-lstm-learned-seed10", "own-lstm-learned-seed11"])


class OtherCommands(Test):
    def test_a_bar_on_a_terminal_and_lines_elsewhere(self):
        arguments = ("train", "--dataset", "planted", "--hidden", 4, "--epochs", 2, "--device", self.device, "--runs")
        plain = self.succeed(*arguments, self.runs)
        self.assertNotIn("\r", plain)
        shutil.rmtree(self.runs)
        percentages, lines = run_on_terminal(*arguments, self.runs)
        self.assertGreater(len(percentages), 0)
        self.assertEqual(percentages, sorted(percentages))
        times = re.compile(r"[\d.]+ (?=s |tokens/s)")
        self.assertEqual(times.sub("", lines), times.sub("", plain))

    def test_explain(self):
        output = self.succeed("train", "--dataset", "planted", "--device", "cpu", "--explain", cwd=self.folder)
        self.assertEqual(list(self.folder.iterdir()), [])
        for name, shape in sizes_of("lstm", 474, hidden=128).items():
            self.assertRegex(output, rf"{re.escape(name)} +{re.escape(str(shape))} +at \d+")
        rows = [float(value) for value in re.findall(r"^  \w.*\] +([\d.]+) MiB$", output, re.M)]
        total = float(re.search(r"^total +([\d.]+) MiB$", output, re.M)[1])
        self.assertGreater(len(rows), 20)
        self.assertAlmostEqual(sum(rows), total, delta=0.001 * len(rows))

    def test_profile(self):
        output = self.succeed("train", *PLANTED, "--device", "cpu", "--epochs", 1, "--runs", self.runs, "--profile")
        shares = [float(share) for share in re.findall(r"([\d.]+) ?%", output)]
        self.assertGreater(len(shares), 5, output)
        self.assertAlmostEqual(sum(shares), 100, delta=1)
        self.assertIn("BiLSTM, forward", output)

    def test_version(self):
        self.assertRegex(self.succeed("--version"), r"^notnot \d+\.\d+\.\d+ \(.+\); CUDA backend .+\n$")

    def test_devices(self):
        output = self.succeed("devices")
        self.assertRegex(output, r"^cpu +\d+ threads, (avx512|avx2|baseline) kernels\n")
        self.assertRegex(output, r"\ncuda(:0  .+ sm_\d+| +none: .+)")

    def test_help(self):
        commands = re.findall(r"^  (\w+) ", self.succeed("--help").split("Subcommands:")[1], re.M)
        self.assertLessEqual({"train", "predict", "devices"}, set(commands))
        for command in commands:
            self.assertRegex(self.succeed(command, "--help", cwd=self.folder), rf"Usage: notnot {command} ")
        for option in ("--dataset", "--min-df", "--min-length", "--max-length", "--encoder", "--attention", "--seed",
                       "--epochs", "--batch", "--hidden", "--vectors", "--init", "--select", "--device", "--threads",
                       "--runs", "--resume", "--explain", "--profile"):
            self.assertIn(f"  {option} ", self.succeed("train", "--help"))
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    main()
