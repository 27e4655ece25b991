#!/usr/bin/env python3
"""The base model on SST, by the paper's protocol, learns as fast and becomes as good as the authors'. With random embeddings
their model in PyTorch has, over nine seeds, train F1 0.826 +- 0.009 after the first epoch, and at the chosen epoch test F1
0.781 +- 0.010 and ROC-AUC 0.85 to 0.87. The bands below allow for five seeds. A single F1 is no measure: the epoch is chosen
by ROC-AUC, and at that epoch the probabilities may lean to one class (bench/notes.md). With the word vectors, PyTorch has F1
0.846 to 0.854 and ROC-AUC 0.92 to 0.93 with seed 10; bench/torch_epoch.py --evaluate gave 0.851 to 0.858 and 0.929 to 0.932
over seeds 10 to 12. Takes minutes; needs NOTNOT_DATA."""
import os
import pathlib
import statistics
import unittest

from common.program import Test, cuda_reason, main, read_json, read_metrics, skip_all

DATA = pathlib.Path(os.environ.get("NOTNOT_DATA") or "/nowhere")
VECTORS = DATA / "vectors" / "notnot.300d.vec"
SEEDS = (10, 50, 257, 500231, 100078)  # the paper's base seed and the first four of its others


class Quality(Test):
    device = "cpu" if cuda_reason() else "cuda"

    def scores(self, folder):
        result = read_json(folder / "result.json")
        sizes = read_json(folder / "config.json")["data"]
        counts = {split: (size["negative"], size["positive"]) for split, size in sizes["splits"].items()}
        self.assertEqual((counts["train"], counts["test"], sizes["vocabulary"]), ((3034, 3321), (863, 862), 13826))
        test = result["test"]
        print(f"{folder.name}: epoch {result['epoch']}, test F1 {test['f1']:.4f}, ROC-AUC {test['roc_auc']:.4f}",
              flush=True)
        return test["f1"], test["roc_auc"]

    def assert_between(self, value, low, high):
        self.assertTrue(low <= value <= high, f"{value} is not in {low} to {high}")

    def test_random_embeddings(self):
        last = self.train("--dataset", "sst", "--seed", ",".join(map(str, SEEDS)), timeout=3600)
        f1, roc_auc = zip(*(self.scores(last.parent / f"sst-lstm-learned-seed{seed}") for seed in SEEDS))
        print(f"mean F1 {statistics.mean(f1):.4f}, mean ROC-AUC {statistics.mean(roc_auc):.4f}", flush=True)
        # With batches of one class, as ties in the order of the file give them, it is 0.772 +- 0.021.
        first = [float(read_metrics(last.parent / f"sst-lstm-learned-seed{seed}")[0]["train_f1"]) for seed in SEEDS]
        print(f"train F1 after epoch 1: {first}", flush=True)
        self.assert_between(statistics.mean(first), 0.806, 0.846)
        self.assert_between(statistics.mean(f1), 0.756, 0.806)
        for value in roc_auc:
            self.assert_between(value, 0.84, 0.88)

    @unittest.skipUnless(VECTORS.is_file(), f"there is no {VECTORS.name}")
    def test_word_vectors(self):
        f1, roc_auc = self.scores(self.train("--dataset", "sst", "--seed", 10, "--vectors", VECTORS, timeout=3600))
        self.assert_between(f1, 0.846, 0.866)
        self.assert_between(roc_auc, 0.92, 0.94)


if __name__ == "__main__":
    if not (DATA / "sst").is_dir():
        skip_all("NOTNOT_DATA has no sst")
    main()
