#!/usr/bin/env python3
"""notnot attribute: it finds the texts and the choices of a run again, refuses what it cannot attribute, starts again
where it was stopped, and what it writes guides an MLP and can be read by other programs."""
import json
import math
import os
import shutil

from common.program import (PROGRAM, SPLITS, Test, main, read_json, read_predictions, read_safetensors,
                            remove_checksums, run, small_corpus, write_csv, write_safetensors)

MENDABLE = 2
SIMPLE = "attention,contribution,random"
OPTIONS = ("--hidden", 4, "--threads", 1, "--epochs", 1)


class Attribute(Test):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "own.csv"
        self.rows = small_corpus()
        write_csv(self.file, self.rows)
        self.model = self.train("--dataset", self.file, *OPTIONS)

    def attribute(self, *arguments, model=None, **options):
        return run("attribute", model or self.model, "--device", self.device, "--threads", 1, *arguments, **options)

    def accept(self, *arguments, **options):
        result = self.attribute(*arguments, **options)
        self.assertEqual(result.returncode, 0, f"{result.stdout}\n{result.stderr}")
        return result.stdout

    def refuse(self, *arguments, words, **options):
        before = self.run_folders()
        result = self.attribute(*arguments, **options)
        self.assertEqual(result.returncode, MENDABLE, f"{result.stdout}\n{result.stderr}")
        for word in words:
            self.assertIn(str(word), result.stderr)
        self.assertEqual(self.run_folders(), before)

    def of(self, measure, splits="", end="seed10"):
        return self.runs / f"own-attribution-{measure}{splits}-{end}"


class Files(Attribute):
    def test_scores_as_other_programs_read_them(self):
        self.accept("--measures", SIMPLE, "--splits", "train,dev,test")
        for split in SPLITS:
            attention = read_safetensors(self.model / f"attention_{split}.safetensors")
            for measure in SIMPLE.split(","):
                scores = read_safetensors(self.of(measure, "-train-dev-test") / f"attribution_{split}.safetensors")
                self.assertEqual(set(scores), {"score_probability", "score_logit", "probability", "logit", "offsets",
                                               "label", "row"})
                for name in ("offsets", "label", "row", "probability"):
                    self.assertEqual(scores[name], attention[name])
                offsets = scores["offsets"][2]
                boundaries = {place for offset in offsets for place in (offset - 1, offset)}
                for place, score in enumerate(scores["score_probability"][2]):
                    self.assertEqual(math.isnan(score), place in boundaries)
        weights = [weight for text in read_predictions(self.model) for weight in text["attention"]]
        scores = read_safetensors(self.of("attention", "-train-dev-test") / "attribution_test.safetensors")
        found = [score for score in scores["score_probability"][2] if not math.isnan(score)]
        self.assertEqual(len(found), len(weights))
        for score, weight in zip(found, weights):
            self.assertAlmostEqual(score, weight, places=6)

    def test_the_results_do_not_depend_on_threads_or_the_fleet(self):
        self.accept("--measures", SIMPLE)
        first = {path: path.read_bytes() for path in self.runs.glob("*-attribution-*/*")}
        for path in list(self.runs.glob("*-attribution-*")):
            shutil.rmtree(path)
        self.accept("--measures", "random,contribution,attention", "--fleet", 3)
        for path, content in first.items():
            self.assertEqual(path.read_bytes(), content, path)

    def test_default_splits_and_measures(self):
        self.assertIn("to do", self.accept("--plan"))
        self.assertEqual(self.run_folders(), [self.model.name])
        listed = [line.split()[0] for line in self.accept("--plan").splitlines() if "-attribution-" in line]
        self.assertEqual(listed, [self.of(measure).name for measure in (
            "attention", "contribution", "input-x-gradient-held", "input-x-gradient", "gradient-norm-held",
            "gradient-norm", "integrated-gradients", "leave-one-out", "random")])


class Again(Attribute):
    def test_a_finished_attribution_is_not_computed_again(self):
        self.accept("--measures", "random")
        before = (self.of("random") / "result.json").stat().st_ino
        self.assertIn(f"already finished: {self.of('random')}", self.accept("--measures", "random"))
        self.assertEqual((self.of("random") / "result.json").stat().st_ino, before)

    def test_one_that_was_stopped_starts_again(self):
        self.accept("--measures", "random")
        whole = (self.of("random") / "attribution_test.safetensors").read_bytes()
        (self.of("random") / "result.json").unlink()
        (self.of("random") / "attribution_test.safetensors").write_bytes(b"half")
        self.accept("--measures", "random")
        self.assertEqual((self.of("random") / "attribution_test.safetensors").read_bytes(), whole)

    def test_damaged_files_are_noticed(self):
        self.accept("--measures", "random")
        file = self.of("random") / "attribution_test.safetensors"
        content = bytearray(file.read_bytes())
        content[-5] ^= 1
        file.write_bytes(content)
        self.refuse("--measures", "random", words=(file, "its checksum is not the one in result.json", "--retrain"))
        file.unlink()
        self.refuse("--measures", "random", words=(file, "is missing", "--retrain"))
        self.accept("--measures", "random", "--retrain")
        self.assertIn("already finished", self.accept("--measures", "random"))

    def test_a_model_that_was_trained_again(self):
        self.accept("--measures", "random")
        shutil.rmtree(self.model)
        self.train("--dataset", self.file, *OPTIONS, "--batch", 7)
        self.refuse("--measures", "random", words=(self.of("random"), "other choices", "other_checksum"))
        report = run("report", self.runs, "--out", self.folder / "report")
        self.assertEqual(report.returncode, MENDABLE)
        self.assertIn(f"{self.of('random')} looks at another version of {self.model}", report.stderr)
        self.accept("--measures", "random", "--retrain")
        self.succeed("report", self.runs, "--out", self.folder / "report")


class Texts(Attribute):
    def test_texts_that_were_moved(self):
        moved = self.folder / "moved.csv"
        self.file.rename(moved)
        self.refuse("--measures", "random", words=(self.model, f"no longer at {self.file}", "--dataset"))
        self.accept("--measures", "random", "--dataset", moved)
        self.assertTrue(self.of("random").exists())

    def test_texts_that_were_changed(self):
        write_csv(self.file, [(text + " more", label, split) for text, label, split in self.rows])
        self.refuse("--measures", "random",
                    words=(self.model, f"was not trained on {self.file} as it is now", "data_checksum", "--dataset"))

    def test_texts_from_a_pipe(self):
        copy = self.folder / "piped"
        words = f"{PROGRAM} train --dataset <(cat {self.file}) --hidden 4 --threads 1 --epochs 1 --device cpu --runs {copy}"
        self.assertEqual(os.spawnlp(os.P_WAIT, "bash", "bash", "-c", words + " > /dev/null"), 0)
        (model,) = copy.iterdir()
        self.refuse("--measures", "random", model=model, words=(model, "a pipe leaves nothing behind", "--dataset"))
        self.accept("--measures", "random", "--dataset", self.file, model=model)
        self.assertEqual(len(list(copy.glob("*-attribution-random-seed10"))), 1)

    def test_options_of_the_vocabulary_and_the_length(self):
        model = self.train("--dataset", self.file, *OPTIONS, "--min-df", 2, "--min-length", 3, "--max-length", 7,
                           runs=self.folder / "filtered")
        self.accept("--measures", "random", model=model)

    def test_a_prepared_folder_and_word_vectors_that_are_gone(self):
        vectors = self.folder / "wiki.vec"
        vectors.write_text("good 1 0 0.5\nbad 0 1 0.25\n")
        self.succeed("prepare", "csv", self.file, "--out", self.folder / "films")
        model = self.train("--dataset", self.folder / "films", "--vectors", vectors, *OPTIONS, runs=self.folder / "prepared")
        vectors.unlink()
        self.accept("--measures", "random", model=model)
        (attribution,) = model.parent.glob("*-attribution-random-seed10")
        choices, expected = (read_json(run / "config.json")["choices"] for run in (attribution, model))
        self.assertEqual({key: choices[key] for key in expected}, expected)

    def test_sst_in_the_folder_of_the_data(self):
        data = self.folder / "data"
        (data / "sst").mkdir(parents=True)
        write_csv(data / "sst" / "sst_dataset.csv", self.rows)
        environment = {**os.environ, "NOTNOT_DATA": str(data)}
        for options in ((), ("--min-length", 3, "--max-length", 7)):
            model = self.train("--dataset", "sst", *OPTIONS, *options, runs=self.folder / f"sst{len(options)}",
                               env=environment)
            self.accept("--measures", "random", model=model, env=environment)
        data.rename(self.folder / "moved")
        self.refuse("--measures", "random", model=model, env=environment, words=("no longer at", "--dataset"))
        environment["NOTNOT_DATA"] = str(self.folder / "moved")
        self.assertIn("already finished", self.accept("--measures", "random", "--dataset", "sst", model=model,
                                                      env=environment))

    def test_the_built_in_corpus(self):
        model = self.train("--dataset", "planted", *OPTIONS, "--corpus-seed", 4, "--evidence", "negated")
        self.accept("--measures", "random", model=model)

    def test_another_folder_than_this_one(self):
        relative = self.train("--dataset", "own.csv", *OPTIONS, runs="there", cwd=self.folder)
        self.refuse("--measures", "random", model=self.folder / relative, cwd="/", words=("no longer at own.csv",))
        self.accept("--measures", "random", model=relative, cwd=self.folder)
        self.accept("--measures", "random", "--dataset", self.file, model=".", cwd=self.folder / relative)


class Models(Attribute):
    def test_models_that_it_takes(self):
        self.succeed("guides", "--dataset", self.file, *OPTIONS, "--adversary-epochs", 1, "--device", self.device,
                     "--runs", self.runs)
        for name in ("adversary-lambda0.001-seed10", "tokens-learned-seed10", "tokens-uniform-seed10"):
            model = self.runs / f"own-{name}"
            self.accept("--measures", "random", model=model)
            folder = self.of("random", end=f"seed10-of-{name}")
            self.assertEqual(read_json(folder / "config.json")["choices"]["other"], model.name)
            self.assertIn("already finished", self.accept("--measures", "random", model=model))
        guided = self.runs / "own-tokens-given-seed10-by-lstm-learned-seed10"
        self.refuse("--measures", "random", model=guided,
                    words=(guided, "its attention is given by another source (own-lstm-learned-seed10)", "not defined"))
        self.succeed("report", self.runs, "--out", self.folder / "report")

    def test_runs_that_it_refuses(self):
        self.accept("--measures", "random")
        self.refuse("--measures", "random", model=self.of("random"), words=(self.model.name, "give that run"))
        self.refuse(model=self.runs, words=(self.runs, "is no run folder"))
        renamed = self.folder / "mine"
        shutil.copytree(self.model, renamed)
        self.refuse("--measures", "random", model=renamed, words=(renamed, self.model.name, "that name again"))
        (self.model / "result.json").unlink()
        self.refuse("--measures", "random", words=(self.model, "is not finished"))

    def test_a_run_of_an_earlier_version(self):
        remove_checksums(self.model)
        config = read_json(self.model / "config.json")
        del config["choices"]["data_checksum"]
        (self.model / "config.json").write_text(json.dumps(config))
        self.refuse("--measures", "random", words=(self.model, "earlier version", "--retrain"))

    def test_a_model_that_was_damaged(self):
        content = bytearray((self.model / "model.safetensors").read_bytes())
        content[-1] ^= 1
        (self.model / "model.safetensors").write_bytes(content)
        result = self.attribute("--measures", "random")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("model.safetensors: its checksum is not the one in result.json", result.stdout + result.stderr)
        self.assertFalse((self.of("random") / "result.json").exists())

    def test_lists_that_are_wrong(self):
        self.refuse("--measures", "gradients", words=("--measures", "gradients is none of the measures", "leave-one-out"))
        self.refuse("--measures", "random,random", words=("--measures", "random is given twice"))
        self.refuse("--splits", "val", words=("--splits", "val is none of the splits", "train, dev, test"))
        self.refuse("--splits", "test,test", words=("--splits", "test is given twice"))


class Guides(Attribute):
    def diagnose(self, folder):
        return run("diagnose", "--dataset", self.file, "--attention", folder, *OPTIONS, "--device", self.device, "--runs",
                   self.runs)

    def test_an_attribution_guides(self):
        self.accept("--measures", "contribution,attention", "--splits", "train,dev,test")
        for measure in ("contribution", "attention"):
            folder = self.of(measure, "-train-dev-test")
            result = self.diagnose(folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            guided = self.runs / f"own-tokens-given-seed10-by-external-{folder.name}"
            for split in SPLITS:
                scores = read_safetensors(folder / f"attribution_{split}.safetensors")
                given = read_safetensors(guided / f"attention_{split}.safetensors")
                offsets = scores["offsets"][2]
                for begin, end in zip(offsets, offsets[1:]):
                    words = [abs(score) for score in scores["score_probability"][2][begin + 1:end - 1]]
                    weights = [math.exp(log) for log in given["log_attention"][2][begin + 1:end - 1]]
                    for word, weight in zip(words, weights):
                        self.assertAlmostEqual(weight, word / sum(words), places=5)
            self.assertIn("already finished", self.diagnose(folder).stdout)

    def test_the_third_test_has_rivals_of_attention(self):
        arguments = ("guides", "--dataset", self.file, *OPTIONS, "--adversary-epochs", 1, "--device", self.device,
                     "--runs", self.runs, "--by", "contribution,random")
        self.succeed(*arguments)
        for measure in ("contribution", "random"):
            folder = self.of(measure, "-train-dev-test")
            self.assertEqual(read_json(folder / "config.json")["choices"]["splits"], ["train", "dev", "test"])
            guided = self.runs / f"own-tokens-given-seed10-by-{folder.name.removeprefix('own-')}"
            scores = read_safetensors(folder / "attribution_test.safetensors")
            given = read_safetensors(guided / "attention_test.safetensors")
            words = [abs(score) for score in scores["score_probability"][2][1:scores["offsets"][2][1] - 1]]
            for place, word in enumerate(words):
                self.assertAlmostEqual(math.exp(given["log_attention"][2][place + 1]), word / sum(words), places=5)
            self.assertTrue((guided / "guide_controls.safetensors").exists())
        self.assertIn("already finished", self.succeed(*arguments))
        self.succeed("report", self.runs, "--out", self.folder / "report")
        page = next((self.folder / "report").glob("*.html")).read_text()
        for row in ("Base LSTM&#39;s contribution", "Base LSTM&#39;s random"):
            self.assertIn(row, page)
        # The other model's guide: its attribution is another one, so the MLP is out of date.
        self.succeed(*arguments[:-2], "--seed", 11, "--by", "random")
        for wrong, word in (("attention", "always guides"), ("random,random", "twice"), ("grad", "no such measure")):
            result = run(*arguments[:-2], "--by", wrong)
            self.assertIn(result.returncode, (MENDABLE, 105), result.stderr)
            self.assertIn(word, result.stderr)

    def test_it_needs_all_splits(self):
        self.accept("--measures", "contribution", "--splits", "train,test")
        folder = self.of("contribution", "-train-test")
        result = self.diagnose(folder)
        self.assertEqual(result.returncode, MENDABLE)
        command = f"notnot attribute {self.model} --measures contribution --splits train,dev,test"
        for word in (folder, "of the train and test split only", command):
            self.assertIn(str(word), result.stderr)

    def test_damaged_scores_guide_nothing(self):
        self.accept("--measures", "attention", "--splits", "train,dev,test")
        folder = self.of("attention", "-train-dev-test")
        file = folder / "attribution_dev.safetensors"
        good = read_safetensors(file)
        remove_checksums(folder)
        for name, place, value, complaint in (("score_probability", 1, -0.5, "is -0.5, below 0"),
                                              ("score_logit", 1, math.nan, "is nan"),
                                              ("score_probability", 0, 0.5, "a boundary token has a score"),
                                              ("logit", 0, math.inf, "its logit is inf"),
                                              ("row", 0, 1, "has the row 1"),
                                              ("label", 0, 2, "its label is 2")):
            dtype, shape, values = good[name]
            changed = list(values)
            changed[place] = value
            write_safetensors(file, {**good, name: (dtype, shape, changed)})
            result = self.diagnose(folder)
            self.assertEqual(result.returncode, MENDABLE, f"{name}: {result.stdout}")
            self.assertIn(f"{file}: ", result.stderr)
            self.assertIn(complaint, result.stderr)


if __name__ == "__main__":
    main()
