#!/usr/bin/env python3
"""The column rationale, from the user's file to the report: prepared or not, it says how well attention finds the words
that a person marked; it changes no model; a wrong one is refused."""
import json

from common.program import Test, main, read_safetensors, run, small_corpus, write_csv

MENDABLE = 2
OPTIONS = ("--hidden", 4, "--threads", 1, "--epochs", 2)


def marked(rows):
    """The rows, with a last column: the place of the first word of every second text."""
    return [[*row, "0" if number % 2 else ""] for number, row in enumerate(rows, 1)]


class Rationale(Test):
    def setUp(self):
        super().setUp()
        self.rows = small_corpus()
        self.file = self.folder / "own.csv"
        write_csv(self.file, marked(self.rows), ("text", "label", "split", "rationale"))

    def attribute(self, model):
        self.succeed("attribute", model, "--measures", "attention,random", "--splits", "train,dev,test", "--threads", 1)
        return model.parent / f"{model.name.split('-')[0]}-attribution-attention-train-dev-test-seed10"

    def check(self, model):
        run_folder = self.attribute(model)
        self.assertFalse((run_folder / "erasure_train.safetensors").exists())
        for split in ("dev", "test"):
            erasure = read_safetensors(run_folder / f"erasure_{split}.safetensors")
            offsets, rows, rationale = (erasure[name][2] for name in ("offsets", "row", "rationale"))
            expected = [0] * offsets[-1]
            for begin, row in zip(offsets, rows):
                expected[begin + 1] = row % 2
            self.assertEqual(list(rationale), expected)
            self.assertEqual(tuple(erasure["comprehensiveness_logit"][1]), (len(rows), 5))
        report = self.folder / f"report-{model.parent.name}"
        self.succeed("report", model.parent, "--out", report)
        page = (report / "index.html").read_text(encoding="utf-8")
        self.assertIn("the words that the column rationale marks", page)
        self.assertIn("Means over the 10 texts that have evidence words and others; 10 have not.", page)
        self.assertTrue(list((report / "tables").glob("*-rationales.csv")))

    def test_a_file(self):
        self.check(self.train("--dataset", self.file, *OPTIONS))

    def test_a_prepared_folder(self):
        self.succeed("prepare", "csv", self.file, "--out", self.folder / "prepared")
        self.check(self.train("--dataset", self.folder / "prepared", *OPTIONS))

    def test_json_lines(self):
        file = self.folder / "lines.jsonl"
        names = ("text", "label", "split", "rationale")
        with open(file, "w", encoding="utf-8") as lines:
            for row in marked(self.rows):
                text = dict(zip(names, row))
                text["rationale"] = [0] if text["rationale"] else None
                lines.write(json.dumps(text) + "\n")
        self.check(self.train("--dataset", file, *OPTIONS))

    def test_no_model_learns_from_it(self):
        with_marks = self.train("--dataset", self.file, *OPTIONS, runs=self.folder / "with")
        write_csv(self.file, self.rows)
        without = self.train("--dataset", self.file, *OPTIONS, runs=self.folder / "without")
        self.assertEqual((with_marks / "model.safetensors").read_bytes(), (without / "model.safetensors").read_bytes())

    def test_without_it_there_are_no_marks(self):
        write_csv(self.file, self.rows)
        model = self.train("--dataset", self.file, *OPTIONS)
        self.assertNotIn("rationale", read_safetensors(self.attribute(model) / "erasure_test.safetensors"))
        self.succeed("report", model.parent, "--out", self.folder / "report")
        self.assertFalse(list((self.folder / "report" / "tables").glob("*-rationales.csv")))

    def test_wrong_ones_are_refused_before_anything_is_written(self):
        for rationale, words in (("99", "the rationale marks word 99"), ("0 0", "marks word 0 twice"),
                                 ("great", "'great' in the rationale is no place of a word")):
            rows = marked(self.rows)
            rows[4][-1] = rationale
            write_csv(self.file, rows, ("text", "label", "split", "rationale"))
            for arguments in (("prepare", "csv", self.file, "--out", self.folder / "out"),
                              ("train", "--dataset", self.file, "--runs", self.runs)):
                result = run(*arguments)
                self.assertEqual(result.returncode, MENDABLE, result.stderr)
                self.assertIn(f"{self.file}, record 5 (line 6): ", result.stderr)
                self.assertIn(words, result.stderr)
                self.assertFalse((self.folder / "out").exists())
                self.assertEqual(self.run_folders(), [])


if __name__ == "__main__":
    main()
