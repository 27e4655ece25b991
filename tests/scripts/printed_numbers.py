#!/usr/bin/env python3
"""The numbers that a study prints are those in its folders: the texts, the result of each run, the summary, and which
adversaries follow."""
import re
import statistics

from common.program import Test, main, read_json, read_metrics, read_predictions, small_corpus, write_csv

MEASURES = {"F1": "f1", "ROC-AUC": "roc_auc", "accuracy": "accuracy", "average precision": "average_precision"}


class PrintedNumbers(Test):
    def setUp(self):
        super().setUp()
        rows = small_corpus(sizes=(60, 21, 15))  # the splits and classes have different sizes
        write_csv(self.folder / "own.csv", rows)
        self.counts = {split: [sum(1 for _, label, its in rows if its == split and label == value) for value in (0, 1)]
                       for split in ("train", "dev", "test")}
        self.words = {word for text, _, split in rows if split == "train" for word in text.split()}
        self.arguments = ("--hidden", 4, "--batch", 8, "--epochs", 2, "--device", self.device, "--threads", 1, "--runs",
                          self.runs)

    def study(self, name, *arguments):
        return self.succeed(name, "--dataset", self.folder / "own.csv", *self.arguments, *arguments)

    def result(self, name):
        return read_json(self.runs / name / "result.json")

    def test_the_texts_by_split_and_class(self):
        output = self.study("uniform", "--plan")
        sizes = ", ".join("{} {} + {}".format(split, *self.counts[split]) for split in ("train", "dev", "test"))
        self.assertIn(f"own: {sizes} texts (negative + positive), vocabulary {4 + len(self.words)}, random embeddings\n",
                      output)

    def test_the_result_of_each_run(self):
        output = self.study("uniform", "--repeats", 2, "--seeds", "50")
        for name in ("lstm-learned-seed10", "lstm-learned-seed50", "lstm-uniform-seed10", "lstm-uniform-seed50"):
            result = self.result(f"own-{name}")
            measures = ", ".join(f"{words} {result['test'][key]:.3f}" for words, key in MEASURES.items())
            self.assertIn(f"own-{name}: epoch {result['epoch']} by test ROC-AUC; test {measures}\n", output)

    def test_the_summary(self):
        output = self.study("uniform", "--repeats", 3, "--seeds", "50,257")
        for model, name in (("Base", "learned"), ("Uniform", "uniform")):
            results = [self.result(f"own-lstm-{name}-seed{seed}") for seed in (10, 50, 257)]
            test = results[0]["test"]
            self.assertRegex(output, re.compile(
                rf"^{model} +10 +{test['f1']:.3f} +- +{test['roc_auc']:.3f} +{test['accuracy']:.3f} +"
                rf"{results[0]['epoch']} of 2, chosen on test$", re.M))
            f1 = [result["test"]["f1"] for result in results]
            self.assertRegex(output, re.compile(
                rf"^ +3 runs +F1 {statistics.mean(f1):.3f} ± {statistics.stdev(f1):.3f}$", re.M))

    def test_perturbations_and_the_grid(self):
        output = self.study("adversary", "--adversary-epochs", 2, "--lambdas", "0,0.01", "--seeds", "50")
        result = self.result("own-perturbation-seed10")
        exact = ", ".join("{jsd:.3f} for {epsilon}".format(**mean) for mean in result["exact_adversary"])
        self.assertEqual([mean["epsilon"] for mean in result["exact_adversary"]], [0.001, 0.005, 0.01, 0.05, 0.1])
        self.assertIn("own-perturbation-seed10: permuted attention changes p by {:.3f}; adversaries of single texts reach "
                      "JSD {:.3f}; exact adversaries have JSD {}\n".format(
                          result["permutation_change"], result["adversary_jsd"], exact), output)
        adversary = self.result("own-adversary-lambda0.01-seed10")
        self.assertIn("own-adversary-lambda0.01-seed10: epoch {} by train loss; test F1 {:.3f},".format(
            adversary["epoch"], adversary["test"]["f1"]), output)
        for largest, first, second in (("0.01", "0.02", "0.04"), ("0.04", "0.08", "0.16"), ("0.16", "0.32", "0.64")):
            self.assertRegex(output, rf"own: no lambda up to {largest} moves the attention beyond JSD 0\.4 \(the largest is "
                                     rf"0\.\d{{3}}\); {first} and {second} follow\n")

    def test_the_plan(self):
        output = self.study("adversary", "--plan", "--adversary-epochs", 7, "--lambdas", "0", "--seeds", "50", "--fleet", 3)
        rows = {line.split()[0]: line.split() for line in output.splitlines() if line.startswith("own-")}
        self.assertEqual({name: columns[1] for name, columns in rows.items()},
                         {"own-lstm-learned-seed10": "2", "own-lstm-uniform-seed10": "2",
                          "own-adversary-lambda0-seed10": "7", "own-adversary-lambda0.001-seed10": "7",
                          "own-adversary-lambda0.001-seed50-of-lstm-learned-seed10": "7", "own-perturbation-seed10": "-"})
        self.assertRegex(output, r"own: 6 of 6 runs left, at most \d+ s with 3 at once \(adversaries stop 10 epochs after "
                                 r"their best\), up to \d+ MiB beside the data; up to 6 more may follow \(larger lambdas until "
                                 r"the attention moves\), at most \d+ s in all\n")
        output = self.study("adversary", "--plan", "--adversary-epochs", 7, "--lambdas", "0", "--seeds", "50", "--repeats", 2)
        self.assertRegex(output, r"; up to 7 more may follow \(larger lambdas until the attention moves, and the other "
                                 r"seeds of the best lambda\), at most \d+ s in all\n")

    def test_what_was_trained_is_what_was_asked_for(self):
        self.succeed("train", "--dataset", self.folder / "own.csv", "--runs", self.runs, "--device", self.device,
                     "--hidden", 4, "--epochs", 3, "--batch", 16, "--select", "dev", "--seed", 7, "--encoder", "tokens",
                     "--attention", "uniform", "--min-df", 2)
        folder = self.runs / "own-tokens-uniform-seed7"
        choices = read_json(folder / "config.json")["choices"]
        self.assertEqual([choices[key] for key in ("encoder", "attention", "seed", "epochs", "batch", "hidden", "select",
                                                   "min_df")],
                         ["tokens", "uniform", 7, 3, 16, 4, "dev", 2])
        self.assertEqual(len(read_metrics(folder)), 3)
        self.assertEqual(self.result(folder.name)["selected_on"], "dev")
        for text in read_predictions(folder):
            weights = text["attention"]
            self.assertAlmostEqual(max(weights), min(weights))
            self.assertAlmostEqual(sum(weights), 1, places=5)


if __name__ == "__main__":
    main()
