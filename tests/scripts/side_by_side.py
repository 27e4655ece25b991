#!/usr/bin/env python3
"""`notnot adversary --side-by-side`: a group trains together, is killed together and ends in the same bytes; and what is
no group is refused before anything is trained."""
import shutil
import signal

from common.program import TestWithChildren, main, read_json, run

RUNS = ("--dataset", "planted", "--hidden", 8, "--epochs", 1, "--adversary-epochs", 2, "--checkpoint-minutes", 0)
FILES = ("model.safetensors", "vocabulary.txt", "predictions.jsonl", "result.json", "attention_train.safetensors",
         "attention_dev.safetensors", "attention_test.safetensors")
MEMBERS = [f"planted-adversary-lambda0.001-seed10-member{k}of3" for k in (1, 2, 3)]


class SideBySide(TestWithChildren):
    def adversary(self, *arguments, runs=None):
        return self.succeed("adversary", *RUNS, "--device", self.device, "--runs", runs or self.runs, *arguments)

    def assert_same_group(self, runs):
        for name in MEMBERS:
            self.assert_same_bytes(self.runs / name, runs / name, FILES)

    def test_group(self):
        plan = self.adversary("--side-by-side", 3, "--plan")
        for name in MEMBERS:
            self.assertIn(name, plan)
        self.assertFalse(self.runs.exists())
        output = self.adversary("--side-by-side", 3, "--threads", 1)
        self.assertIn("Adversary 2 of 3 side by side", output)
        self.assertEqual(self.run_folders(), [*MEMBERS, "planted-lstm-learned-seed10"])
        self.assertEqual(len({(self.runs / name / "model.safetensors").read_bytes() for name in MEMBERS}), 3)
        self.assertEqual(len({read_json(self.runs / name / "result.json")["epoch"] for name in MEMBERS}), 1)
        self.assertEqual(self.adversary("--side-by-side", 3).count("already finished: "), 4)

        with self.subTest("other threads"):
            self.adversary("--side-by-side", 3, "--threads", 3, runs=self.folder / "threads")
            self.assert_same_group(self.folder / "threads")
        with self.subTest("killed, then the same command"):
            killed = self.folder / "killed"
            shutil.copytree(self.runs / "planted-lstm-learned-seed10", killed / "planted-lstm-learned-seed10")
            child = self.start("adversary", *RUNS, "--side-by-side", 3, "--device", self.device, "--runs", killed)
            checkpoint = killed / MEMBERS[0] / "checkpoint.safetensors"
            while not checkpoint.exists() and child.poll() is None:
                pass
            child.send_signal(signal.SIGKILL)
            child.communicate(timeout=60)
            self.assertEqual(child.returncode, -signal.SIGKILL)
            self.assertFalse((killed / MEMBERS[0] / "result.json").exists())
            self.assertFalse((killed / MEMBERS[1] / "checkpoint.safetensors").exists())
            self.assertIn("goes on", self.adversary("--side-by-side", 3, "--plan", runs=killed))
            self.adversary("--side-by-side", 3, runs=killed)
            self.assert_same_group(killed)
        with self.subTest("a member is a run like any other"):
            member = self.runs / MEMBERS[1]
            self.succeed("predict", member, "--text", "good film")
            self.succeed("report", self.runs, "--out", self.folder / "report")
            page = (self.folder / "report/index.html").read_text(encoding="utf-8")
            self.assertIn('id="planted-side-by-side"', page)
            self.assertTrue((self.folder / "report/tables/planted-side-by-side-counts.csv").exists())

    def refuse(self, words, *arguments):
        result = run("adversary", *RUNS, "--device", self.device, "--runs", self.runs, *arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertFalse(self.runs.exists())

    def test_what_is_refused(self):
        for members in ("1", "0", "17", "-3", "3.5", "three", "03x"):
            self.refuse("is not a whole number from 2 to 16", f"--side-by-side={members}")
        self.refuse("needs lambdas above 0", "--side-by-side", 2, "--lambdas", "0,0.001")
        self.refuse("--seeds changes nothing", "--side-by-side", 2, "--seeds", 5)


if __name__ == "__main__":
    main()
