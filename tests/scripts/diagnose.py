#!/usr/bin/env python3
"""notnot diagnose on attention that another program made: which text a line speaks of, in which forms the file may come,
and what is said about one that would be read wrongly."""
import gzip
import json
import shlex
import subprocess

from common.program import Test, command, main, read_json, run, small_corpus, write_csv

EVIDENCE = {"good", "fine", "warm", "bright", "bad", "dull", "cold", "grey"}


class Diagnose(Test):
    def setUp(self):
        super().setUp()
        self.rows = small_corpus()
        # The id of every text is the row of another one of its split, as in a table that was shuffled.
        self.ids = [first + (7 * i + 3) % size + 1 for first, size in ((0, 60), (60, 20), (80, 20)) for i in range(size)]
        self.named, self.plain = self.folder / "named.csv", self.folder / "plain.csv"
        write_csv(self.named, [[i, *row] for i, row in zip(self.ids, self.rows)], ("id", "text", "label", "split"))
        write_csv(self.plain, self.rows)
        self.attention = self.folder / "mine.jsonl"

    def arguments(self, dataset, attention=None):
        return ("diagnose", "--dataset", dataset, "--attention", attention or self.attention, "--epochs", 1, "--hidden",
                4, "--threads", 1, "--device", self.device, "--runs", self.runs)

    def lines(self, **members):
        """A line per text, which attends to the word that decides. Each member is a function of a text's number and
        words."""
        return "".join(json.dumps({"split": split, **{name: value(i, text.split()) for name, value in members.items()},
                                   "attention": [float(word in EVIDENCE) for word in text.split()]}) + "\n"
                       for i, (text, _, split) in enumerate(self.rows))

    def row(self, i, _words):
        return i + 1

    def own(self, i, _words):
        return self.ids[i]

    def words(self, _i, words):
        return words

    def refuse(self, dataset, content, *words):
        self.attention.write_text(content)
        result = run(*self.arguments(dataset))
        self.assertEqual(result.returncode, 2, result.stdout)
        for word in (self.attention, *words):
            self.assertIn(str(word), result.stderr)
        self.assertFalse(self.runs.exists())

    def guided(self):
        """The attention of the guided run on the training texts."""
        (folder,) = self.runs.glob("*-by-external-*")
        return (folder / "attention_train.safetensors").read_bytes()

    def test_texts_by_row_by_id_and_by_both_are_the_same(self):
        seen = set()
        for members in ({"row": self.row}, {"id": self.own, "key": lambda *_: "id"}, {"row": self.row, "id": self.own},
                        {"id": lambda i, _: float(self.ids[i]), "tokens": self.words},
                        {"row": lambda i, _: float(i + 1), "tokens": self.words}):
            self.runs = self.folder / f"runs{len(list(self.folder.glob('runs*')))}"
            self.attention.write_text(self.lines(**members))
            self.succeed(*self.arguments(self.named))
            seen.add(self.guided())
        self.assertEqual(len(seen), 1)

    def test_an_id_that_may_be_the_number_of_the_record(self):
        by_own, by_record = self.lines(id=self.own), self.lines(id=self.row)
        for content in (by_own, by_record):
            self.refuse(self.named, content, "line 1", "nothing shows whose number it is", '"key": "id"', "'row'")
        self.refuse(self.named, self.lines(id=self.row, tokens=self.words), "line 1", "token 1 is")
        self.refuse(self.named, self.lines(id=self.row, row=self.row), "its id is", "must name the same text")
        for members in ({"id": self.row}, {"id": self.row, "key": lambda *_: "id"}):
            self.refuse(self.plain, self.lines(**members), "line 1", "no ids of their own; name them by 'row'")

    def test_ids_that_start_again_in_each_split(self):
        first = {"train": 0, "dev": 60, "test": 80}
        self.ids = [i - first[split] for i, (_, _, split) in enumerate(self.rows)]
        write_csv(self.named, [[i, *row] for i, row in zip(self.ids, self.rows)], ("id", "text", "label", "split"))
        self.attention.write_text(self.lines(id=self.own, key=lambda *_: "id"))
        self.succeed(*self.arguments(self.named))

    def test_an_id_that_two_texts_have(self):
        self.ids[3] = self.ids[5]
        write_csv(self.named, [[i, *row] for i, row in zip(self.ids, self.rows)], ("id", "text", "label", "split"))
        self.succeed("train", "--dataset", self.named, "--epochs", 1, "--hidden", 4, "--device", self.device, "--threads",
                     1, "--runs", self.folder / "other")
        self.refuse(self.named, self.lines(id=self.own, key=lambda *_: "id"), "line 4", "several texts with the id",
                    "name each by its 'row'")
        self.attention.write_text(self.lines(id=self.own, row=self.row))
        self.succeed(*self.arguments(self.named))

    def test_numbers_that_are_none(self):
        good = self.lines(row=self.row)
        for number, said in (("1e999", "'1e999' is too large"), ("NaN", "NaN is no number"),
                             ("-Infinity", "Infinity is no number"), ("[]", "weight 1 is a list")):
            self.refuse(self.plain, good.replace("[0.0", f"[{number}", 1), said, "finite")

    def test_other_words(self):
        other = self.lines(row=self.row, tokens=lambda i, words: words if i != 30 else ["other", *words[1:]])
        self.refuse(self.plain, other, "line 31", "token 1 is 'other' where the data set has")

    def test_words_outside_the_vocabulary_are_the_texts_own(self):
        self.rows[85][0] += " unseen"
        write_csv(self.plain, self.rows)
        tokens = self.folder / "tokens.jsonl"
        self.succeed("data", self.plain, "--tokens", tokens)
        line = json.loads(tokens.read_text().splitlines()[85])
        self.assertEqual((line["tokens"][-1], line["unknown"][-1]), ("unseen", len(line["tokens"]) - 1))
        self.attention.write_text(self.lines(row=self.row, tokens=self.words))
        self.succeed(*self.arguments(self.plain))
        self.runs = self.folder / "other"
        self.refuse(self.plain, self.attention.read_text().replace("unseen", "seen"), "line 86", "'unseen'")

    def test_the_words_are_not_written_over_a_run(self):
        folder = self.trained_run()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        (self.folder / "link.jsonl").symlink_to(folder / "model.safetensors")
        for name in (folder / "model.safetensors", folder / "failure.json", self.folder / "link.jsonl"):
            result = run("data", self.plain, "--tokens", name)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(f"{name} is a file of a run, which it would destroy; give another", result.stderr)
        self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()}, before)
        self.succeed("data", self.plain, "--tokens", folder / "tokens.jsonl")
        (self.folder / "vocabulary.txt").write_text("mine")  # beside no run
        self.succeed("data", self.plain, "--tokens", self.folder / "vocabulary.txt")

    def trained_run(self, name="run"):
        """A run on the texts without ids, in a folder of this name."""
        self.succeed("train", "--dataset", self.plain, "--epochs", 1, "--hidden", 4, "--device", self.device,
                     "--threads", 1, "--runs", self.folder / "trained")
        (folder,) = (self.folder / "trained").iterdir()
        return folder.rename(self.folder / name)

    def test_the_run_of_another_data_set(self):
        folder, other = self.trained_run(), self.folder / "other.csv"
        for change in (lambda text, label: (text.replace("filler", "word"), label),
                       lambda text, label: (text, 1 - label)):
            write_csv(other, [(*change(text, label), split) for text, label, split in self.rows])
            result = run(*self.arguments(other, folder))
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(f"{folder} was not trained on {other} (data_checksum", result.stderr)
        self.assertFalse(self.runs.exists())
        other.write_bytes(self.plain.read_bytes())
        self.succeed(*self.arguments(other, folder))

    def test_the_run_of_another_built_in_corpus(self):
        self.succeed("train", "--dataset", "planted", "--epochs", 1, "--hidden", 4, "--threads", 1, "--runs",
                     self.folder / "trained")
        (folder,) = (self.folder / "trained").iterdir()
        result = run(*self.arguments("planted", folder), "--corpus-seed", 2)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"{folder} was not trained on planted (corpus_seed)", result.stderr)

    def test_a_run_that_has_no_attention(self):
        self.succeed("adversary", "--dataset", self.plain, "--epochs", 1, "--adversary-epochs", 1, "--lambdas", 1, "--seeds", 50,
                     "--hidden", 4, "--threads", 1, "--runs", self.folder / "trained")
        (folder,) = (self.folder / "trained").glob("*-perturbation-*")
        result = run(*self.arguments(self.plain, folder))
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"{folder} holds perturbations of another run's attention, and none of its own", result.stderr)

    def test_dots_in_names(self):
        for name in ("run-lambda0.001", "run-lambda0.002"):
            self.succeed(*self.arguments(self.plain, self.trained_run(name)))
            self.assertTrue((self.runs / f"plain-tokens-given-seed10-by-external-{name}").exists())
        self.attention.write_text(self.lines(row=self.row))
        packed = self.folder / "mine.jsonl.gz"
        packed.write_bytes(gzip.compress(self.attention.read_bytes()))
        self.succeed(*self.arguments(self.plain, packed))
        self.assertTrue((self.runs / "plain-tokens-given-seed10-by-external-mine").exists())

    def test_importance_is_a_choice(self):
        self.attention.write_text(self.lines(row=self.row))
        self.succeed(*self.arguments(self.plain), "--importance", "softmax")
        self.assertIn("already finished", self.succeed(*self.arguments(self.plain), "--importance", "softmax"))
        (folder,) = self.runs.glob("*-by-external-mine-softmax")
        self.assertEqual(read_json(folder / "config.json")["choices"]["importance"], "softmax")
        copy = self.folder / "mine-softmax.jsonl"
        copy.write_bytes(self.attention.read_bytes())
        result = run(*self.arguments(self.plain, copy))
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(f"{folder.name} holds a run with other choices (importance:", result.stderr)

    def test_through_a_pipe(self):
        self.attention.write_text(self.lines(row=self.row))
        words = [shlex.quote(word) for word in command(*self.arguments(self.plain, "PIPE"))]
        words[words.index("PIPE")] = f"<(cat {shlex.quote(str(self.attention))})"
        inodes = set()
        for _ in range(2):  # the second call finds every run finished, though its pipe has another name
            result = subprocess.run(["bash", "-c", " ".join(words)], capture_output=True, text=True, timeout=600)
            self.assertEqual(result.returncode, 0, result.stderr)
            (folder,) = self.runs.glob("*-by-external-pipe")
            inodes.add((folder / "attention_train.safetensors").stat().st_ino)
        self.assertEqual(len(inodes), 1)


class Leakage(Test):
    """Guides for the planted corpus: one that points at the evidence, and one of filler words that tell the label."""

    def leakage(self, name, weight):
        """What is printed of the MLP that the guide `weight(word, label)` guides: its ROC-AUC, and the leakage."""
        tokens, guide = self.folder / "tokens.jsonl", self.folder / f"{name}.jsonl"
        if not tokens.exists():
            self.succeed("data", "planted", "--tokens", tokens)
        with guide.open("w") as file:
            for text in map(json.loads, tokens.read_text().splitlines()):
                weights = [weight(word, text["label"]) for word in text["tokens"]]
                file.write(json.dumps({**text, "attention": weights if sum(weights) else [1] * len(weights)}) + "\n")
        output = self.succeed("diagnose", "--dataset", "planted", "--attention", guide, "--epochs", 3, "--hidden", 16,
                              "--threads", 1, "--device", self.device, "--runs", self.runs)
        lines = output.splitlines()
        (at,) = (i for i, line in enumerate(lines) if line.startswith(f"MLP by external-{name}"))
        return float(lines[at].split()[-8]), float(lines[at + 1].split("leakage ")[1])

    def test_a_guide_that_smuggles_the_label_is_told_from_one_that_points_at_evidence(self):
        roc_auc, leakage = self.leakage("honest", lambda word, _: int(word.startswith(("praise", "blame"))))
        self.assertGreater(roc_auc, 0.95)
        self.assertLess(leakage, 0.15)
        roc_auc, leakage = self.leakage("smuggler", lambda word, label: int(word.startswith("word") and
                                                                            int(word[4:]) % 2 == label))
        self.assertGreater(roc_auc, 0.95)
        self.assertGreater(leakage, 0.5)


if __name__ == "__main__":
    main()
