#!/usr/bin/env python3
"""Mistakes of users. The answer is a message that names the file, the place and the remedy, and the right exit code;
nothing is left half-written; and the corrected command then succeeds with the same --runs."""
import math
import os
import resource
import struct
import subprocess
import unittest

from common.program import (BUILD, SPLITS, Test, limit_file_size, main, read_metrics, read_safetensors, remove_checksums,
                            run, small_corpus, write_csv, write_safetensors)

FAILED, MENDABLE = 1, 2
DEFAULTS = {"--hidden": 4, "--epochs": 2, "--device": "cpu"}


def limit_memory(limit):
    """A `preexec_fn`: the child may have so many bytes of addresses, as `ulimit -v` allows them."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


class BadInput(Test):
    def setUp(self):
        super().setUp()
        self.csv = self.folder / "reviews.csv"
        write_csv(self.csv, small_corpus())
        self.name = "reviews-lstm-learned-seed10"

    def call(self, *arguments, dataset=None, runs=None, **options):
        for option, value in DEFAULTS.items():
            if option not in arguments:
                arguments += (option, value)
        return run("train", "--dataset", dataset or self.csv, "--runs", runs or self.runs, *arguments, **options)

    def assert_refused(self, result, words, code=MENDABLE):
        message = result.stderr.strip()
        self.assertEqual(result.returncode, code, f"{message}\n{result.stdout}")
        self.assertLess(len(message.splitlines()), 4, "more than a message")
        for word in words:
            self.assertIn(str(word).lower(), message.lower())

    def refuse(self, *arguments, words, **options):
        """The call is refused with these words in the message, and leaves no trace in the folder of runs."""
        before = self.run_folders()
        self.assert_refused(self.call(*arguments, **options), words)
        self.assertEqual(self.run_folders(), before)

    def accept(self, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        for path in self.runs.rglob(".notnot-*"):
            self.fail(f"{path} was left behind")
        return self.runs / self.name

    def assert_finished(self, folder):
        self.assertTrue((folder / "result.json").exists())
        self.assertEqual(len(read_metrics(folder)), 2)


class Texts(BadInput):
    def refuse_file(self, content, *words):
        """A file with this content is refused with its name and these words; the good file then trains."""
        good = self.csv.read_bytes()
        self.csv.write_bytes(content)
        self.refuse(words=(self.csv, *words))
        self.csv.write_bytes(good)
        self.assert_finished(self.accept())

    def with_record(self, number, *fields):
        """The good file with record `number` (1 = the first after the header) replaced."""
        lines = self.csv.read_text(encoding="utf-8").splitlines()
        lines[number] = ",".join(fields)
        return "\n".join(lines).encode() + b"\n"

    def test_missing_file(self):
        self.refuse(dataset=self.folder / "absent.csv", words=(self.folder / "absent.csv", "no such file", "check"))
        self.accept()

    def test_folder_instead_of_file(self):
        self.refuse(dataset=self.folder, words=(self.folder, "directory", "notnot prepare"))

    def test_empty(self):
        self.refuse_file(b"", "empty", "text,label,split")

    def test_header_only(self):
        self.refuse_file(b"text,label,split\n", "no record", "add texts")

    def test_missing_columns(self):
        for header, column in (("text,label,part", "split"), ("text,class,split", "label"),
                               ("body,label,split", "text")):
            with self.subTest(column=column):
                lines = self.csv.read_bytes().split(b"\n", 1)
                self.csv.write_bytes(header.encode() + b"\n" + lines[1])
                self.refuse(words=(self.csv, "header", f"column '{column}'", "text,label,split"))
                self.csv.write_bytes(b"\n".join(lines))
        self.assert_finished(self.accept())

    def test_unknown_split(self):
        self.refuse_file(self.with_record(7, "fine film", "1", "tset"), "record 7", "'tset'", "test")

    def test_unknown_label(self):
        self.refuse_file(self.with_record(7, "fine film", "positive", "train"), "record 7", "'positive'", "0", "1")

    def test_bytes_that_are_not_utf8(self):
        self.refuse_file(self.with_record(3, "caf", "1", "train").replace(b"caf,", b"caf\xe9,"), "record 3", "0xE9",
                         "UTF-8", "save")

    def test_nul(self):
        self.refuse_file(self.with_record(3, "a\0b", "1", "train"), "record 3", "NUL", "save")

    def test_text_that_is_empty_after_cleaning(self):
        for text in ("", "  ", '" \t "', "\u00a0\u2003"):
            with self.subTest(text=text):
                self.refuse_file(self.with_record(5, text, "1", "train"), "record 5", "no word", "remove")

    def test_number_of_fields(self):
        self.refuse_file(self.with_record(5, "good", " but long", "1", "train"), "record 5", "4 fields",
                         "double quotes")

    def test_open_quote(self):
        self.refuse_file(self.with_record(80, '"good', "1", "train"), "record 80", "quote", "close")

    def test_only_one_class(self):
        for split in ("train", "test"):
            with self.subTest(split=split):
                rows = [[t, 1 if s == split else label, s] for t, label, s in small_corpus()]
                write_csv(self.csv, rows)
                self.refuse(words=("reviews", f"{split} split", "label 1", "other class"))
        write_csv(self.csv, small_corpus())
        self.assert_finished(self.accept())

    def test_one_class_in_the_split_that_selects(self):
        write_csv(self.csv, [[t, 0 if s == "dev" else label, s] for t, label, s in small_corpus()])
        self.refuse("--select", "dev", words=("reviews", "dev split", "label 0", "--select test"))
        self.assert_finished(self.accept("--select", "test"))  # which needs no ROC-AUC of dev
        self.assertEqual({row["dev_roc_auc"] for row in read_metrics(self.runs / self.name)}, {"nan"})

    def test_missing_split(self):
        for split in SPLITS:
            with self.subTest(split=split):
                write_csv(self.csv, [row for row in small_corpus() if row[2] != split])
                self.refuse(words=("reviews", f"{split} split", "add texts"))
        write_csv(self.csv, small_corpus())
        self.assert_finished(self.accept())

    def test_filters_that_leave_nothing(self):
        self.refuse("--min-df", 61, words=("reviews", "61", "--min-df"))
        self.refuse("--min-length", 50, words=("reviews", "train split", "50", "bounds"))
        self.assert_finished(self.accept("--min-df", 2))


class Vectors(BadInput):
    def refuse_vectors(self, content, *words):
        path = self.folder / "words.vec"
        path.write_bytes(content)
        self.refuse("--vectors", path, words=(path, *words))
        path.write_bytes(b"2 3\ngood 1 2 3\nbad -1 -2 -3\n")
        self.assert_finished(self.accept("--vectors", path))

    def test_missing_file(self):
        path = self.folder / "absent.vec"
        self.refuse("--vectors", path, words=(path, "no such file", "check"))

    def test_inconsistent_width(self):
        self.refuse_vectors(b"good 1 2 3\nbad 1 2\n", "line 2", "2 values", "3", "again")

    def test_width_other_than_the_header_says(self):
        self.refuse_vectors(b"2 3\ngood 1 2\nbad 1 2\n", "line 2", "2 values", "3")

    def test_fewer_than_the_header_says(self):
        self.refuse_vectors(b"3 3\ngood 1 2 3\nbad 1 2 3\n", "2 vectors", "3", "again")

    def test_not_a_number(self):
        self.refuse_vectors(b"good 1 2 3\nbad 1 x 3\n", "line 2", "'x'", "number")

    def test_not_finite(self):
        for value in (b"nan", b"inf", b"1e39"):
            with self.subTest(value=value):
                self.refuse_vectors(b"good 1 2 3\nbad 1 " + value + b" 3\n", "line 2", value.decode(), "finite")

    def test_empty(self):
        self.refuse_vectors(b"", "no vectors", "again")

    def test_files_that_are_something_else(self):
        self.refuse_vectors(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6\n", "Git LFS", "git lfs pull")
        self.refuse_vectors(b"<html><head><title>404 Not Found</title></head></html>", "web page")
        self.refuse_vectors(b'{"good": [0.1, 0.2]}', "JSON", "a word and its values")
        self.refuse_vectors(b"see the other folder for the real vectors\n", "line 1", "'the' is not a number")
        self.refuse_vectors(b"Good 1 2\nBad 3 4\n", "none of the", "capital letters")

    def test_a_binary_model(self):
        self.refuse_vectors(bytes(range(256)) * 64, "line 1", "a word and its values")


class Options(BadInput):
    def test_bad_values(self):
        for option, values in {"--epochs": (0, -1, "x", 1.5), "--batch": (0, 65537), "--hidden": (0, 4097, "many"),
                               "--threads": (0, 1025), "--min-df": (0, -3), "--min-length": (-1,), "--max-length": (0,),
                               "--seed": (-1, "x", "1,x", 1.5, 2**64), "--encoder": ("gru",), "--attention": ("given",),
                               "--select": ("train",), "--precision": ("tf32", "bf16"), "--evidence": ("irony",),
                               "--evidence-weights": (0, "1,x"), "--spurious": (-1, 1.5), "--label-noise": (0.6, "nan"),
                               "--lengths": (8, "8:", ":9", "8:9x", "8-9", "0:9")}.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    self.refuse(option, value, words=(option,))
        self.accept("--seed", 2**64 - 1)
        self.assertEqual(self.run_folders(), ["reviews-lstm-learned-seed18446744073709551615"])

    def test_values_that_the_parser_would_guess(self):
        for option, value in (("--epochs", "010"), ("--epochs", "0x10"), ("--hidden", "-08"), ("--min-df", "0b1"),
                              ("--difficulty", "0x1p-2"), ("--checkpoint-minutes", "0x1")):
            with self.subTest(option=option, value=value):
                self.refuse(option, value, words=(option,))
        for arguments in (("--runs", "--resume"), ("--vectors=", "--resume"), ("--seed=", "--resume"),
                          ("--runs", "--seed=5"), ("--vectors", "--epochs=3"), ("--runs", "-h"), ("--runs", "--help"),
                          ("--runs", "--version")):
            with self.subTest(arguments=arguments):
                self.refuse(*arguments, words=(arguments[0].strip("="), f"no value, but {arguments[1]}"))
        self.assert_refused(run("predict", "run", "--text", "--input=texts"), ("--text", "no value, but --input=texts"))
        self.assert_refused(run("report", "run", "--out", "-h"), ("--out", "no value, but -h"))
        for value in ("1,", ",1", "1,,2", ""):
            with self.subTest(value=value):
                self.refuse("--seed", value, words=("--seed", "is empty"))
        for option in ("--vectors", "--init", "--runs", "--dataset", "--device"):
            self.refuse(option, "", words=(option, "is empty"))
        for option in ("--difficulty", "--checkpoint-minutes"):
            self.refuse(option, "nan", words=(option, "nan is no number"))
        self.accept("--epochs", 2, "--difficulty", "0.25", "--checkpoint-minutes", "1e-3", "--min-length", 0)

    def test_usage(self):
        for arguments in ((), ("trian",), ("train",), ("train", "--dataset"),
                          ("train", "--dataset", "planted", "--lr", 1)):
            with self.subTest(arguments=arguments):
                self.assert_refused(run(*arguments, cwd=self.folder), ("--help",))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["reviews.csv"])

    def test_contradictions(self):
        self.refuse("--seed", "1,2,1", words=("seed 1", "once"))
        self.refuse("--init", self.csv, "--vectors", self.csv, words=("--init", "--vectors"))

    def test_precision(self):
        bf16x3 = ("--precision", "bf16x3")
        self.refuse(*bf16x3, words=("--precision bf16x3", "--hidden 128", "not 4"))
        self.refuse(*bf16x3, "--hidden", 128, words=("--precision bf16x3", "CUDA device", "cpu", "--device cuda"))
        self.refuse(*bf16x3, "--encoder", "tokens", words=("--precision bf16x3", "LSTM", "--encoder tokens"))
        self.assert_finished(self.accept("--precision", "fp32"))

    def test_unknown_data_set(self):
        self.refuse(dataset="stt", words=("stt", "planted", "sst", "CSV"))

    def test_corpus_that_is_not_there(self):
        environment = {k: v for k, v in os.environ.items() if k != "NOTNOT_DATA"}
        self.refuse(dataset="sst", env=environment, words=("NOTNOT_DATA", "tools/get_data sst"))
        environment["NOTNOT_DATA"] = str(self.folder)
        self.refuse(dataset="sst", env=environment, words=(self.folder / "sst", "tools/get_data sst"))

    def test_devices(self):
        no_gpu = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        for device in ("gpu", "cuda:x", "cuda:-1", "cuda:"):
            with self.subTest(device=device):
                self.refuse("--device", device, words=("unknown device", device, "auto", "cpu", "cuda"))
        for device in ("cuda", "cuda:0", "cuda:99"):
            with self.subTest(device=device):
                self.refuse("--device", device, env=no_gpu, words=(device, "--device cpu"))
        self.refuse("--device", "cuda:99", words=("cuda:99",))
        self.assert_finished(self.accept("--device", "auto", env=no_gpu))


class Folders(BadInput):
    def test_below_a_regular_file(self):
        result = self.call(runs=self.csv / "runs")
        self.assert_refused(result, (self.csv / "runs", "directory", "--runs"))
        self.assert_finished(self.accept())

    def test_a_file_has_the_name_of_the_run(self):
        self.runs.mkdir()
        (self.runs / self.name).touch()
        self.refuse(words=(self.runs / self.name, "--runs"))
        (self.runs / self.name).unlink()
        self.assert_finished(self.accept())

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_without_permission(self):
        self.runs.mkdir(mode=0o555)
        self.refuse(words=(self.runs, "permission", "--runs"))
        self.runs.chmod(0o755)
        self.assert_finished(self.accept())

    def test_other_choices(self):
        folder = self.accept()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for arguments, choice in ((("--batch", 16), "batch"), (("--hidden", 5), "hidden"),
                                  (("--select", "dev"), "select"), (("--min-df", 2), "min_df"),
                                  (("--max-length", 7), "max_length")):
            for resume in ((), ("--resume",)):
                with self.subTest(choice=choice, resume=resume):
                    self.refuse(*arguments, *resume, words=(folder, choice, "--runs"))
        self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()}, before)

    def test_other_data_of_the_same_name(self):
        folder = self.accept()
        write_csv(self.csv, small_corpus(sizes=(62, 20, 20)))
        self.refuse(words=(folder, "sizes.splits.train", "--runs"))

    def test_one_seed_of_a_fleet(self):
        self.accept("--seed", 2)
        self.refuse("--seed", "1,2", "--batch", 16, words=("seed2", "batch", "--runs"))
        self.accept("--seed", "1,2")
        self.assertEqual(len(self.run_folders()), 2)


class FullDisk(BadInput):
    def assert_full(self, limit, *words):
        result = self.call(preexec_fn=limit_file_size(limit))
        self.assert_refused(result, (self.runs / self.name, "too large", "free some space", *words))
        self.assertFalse((self.runs / self.name / "result.json").exists())
        self.assertEqual(list(self.runs.rglob(".notnot-*")), [])

    def test_at_every_file(self):
        whole = self.accept()
        order = ("config.json", "vocabulary.txt", "model.safetensors", "checkpoint.safetensors")
        sizes = [(whole / name).stat().st_size for name in order]
        self.assertLess(sizes[1], sizes[0])
        expected = {name: (whole / name).read_bytes() for name in ("model.safetensors", "predictions.jsonl")}
        for name, size in zip(order, sizes):
            if name == "vocabulary.txt":
                continue
            with self.subTest(file=name):
                self.runs = self.folder / name
                self.assert_full(size - 1, name)
                folder = self.accept()
                self.assert_finished(folder)
                self.assertEqual({name: (folder / name).read_bytes() for name in expected}, expected)

    def test_a_full_file_system(self):
        self.runs.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.runs], stderr=subprocess.PIPE,
                               text=True, check=False)
        if mount.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {mount.stderr.strip()}")
        try:
            result = self.call()
            self.assert_refused(result, (self.runs / self.name, "no space", "free some space"))
            self.assertEqual(list(self.runs.rglob(".notnot-*")), [])
            subprocess.run(["mount", "-o", "remount,size=64m", self.runs], check=True)
            self.assert_finished(self.accept("--resume"))
        finally:
            subprocess.run(["umount", self.runs], check=True)


class Memory(BadInput):
    def setUp(self):
        super().setUp()
        if "NOTNOT_SANITIZE:STRING=\n" not in (BUILD / "CMakeCache.txt").read_text(encoding="utf-8"):
            self.skipTest("sanitizers reserve more memory than this test allows")

    def test_too_large_a_model(self):
        limit = {"preexec_fn": limit_memory(2_000_000_000)}
        result = self.call("--hidden", 4096, "--threads", 1, **limit)
        words = ("MiB", "a model of this run takes", "--hidden", "--batch", "--fleet", "--max-length")
        self.assert_refused(result, words)
        self.assertIn("a model of this run takes", (self.runs / self.name / "failure.json").read_text(encoding="utf-8"))
        self.assertNotRegex(result.stdout + result.stderr, "bad_alloc")
        fleet = self.call("--hidden", 4096, "--threads", 2, "--seed", "1,2", **limit)
        self.assert_refused(fleet, words)
        plan = run("uniform", "--dataset", self.csv, "--hidden", 4096, "--threads", 1, "--runs", self.runs, "--plan", **limit)
        self.assert_refused(plan, words)
        explained = self.call("--hidden", 4096, "--threads", 1, "--explain", **limit)
        self.assertEqual(explained.returncode, 0, explained.stderr)

    def test_texts_that_do_not_fit(self):
        # What the few texts need, to 8 MB; the libraries of CUDA alone take more addresses than all texts here.
        too_little, enough = 0, 2**34
        while enough - too_little > 2**23:
            limit = (too_little + enough) // 2
            fits = self.call("--threads", 1, "--explain", preexec_fn=limit_memory(limit)).returncode == 0
            too_little, enough = (too_little, limit) if fits else (limit, enough)
        write_csv(self.csv, [[f"word{i} " * 2000, i % 2, SPLITS[i % 3]] for i in range(2000)])
        result = self.call("--threads", 1, preexec_fn=limit_memory(enough))
        self.assert_refused(result, (self.csv, "MiB", "give fewer texts", "ulimit -v"))
        self.assertNotIn("notnot prepare", result.stderr)  # which needs as much memory for such a file
        self.assertFalse(self.runs.exists())


class Init(BadInput):
    """--init, and the same parameters in a checkpoint."""

    def setUp(self):
        super().setUp()
        self.model = self.accept("--seed", 1).parent / "reviews-lstm-learned-seed1" / "model.safetensors"
        self.file = self.folder / "init.safetensors"

    def refuse_init(self, *words):
        self.refuse("--init", self.file, words=(self.file, *words))

    def test_missing_file(self):
        self.refuse_init("no such file", "check")

    def test_damaged(self):
        good = self.model.read_bytes()
        (length,) = struct.unpack_from("<Q", good)
        cases = {"empty": b"", "no header": good[:7], "cut in the header": good[:100],
                 "cut at the data": good[:8 + length], "cut in the data": good[:-1], "longer": good + b"\0",
                 "huge header": struct.pack("<Q", 2**62) + good[8:],
                 "text": b"hello, world, this is not a model\n" * 9,
                 "flipped": good.replace(b'"data_offsets":[0,', b'"data_offsets":[4,', 1)}
        self.assertNotEqual(cases["flipped"], good)
        for name, content in cases.items():
            with self.subTest(name):
                self.file.write_bytes(content)
                self.refuse_init("safetensors file", "again")
        self.file.write_bytes(good)
        self.assert_finished(self.accept("--init", self.file))

    def test_parameters_of_another_model(self):
        tensors = read_safetensors(self.model)
        name = "encoder.rnn.weight_hh_l0"
        write_safetensors(self.file, {k: v for k, v in tensors.items() if k != name})
        self.refuse_init(name)
        dtype, shape, values = tensors[name]
        write_safetensors(self.file, {**tensors, name: (dtype, shape[::-1], values)})
        self.refuse_init(name, "[4, 16]", "[16, 4]", "--hidden")
        write_safetensors(self.file, {**tensors, name: ("I32", shape, [1] * len(values))})
        self.refuse_init(name, "I32", "F32")
        self.file.write_bytes(self.model.read_bytes())
        self.refuse("--init", self.file, "--hidden", 5, words=(self.file, "shape", "--hidden"))
        self.assert_finished(self.accept("--init", self.file))

    def poison(self, path, name, value):
        """Writes self.file: the file at `path` with `value(row, column)` in the tensor `name`. None keeps a value."""
        tensors = read_safetensors(path)
        dtype, shape, values = tensors[name]
        new = [value(*divmod(i, shape[-1])) for i in range(len(values))]
        values = [a if b is None else b for a, b in zip(values, new)]
        write_safetensors(self.file, {**tensors, name: (dtype, shape, values)})

    def assert_not_finite(self, result, *words):
        self.assert_refused(result, ("the loss is", "epoch", "rows", "--init", *words), FAILED)
        self.assertRegex(result.stderr, "loss is (NaN|infinite)")
        rows = [int(row) for row in result.stderr.split("rows ")[1].split(")")[0].split(", ")]
        self.assertTrue(rows and all(1 <= row <= 100 for row in rows), rows)
        return rows

    def refuse_not_finite(self):
        rows = self.assert_not_finite(self.call("--init", self.file), "epoch 1", "batch 1 ", "no model was written")
        self.assertTrue(all(row <= 60 for row in rows), "the training texts are rows 1 to 60")
        self.assertFalse((self.runs / self.name / "model.safetensors").exists())

    def test_parameters_that_are_not_finite(self):
        for value in (math.nan, math.inf):
            with self.subTest(value=value):
                self.poison(self.model, "encoder.embedding.weight", lambda *_, value=value: value)
                self.refuse_init(f"value 1 of `encoder.embedding.weight` is {value}", "again")
                self.assertFalse((self.runs / self.name).exists())
        self.file.write_bytes(self.model.read_bytes())
        self.assert_finished(self.accept("--init", self.file))

    def test_predictions_of_a_model_that_is_not_finite(self):
        folder, good = self.model.parent, self.model.read_bytes()
        remove_checksums(folder)
        name, model = "encoder.rnn.weight_hh_l0", self.model
        for value, words in ((math.nan, (model, f"value 1 of `{name}` is nan")),
                             (-math.inf, (model, f"value 1 of `{name}` is -inf"))):
            self.poison(model, name, lambda row, column, value=value: None if row + column else value)
            self.file.rename(model)
            self.assert_refused(run("predict", folder, "--text", "a good film"), words)
            model.write_bytes(good)
        self.poison(model, "encoder.embedding.weight", lambda *_: 1e38)
        self.poison(self.file, "encoder.rnn.weight_ih_l0", lambda *_: 1.0)
        self.poison(self.file, name, lambda *_: -3e38)
        self.file.rename(model)
        result = run("predict", folder, "--text", "a good film")
        self.assert_refused(result, (model, "not a number"))
        self.assertEqual(result.stdout, "")

    def test_huge_parameters(self):
        # The sum of the inputs is infinite, so h is near 1; the next step then sums up to minus infinity.
        self.poison(self.model, "encoder.embedding.weight", lambda *_: 1e38)
        self.poison(self.file, "encoder.rnn.weight_ih_l0", lambda *_: 1.0)
        self.poison(self.file, "encoder.rnn.weight_hh_l0", lambda *_: -3e38)
        self.refuse_not_finite()

    def test_a_loss_that_is_not_finite_only_in_the_test_split(self):
        corpus = small_corpus()
        corpus[90][0] += " neologism"
        write_csv(self.csv, corpus)
        # The texts have changed, so that their run may not lie beside those of setUp.
        runs = self.folder / "other"
        self.call("--seed", 7, "--epochs", 1, runs=runs)
        folder = runs / "reviews-lstm-learned-seed7"
        self.leave_unfinished(folder)
        # All unknown words share row 1 of the embedding.
        self.poison(folder / "checkpoint.safetensors", "parameter/encoder.embedding.weight",
                    lambda row, _: math.nan if row == 1 else None)
        self.file.rename(folder / "checkpoint.safetensors")
        result = self.call("--seed", 7, "--resume", runs=runs)
        rows = self.assert_not_finite(result, "epoch 2", "evaluation", "test texts")
        self.assertEqual(rows, [91])

    def test_last_good_model_is_kept(self):
        self.call("--seed", 7, "--epochs", 1)
        folder = self.runs / "reviews-lstm-learned-seed7"
        good = (folder / "model.safetensors").read_bytes()
        self.leave_unfinished(folder)
        whole = (folder / "checkpoint.safetensors").read_bytes()
        # Parameters that are spoilt, an optimiser whose first step spoils them, and one that no training can leave.
        for tensor, value in (("parameter", math.nan), ("first_moment", 1e38), ("first_moment", math.nan)):
            with self.subTest(tensor=tensor, value=value):
                (folder / "checkpoint.safetensors").write_bytes(whole)
                self.poison(folder / "checkpoint.safetensors", f"{tensor}/encoder.rnn.weight_hh_l0", lambda *_: value)
                self.file.rename(folder / "checkpoint.safetensors")
                for _ in range(2):
                    result = self.call("--seed", 7, "--resume")
                    if tensor == "first_moment" and math.isnan(value):
                        self.assert_refused(result, (folder / "checkpoint.safetensors", "first_moment", "nan"))
                    else:
                        self.assert_not_finite(result, "epoch 2, batch ", "model of epoch 1 is kept",
                                               folder / "model.safetensors")
                    self.assertEqual((folder / "model.safetensors").read_bytes(), good)
        (folder / "checkpoint.safetensors").write_bytes(whole)
        self.accept("--seed", 7, "--resume")
        self.assert_finished(folder)

    def test_damaged_files_of_an_unfinished_run(self):
        folder = self.model.parent
        (folder / "result.json").unlink()
        for name, remedy in (("checkpoint.safetensors", "again"), ("metrics.csv", "remove"), ("config.json", "remove")):
            with self.subTest(name):
                whole = (folder / name).read_bytes()
                (folder / name).write_bytes(whole[:len(whole) // 2])
                self.assert_refused(self.call("--seed", 1, "--resume"), (folder / name, remedy))
                (folder / name).write_bytes(whole)
        self.accept("--seed", 1, "--resume")
        self.assert_finished(folder)


if __name__ == "__main__":
    main()
