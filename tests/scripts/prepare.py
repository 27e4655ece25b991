#!/usr/bin/env python3
"""The commands notnot prepare and notnot data: own files of every form, corpora in their publishers' folders, word
vectors, and the messages about bad input. Nothing is ever left half-written."""
import collections
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import struct
import subprocess
import time
import unittest

from common.program import SPLITS, Test, command, main, read_json, read_safetensors, run, small_corpus, write_csv

MENDABLE = 2
FILES = {"dataset.json", "vocabulary.txt", "data.safetensors", "texts.csv"}
DATA = os.environ.get("NOTNOT_DATA")


def corpus_or_reason(name):
    """Why the real corpus cannot be prepared here; empty if it can."""
    if not DATA:
        return "NOTNOT_DATA is not set"
    return "" if (pathlib.Path(DATA) / name).is_dir() else f"there is no {name} in {DATA}"


class Prepare(Test):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"
        self.file = self.folder / "reviews.csv"
        write_csv(self.file, small_corpus())

    def prepare(self, *arguments, out=None, **options):
        return self.succeed("prepare", *arguments, "--out", out or self.out, **options)

    def refuse(self, *arguments, words, **options):
        """The call is refused with a short message that has these words, and leaves no trace."""
        before = sorted(self.folder.rglob("*"))
        result = run("prepare", *arguments, "--out", self.out, **options)
        message = result.stderr.strip()
        self.assertEqual(result.returncode, MENDABLE, f"{message}\n{result.stdout}")
        self.assertLess(len(message.splitlines()), 4, "more than a message")
        for word in words:
            self.assertIn(str(word).lower(), message.lower())
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def description(self, out=None):
        return read_json((out or self.out) / "dataset.json")


class OwnTexts(Prepare):
    def test_the_prepared_folder(self):
        output = self.prepare("csv", self.file)
        self.assertEqual({path.name for path in self.out.iterdir()}, FILES)
        self.assertIn("train           30          30", output)
        description = self.description()
        self.assertEqual((description["name"], description["corpus"], description["synthetic"]),
                         ("reviews", "csv", False))
        source = self.file.read_bytes()
        self.assertEqual(description["sources"], [{"path": "reviews.csv", "files": 1, "bytes": len(source),
                                                   "sha256": hashlib.sha256(source).hexdigest()}])
        for name, known in description["files"].items():
            content = (self.out / name).read_bytes()
            self.assertEqual(known, {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        tensors = read_safetensors(self.out / "data.safetensors")
        words = (self.out / "vocabulary.txt").read_text().split("\n")
        offsets, ids = tensors["train.offsets"][2], tensors["train.token_ids"][2]
        for i, (text, label, _) in enumerate(small_corpus()[:60]):
            self.assertEqual(" ".join(words[id] for id in ids[offsets[i] + 1:offsets[i + 1] - 1]), text)
            self.assertEqual(tensors["train.labels"][2][i], label)
            self.assertEqual(tensors["train.rows"][2][i], i + 1)

    def test_every_form_gives_the_same(self):
        self.prepare("csv", self.file)
        tsv, jsonl = self.folder / "reviews.tsv", self.folder / "reviews.jsonl"
        tsv.write_text("".join("\t".join(map(str, row)) + "\n" for row in [("text", "label", "split")] + small_corpus()))
        jsonl.write_text("".join(json.dumps({"text": t, "label": y, "split": s}) + "\n" for t, y, s in small_corpus()))
        for file in (tsv, jsonl):
            other = self.folder / file.suffix[1:]
            self.prepare("csv", file, out=other)
            for name in FILES - {"dataset.json"}:
                self.assertEqual((other / name).read_bytes(), (self.out / name).read_bytes(), f"{name} of {file}")

    def test_packed_in_utf16_and_through_a_pipe(self):
        self.prepare("csv", self.file)
        content = self.file.read_bytes()
        packed, wide = self.folder / "reviews.csv.gz", self.folder / "wide.csv"
        packed.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
        wide.write_bytes(content.decode().encode("utf-16"))
        self.prepare("csv", packed, out=self.folder / "a")
        self.prepare("csv", wide, out=self.folder / "b")
        with self.file.open("rb") as file:
            self.prepare("csv", "/dev/stdin", out=self.folder / "c", stdin=file)
        for name, source in (("a", packed), ("b", wide), ("c", self.file)):
            for file in FILES - {"dataset.json"}:
                self.assertEqual((self.folder / name / file).read_bytes(), (self.out / file).read_bytes(), f"{file} of {name}")
            read = self.description(self.folder / name)["sources"][0]
            self.assertEqual(read["sha256"], hashlib.sha256(source.read_bytes()).hexdigest())
            self.assertEqual(read["bytes"], source.stat().st_size)
        self.assertEqual(self.description(self.folder / "a")["name"], "reviews")

    def test_texts_that_stand_in_two_splits(self):
        test = [row for row in small_corpus() if row[2] == "test"]
        dev = [row for row in small_corpus() if row[2] == "dev"]
        rows = small_corpus() + [[text, label, "train"] for text, label, split in test + dev[:1]]
        write_csv(self.file, rows)
        training = {text for text, label, split in rows if split == "train"}
        counts = {name: sum(text in training for text, label, split in texts)
                  for name, texts in (("dev", dev), ("test", test))}
        result = run("prepare", "csv", self.file, "--out", self.out)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"warning: {counts['test']} of {len(test)} test texts and {counts['dev']} of {len(dev)} dev texts are "
                      "also training texts", result.stderr)
        self.assertEqual(self.description()["choices"]["also_in_training"], counts)
        trained = run("train", "--dataset", self.file, "--runs", self.runs, "--hidden", 4, "--epochs", 1)
        self.assertIn(f"warning: {counts['test']} of", trained.stderr)

    def test_texts_without_blanks(self):
        words = "\u7535\u5f71", "\u559c\u6b22", "\u97f3\u4e50", "\u6545\u4e8b"  # film, to like, music, story
        rows = [["".join(words[(i + k) % 4] for k in range(8)), i % 2, SPLITS[i % 3]] for i in range(60)]
        write_csv(self.file, rows)
        result = run("prepare", "csv", self.file, "--out", self.out)
        self.assertIn("words in Han are several words", result.stderr)
        self.assertIn("--tokenise words", result.stderr)
        self.assertEqual(self.description()["choices"]["tokenise"], "blanks")
        result = run("prepare", "csv", self.file, "--tokenise", "words", "--out", self.folder / "cut")
        self.assertNotIn("Han", result.stderr)
        cut = self.folder / "cut"
        self.assertEqual((cut / "vocabulary.txt").read_text().split()[4:], sorted(words))
        choices = self.description(cut)["choices"]
        self.assertEqual(choices["tokenise"], "words")
        self.assertIn("ICU", choices["word_boundaries"])
        run_folder = self.train("--dataset", cut, "--hidden", 4, "--epochs", 1)
        line = json.loads(self.succeed("predict", run_folder, "--text", words[0] + words[1]))
        self.assertEqual(line["tokens"], [words[0], words[1]])

    def test_training_on_it_is_training_on_the_file(self):
        data = self.folder / "data"
        self.prepare("csv", self.file, out=data / "prepared" / "reviews")
        arguments = ("--hidden", 4, "--epochs", 1)
        own = self.train("--dataset", self.file, *arguments)
        by_path = self.train("--dataset", data / "prepared" / "reviews", *arguments, runs=self.folder / "a")
        by_name = self.train("--dataset", "reviews", *arguments, runs=self.folder / "b",
                             env={**os.environ, "NOTNOT_DATA": str(data)})
        self.assert_same_results(own, by_path)
        self.assert_same_results(own, by_name)
        # What `sha256sum vocabulary.txt data.safetensors | sha256sum` prints.
        files = self.description(data / "prepared" / "reviews")["files"]
        sums = "".join(f"{files[name]['sha256']}  {name}\n" for name in ("vocabulary.txt", "data.safetensors"))
        choices = read_json(by_path / "config.json")["choices"]
        self.assertEqual(choices["data_checksum"], hashlib.sha256(sums.encode()).hexdigest())

    def test_prepared_with_other_texts_is_another_run(self):
        self.prepare("csv", self.file)
        self.train("--dataset", self.out, "--hidden", 4, "--epochs", 1)
        shutil.rmtree(self.out)
        write_csv(self.file, small_corpus(seed=2))
        self.prepare("csv", self.file)
        result = run("train", "--dataset", self.out, "--hidden", 4, "--epochs", 1, "--runs", self.runs)
        self.assertEqual(result.returncode, MENDABLE)
        self.assertIn("data_checksum", result.stderr)

    def test_default_folder(self):
        result = run("prepare", "csv", self.file, env={**os.environ, "NOTNOT_DATA": str(self.folder)})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "prepared" / "reviews" / "dataset.json").exists())
        environment = {k: v for k, v in os.environ.items() if k != "NOTNOT_DATA"}
        result = run("prepare", "csv", self.file, env=environment)
        self.assertEqual(result.returncode, MENDABLE)
        self.assertIn("--out", result.stderr)

    def test_options_of_a_split_that_is_not_drawn(self):
        for options in (("--seed", 5), ("--dev-fraction", 0.3), ("--test-fraction", 0.3)):
            self.refuse("csv", self.file, *options, words=(self.file, "column split", options[0], "leave it out"))
        vectors = self.folder / "words.vec"
        vectors.write_text("good 1 2 3\n")
        random = ("--vectors", vectors, "--missing-vectors", "normal")
        self.refuse("csv", self.file, "--seed", 5, "--dev-fraction", 0.3, *random, words=("and --dev-fraction would",))
        self.prepare("csv", self.file, "--seed", 5, *random)

    def test_split_that_is_drawn(self):
        write_csv(self.file, [(text, label) for text, label, _ in small_corpus()], header=("text", "label"))
        self.prepare("csv", self.file, "--test-fraction", 0.3, "--dev-fraction", 0.1, "--seed", 5)
        splits = self.description()["splits"]
        self.assertEqual([(splits[s]["negative"], splits[s]["positive"]) for s in SPLITS], [(30, 30), (5, 5), (15, 15)])
        choices = self.description()["choices"]
        self.assertEqual((choices["seed"], choices["dev_fraction"], choices["test_fraction"]), (5, 0.1, 0.3))
        rows = {}
        for seed in (5, 6):
            again = self.folder / f"seed{seed}"
            self.prepare("csv", self.file, "--test-fraction", 0.3, "--dev-fraction", 0.1, "--seed", seed, out=again)
            rows[seed] = read_safetensors(again / "data.safetensors")["test.rows"][2]
        self.assertEqual(rows[5], read_safetensors(self.out / "data.safetensors")["test.rows"][2])
        self.assertNotEqual(rows[5], rows[6])

    def test_options(self):
        self.prepare("csv", self.file, "--min-df", 3, "--min-length", 3, "--max-length", 7)
        options = self.description()["options"]
        self.assertEqual(options, {"min_df": 3, "length_filter": True, "min_length": 3, "max_length": 7})
        offsets = read_safetensors(self.out / "data.safetensors")["train.offsets"][2]
        self.assertEqual({b - a - 2 for a, b in zip(offsets, offsets[1:])}, {4, 5, 6})
        result = run("train", "--dataset", self.out, "--min-df", 2)
        self.assertEqual(result.returncode, MENDABLE)
        self.assertIn("notnot prepare", result.stderr)

    def test_labels_by_name(self):
        write_csv(self.file, [(text, ("bad", "good")[label], split) for text, label, split in small_corpus()])
        self.refuse("csv", self.file, words=("record 1", "'bad'", "--labels"))
        self.prepare("csv", self.file, "--labels", "bad,good")
        self.assertEqual(self.description()["classes"], ["bad", "good"])
        self.assertEqual(self.description()["splits"]["train"]["positive"], 30)
        shutil.rmtree(self.out)
        for labels in ("bad", "bad,bad", ",good"):
            self.refuse("csv", self.file, "--labels", labels, words=("two labels",))
        self.refuse("csv", self.file, "--labels", "bad,great", words=("record 2", "'good'", "--labels"))

    def test_a_text_of_50_megabytes(self):
        rows = small_corpus()
        rows[4][0] = "many words " * 5_000_000
        write_csv(self.file, rows)
        self.prepare("csv", self.file, "--min-length", 0, "--max-length", 100)
        self.assertEqual(self.description()["splits"]["train"]["negative"], 29)


class BadTexts(Prepare):
    def refuse_file(self, content, *words, name="reviews.csv", arguments=()):
        file = self.folder / name
        file.write_bytes(content)
        self.refuse("csv", file, *arguments, words=(file, *words))

    def lines(self):
        return self.file.read_bytes().splitlines(keepends=True)

    def test_cut_short(self):
        content = self.file.read_bytes()
        self.refuse_file(content[:content.rindex(b",") - 3], "record 100", "1 fields")
        self.refuse_file(content + b'"an open quote', "record 101", "never closed")

    def test_quotes_out_of_balance(self):
        lines = self.lines()
        lines[7] = b'a "quote",1,train\r\n'
        self.refuse_file(b"".join(lines), "record 7", "line 8", "double quote")

    def test_bytes_that_are_no_text(self):
        lines = self.lines()
        self.refuse_file(bytes(range(256)) * 100, "byte 0", "NUL")
        lines[9] = b"caf\xe9 good,1,train\r\n"
        offset = sum(map(len, lines[:9])) + 3
        self.refuse_file(b"".join(lines), "record 9", f"byte {offset}", "0xE9", "--lossy")
        self.prepare("csv", self.file, "--lossy")
        self.assertIn("caf\ufffd good", (self.out / "texts.csv").read_text())
        self.assertTrue(self.description()["choices"]["lossy"])
        shutil.rmtree(self.out)
        lines[9] = b"nul\0 good,1,train\r\n"
        self.refuse_file(b"".join(lines), "record 9", f"byte {offset}", "NUL", "--lossy")

    def test_an_id_may_occur_twice(self):
        rows = [[*row, i % 90] for i, row in enumerate(small_corpus())]
        write_csv(self.file, rows, header=("text", "label", "split", "id"))
        self.prepare("csv", self.file)
        ids = [line.rsplit(",", 1)[1] for line in (self.out / "texts.csv").read_text().splitlines()[1:]]
        self.assertEqual(collections.Counter(ids), collections.Counter(str(row[3]) for row in rows))

    def test_empty_splits(self):
        for split in SPLITS:
            write_csv(self.file, [row for row in small_corpus() if row[2] != split])
            self.refuse("csv", self.file, words=(f"the {split} split has no text",))
        write_csv(self.file, [row[:2] for row in small_corpus()], header=("text", "label"))
        self.refuse("csv", self.file, "--test-fraction", 0, words=("the test split has no text",))
        self.refuse("csv", self.file, "--test-fraction", 0.6, "--dev-fraction", 0.4, words=("below 1",))

    def test_missing_files(self):
        self.refuse("csv", self.folder / "none.csv", words=("none.csv", "no such file"))
        self.refuse("csv", self.folder, words=(self.folder,))
        for corpus, words in {"sst": ("train.txt",), "imdb": ("aclImdb", "train/pos"), "agnews": ("train.csv",),
                              "20news": ("rec.sport.hockey",)}.items():
            self.refuse(corpus, "--raw", self.folder, words=(self.folder, "tools/get_data", *words))

    def test_out_that_cannot_be_written(self):
        self.out.write_text("")
        self.refuse("csv", self.file, words=(self.out, "exists already"))

    def test_files_that_are_something_else(self):
        self.refuse_file(b"PK\x03\x04\x14\0\6\0" + bytes(90), "Zip file", "save the spreadsheet as CSV")
        self.refuse_file(b"text;label\na;1\n", "semicolons", "commas")
        self.refuse_file(b'[{"text": "a", "label": 1}]', "JSON list", "on a line of its own", name="own.json")
        self.refuse_file(gzip.compress(self.file.read_bytes())[:-9], "cut short", name="own.csv.gz")
        self.refuse_file("text,label\n".encode("utf-16")[2:], "UTF-16 without a byte order mark")

    def test_json_lines(self):
        self.refuse_file(b'{"text": "a", "label": 1}\n{"text": "b', "record 2", "line 2", "JSON", name="own.jsonl")


class Data(Prepare):
    def test_shows_what_is_inside(self):
        self.prepare("csv", self.file, "--labels", "0,1")
        output = self.succeed("data", self.out, "--samples", 1)
        for part in ("train           30          30", "Lengths", "Coverage", "100.00 % of the words", "Sample texts",
                     "[0] ", "[1] ", "no word vectors", "checksum"):
            self.assertIn(part, output)
        self.assertNotIn("Table 1", output)
        self.assertNotIn("Sample texts", self.succeed("data", self.out, "--samples", 0))

    def tokens(self, dataset, *options):
        """What `notnot data --tokens` writes, line by line."""
        file = self.folder / "tokens.jsonl"
        output = self.succeed("data", dataset, "--tokens", file, *options)
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        self.assertIn(f"{file}: the words of {len(lines)} texts", output)
        return lines

    def test_tokens(self):
        rows = small_corpus()
        rows[70][0] += " caf\u00e9 \"quoted\""  # in dev: words that training lacks
        write_csv(self.file, rows)
        known = {word for text, _, split in rows if split == "train" for word in text.split()}
        expected = [{"split": split, "row": i, "label": label, "tokens": text.split(),
                     "unknown": [place for place, word in enumerate(text.split()) if word not in known]}
                    for i, (text, label, split) in enumerate(rows, 1)]
        self.assertEqual(expected[70]["tokens"][-2:], ["caf\u00e9", "\"quoted\""])
        self.assertEqual(expected[70]["unknown"], [len(expected[70]["tokens"]) - 2, len(expected[70]["tokens"]) - 1])
        self.assertEqual(self.tokens(self.file), expected)
        self.prepare("csv", self.file)
        self.assertEqual(self.tokens(self.out), expected)
        shutil.rmtree(self.out)
        self.prepare("csv", self.file, "--min-length", 3, "--max-length", 6)
        self.assertEqual(self.tokens(self.out), [line for line in expected if 3 < len(line["tokens"]) < 6])
        # A vocabulary that lacks training words, too, and ids: none, one, and the same in each split.
        ids = ["", "7 a", *("x" if i % 20 else f"caf\u00e9, \"{i}\"" for i in range(2, len(rows)))]
        frequency = collections.Counter(w for text, _, split in rows if split == "train" for w in set(text.split()))
        for line, own in zip(expected, ids, strict=True):
            line["unknown"] = [k for k, word in enumerate(line["tokens"]) if frequency[word] < 8]
            line["id"] = own or None
        self.assertTrue(any(line["unknown"] for line in expected if line["split"] == "train"))
        write_csv(self.file, [[i, *row] for i, row in zip(ids, rows)], ("id", "text", "label", "split"))
        shutil.rmtree(self.out)
        self.prepare("csv", self.file, "--min-df", 8)
        self.assertEqual(self.tokens(self.out), expected)
        json_lines = self.folder / "own.jsonl"
        json_lines.write_text("".join(json.dumps({"text": t, "label": y, "split": s, "id": i or None}) + "\n"
                                      for i, (t, y, s) in zip(ids, rows)))
        self.assertEqual([line["id"] for line in self.tokens(json_lines)], [line["id"] for line in expected])

    def test_tokens_of_the_built_in_corpus(self):
        lines = self.tokens("planted")
        self.assertEqual([sum(line["split"] == split for line in lines) for split in SPLITS], [2000, 400, 400])
        (test,) = [line for line in lines if line["row"] == 2401]
        self.assertNotIn("id", test)
        self.assertEqual(test["split"], "test")

    def test_tokens_of_another_built_in_corpus(self):
        lines = self.tokens("planted", "--evidence", "order", "--lengths", "9:12", "--corpus-seed", 3)
        for line in lines:
            first = next(token for token in line["tokens"] if token.startswith(("praise", "blame")))
            self.assertEqual(line["label"], int(first.startswith("praise")))
            self.assertIn(len(line["tokens"]), range(9, 13))
        self.refuse_data("planted", "need --tokens", options=("--evidence", "order"))
        self.refuse_data(self.file, "are for planted", options=("--tokens", self.folder / "x", "--label-noise", 0.1))

    def test_tokens_that_cannot_be_written(self):
        self.refuse_data("nothing", "'nothing'", "planted", options=("--tokens", self.folder / "tokens.jsonl"))
        self.refuse_data(self.file, self.folder / "none", "No such file",
                         options=("--tokens", self.folder / "none" / "tokens.jsonl"))
        self.refuse_data(self.file, "not a regular file", options=("--tokens", self.folder))
        self.refuse_data(self.file, self.file, "is a file, and a prepared data set is a folder", "notnot prepare csv")
        self.refuse_data(self.file, "excludes", options=("--tokens", self.folder / "tokens.jsonl", "--samples", 1))
        self.assertEqual(list(self.folder.iterdir()), [self.file])

    def refuse_data(self, dataset, *words, options=()):
        result = run("data", dataset, *options)
        self.assertEqual(result.returncode, MENDABLE, result.stdout)
        for word in words:
            self.assertIn(str(word), result.stderr)

    def test_synthetic_texts_are_called_so_everywhere(self):
        self.prepare("csv", self.file)
        description = self.description()
        description.pop("checksum")
        description["synthetic"] = True
        text = json.dumps(description, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        description["checksum"] = hashlib.sha256(text.encode()).hexdigest()
        (self.out / "dataset.json").write_text(json.dumps(description))
        self.assertIn("SYNTHETIC", self.succeed("data", self.out))
        self.assertIn("SYNTHETIC", self.succeed("data", self.out, "--tokens", self.folder / "tokens.jsonl"))
        arguments = ("train", "--dataset", self.out, "--hidden", 4, "--epochs", 1, "--runs", self.runs)
        self.assertIn("SYNTHETIC", self.succeed(*arguments))
        (run_folder,) = self.runs.iterdir()
        page = self.folder / "page"
        self.assertIn("SYNTHETIC", self.succeed("report", run_folder, "--out", page))
        self.assertIn("Attention on reviews (SYNTHETIC texts)", (page / "index.html").read_text())

    def test_a_name_or_folder_that_is_no_data_set(self):
        self.refuse_data("nothing", "'nothing'", "notnot prepare")
        self.refuse_data(self.folder, self.folder, "dataset.json")

    def test_damaged(self):
        self.prepare("csv", self.file)
        texts = self.out / "texts.csv"
        texts.write_bytes(texts.read_bytes().replace(b"good", b"fine", 1))
        self.refuse_data(self.out, texts, "checksum", "again")


class Corpora(Prepare):
    """Small made-up folders in the publishers' forms; the class Real has the real corpora."""

    def test_sst(self):
        trees = self.folder / "raw" / "trees"
        trees.mkdir(parents=True)
        for split in SPLITS:
            (trees / f"{split}.txt").write_text("(4 (2 good) (2 film))\n(0 (2 bad) (2 film))\n(2 so)\n")
        output = self.prepare("sst", "--raw", self.folder / "raw", "--min-length", 0, "--max-length", 9)
        self.assertIn("Table 1", output)
        self.assertEqual([source["path"] for source in self.description()["sources"]],
                         ["train.txt", "dev.txt", "test.txt"])
        self.assertIn("good film", self.succeed("data", self.out))

    def test_ag_news(self):
        raw = self.folder / "raw"
        raw.mkdir()
        for half in ("train", "test"):
            (raw / f"{half}.csv").write_text("".join(f'"{i % 4 + 1}","t","Words {i} here."\n' for i in range(80)))
        output = self.prepare("agnews", "--raw", raw, "--min-df", 1, "--seed", 2)
        self.assertIn("ICU", output)
        choices = self.description()["choices"]
        self.assertEqual((choices["seed"], choices["dev_fraction"]), (2, 0.15))
        self.assertEqual(self.description()["splits"]["test"]["negative"], 20)


class Vectors(Prepare):
    def test_vectors_are_attached(self):
        vectors = self.folder / "words.vec"
        vectors.write_text("good 1 2 3\nbad -1 -2 -3\nelsewhere 0 0 0\n")
        output = self.prepare("csv", self.file, "--vectors", vectors)
        self.assertIn("2 of the", output)
        words = (self.out / "vocabulary.txt").read_text().split("\n")
        values = read_safetensors(self.out / "vectors.safetensors")["vectors"][2]
        self.assertEqual(values[3 * words.index("bad"):3 * words.index("bad") + 3], (-1, -2, -3))
        self.assertEqual(sum(map(bool, values)), 6)
        own = self.train("--dataset", self.file, "--vectors", vectors, "--hidden", 4, "--epochs", 1)
        self.assertIn("cover only", run("prepare", "csv", self.file, "--vectors", vectors, "--out", self.folder / "w").stderr)
        prepared = self.train("--dataset", self.out, "--hidden", 4, "--epochs", 1, runs=self.folder / "prepared")
        self.assert_same_results(own, prepared)
        config = read_json(prepared / "config.json")
        self.assertEqual(config["paths"]["vectors"], str(self.out / "vectors.safetensors"))
        self.assertEqual(config["choices"]["vectors_checksum"],
                         hashlib.sha256((self.out / "vectors.safetensors").read_bytes()).hexdigest())

    def test_missing_vectors_are_drawn(self):
        vectors = self.folder / "words.bin"
        vectors.write_bytes(b"1 2\ngood " + struct.pack("<2f", 0.5, -0.25) + b"\n")
        self.prepare("csv", self.file, "--vectors", vectors, "--missing-vectors", "normal")
        values = read_safetensors(self.out / "vectors.safetensors")["vectors"][2]
        self.assertEqual(values[:2], (0, 0))
        self.assertTrue(all(values[2:]))
        self.assertEqual(self.description()["vectors"]["origin"]["missing"], "normal")

    def test_bad_vectors(self):
        vectors = self.folder / "words.vec"
        vectors.write_text("good 1 2 3\nbad -1\n")
        self.refuse("csv", self.file, "--vectors", vectors, words=(vectors, "line 2"))

    def test_options_of_vectors_without_vectors(self):
        self.refuse("csv", self.file, "--missing-vectors", "zeros", words=("--missing-vectors", "--vectors"))
        self.refuse("csv", self.file, "--vector-width", 5, words=("--vector-width", "--train-vectors"))

    def path_with(self, program):
        """An environment whose PATH holds only this shell script, under the name fasttext; nothing if it is None."""
        folder = self.folder / "bin"
        folder.mkdir()
        if program:
            (folder / "fasttext").write_text("#!/bin/sh\n" + program)
            (folder / "fasttext").chmod(stat.S_IRWXU)
        return {**os.environ, "PATH": str(folder)}

    def test_trained_without_the_program(self):
        self.refuse("csv", self.file, "--train-vectors", "cbow", env=self.path_with(None),
                    words=("fasttext", "install", "--vectors"))

    def test_trained_by_a_program_that_fails(self):
        self.refuse("csv", self.file, "--train-vectors", "cbow", env=self.path_with("echo no memory\nexit 3\n"),
                    words=("status 3", "no memory"))

    def test_trained_by_a_program_that_writes_no_vectors(self):
        result = ('while [ $# -gt 0 ]; do [ "$1" = -output ] && result=$2; shift; done\n', "echo junk > $result.vec\n")
        for program, fault in (("exit 0\n", "it wrote no file"),
                               ("".join(result), "its output, line 1: 'junk' has no values")):
            with self.subTest(program):
                environment = self.path_with(program)
                self.refuse("csv", self.file, "--train-vectors", "cbow", env=environment,
                            words=("the program fasttext wrote no word vectors", fault, "--vectors FILE"))
                shutil.rmtree(self.folder / "bin")

    def test_trained_on_the_training_split(self):
        seen = self.folder / "seen"
        seen.touch()
        self.refuse("csv", self.file, "--train-vectors", "cbow", words=("status 3",),
                    env=self.path_with(f'/bin/cat "$3" > {seen}\nexit 3\n'))
        self.assertEqual(sorted(seen.read_text().splitlines()),
                         sorted(text for text, _, split in small_corpus() if split == "train"))

    def test_trained(self):
        if not shutil.which("fasttext"):
            self.skipTest("the program fasttext is not installed")
        output = self.prepare("csv", self.file, "--train-vectors", "skipgram", "--vector-width", 5)
        self.assertEqual({path.name for path in self.out.iterdir()}, FILES | {"vectors.safetensors"})
        words = len((self.out / "vocabulary.txt").read_text().split("\n")) - 1
        self.assertIn(f"{words - 4} of the", output)
        again = self.folder / "again"
        self.prepare("csv", self.file, "--train-vectors", "skipgram", "--vector-width", 5, out=again)
        self.assertEqual((again / "vectors.safetensors").read_bytes(), (self.out / "vectors.safetensors").read_bytes())


class Killed(Prepare):
    def test_leaves_nothing_that_looks_finished(self):
        rows = small_corpus()
        rows[4][0] = " ".join(f"word{random.Random(1).random()}{i}" for i in range(400_000))
        write_csv(self.file, rows)
        child = subprocess.Popen(command("prepare", "csv", self.file, "--out", self.out), stdout=subprocess.DEVNULL)
        while not (self.folder / ".notnot-out.tmp").exists() and child.poll() is None:
            time.sleep(0.001)
        child.kill()
        child.wait()
        if (self.out / "dataset.json").exists():
            self.skipTest("it was faster")
        self.assertFalse(self.out.exists())
        self.prepare("csv", self.file)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["out", "reviews.csv"])


class Real(Prepare):
    @unittest.skipIf(corpus_or_reason("imdb"), corpus_or_reason("imdb"))
    def test_imdb(self):
        output = self.prepare("imdb", "--raw", pathlib.Path(DATA) / "imdb")
        self.assertIn("8667 + 8533    2184 + 2172       12487", output)
        self.assertIn("the published pipeline trains on 8667 + 8533", output)

    @unittest.skipIf(corpus_or_reason("sst"), corpus_or_reason("sst"))
    def test_sst(self):
        output = self.prepare("sst", "--raw", pathlib.Path(DATA) / "sst")
        self.assertIn("3034 + 3321      863 + 862       13826", output)


if __name__ == "__main__":
    main()
