#!/usr/bin/env python3
"""tools/make_mimic_like: the format, the seed and the difficulty of its files; what the clinical pipeline and `notnot
prepare` make of them, against admissions, labels and folds that this script works out for itself; and the memory of both,
which must not grow with the files. Files of 300 MB are made only if NOTNOT_SLOW_TESTS is set."""
import collections
import csv
import filecmp
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

from common.program import BUILD, command, run, run_on_terminal

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "make_mimic_like"
PIPELINE = (BUILD / "tests" / "mimic_test").resolve()
SIZES = (5, 20, 300) if os.environ.get("NOTNOT_SLOW_TESTS") else (5, 20)  # MB
DIFFICULTY = 0.25  # the default
GROWTH = 8  # MiB that the largest file may need more than the smallest, for longer notes and more admissions
# Runs a command and prints the peak of its resident memory in MiB. Until the command has started, the kernel counts the size of
# the parent process. This small script is a parent that is smaller than the program; the whole test would not be.
MEASURE = """
import os, sys
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print("peak", usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""
csv.field_size_limit(10**8)


def make(folder, *arguments):
    return subprocess.run([TOOL, folder, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=600)


def read(path):
    with open(path, newline="", encoding="ascii") as file:
        yield from csv.DictReader(file)


def pipeline(folder):
    """The lines that the pipeline prints, the peak of its resident memory in MiB, and its seconds."""
    start = time.monotonic()
    output = subprocess.run([PIPELINE, "--test-case=the files in NOTNOT_MIMIC"], text=True, stdout=subprocess.PIPE,
                            env={**os.environ, "NOTNOT_MIMIC": str(folder)}, check=True, timeout=600).stdout
    seconds = time.monotonic() - start
    lines = [line.split() for line in output.splitlines() if line.startswith(("diabetes ", "anemia "))]
    return lines, int(re.search(r"^peak (\d+) kB$", output, re.M)[1]) / 1024, seconds


def peak_of(*arguments):
    """The peak of the program's resident memory in MiB."""
    result = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, *command(*arguments)],
                            text=True, stdout=subprocess.PIPE, check=True, timeout=600)
    return float(result.stdout.split()[-1])


def peak_of_prepare(task, raw, out):
    """MiB that `prepare` needs beyond the program and its libraries (CUDA's take 140 MiB). Removes the folder `out`."""
    peak = peak_of("prepare", task, "--raw", raw, "--out", out)
    shutil.rmtree(out)
    return peak - peak_of("--version")


class MakeMimicLike(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        cls.small = cls.folder / "small"
        result = make(cls.small, "--size", SIZES[0])
        if result.returncode != 0:
            raise AssertionError(result.stdout)
        cls.message = result.stdout

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_format_of_mimic(self):
        with open(self.small / "NOTEEVENTS.csv", encoding="ascii") as file:
            self.assertEqual(file.readline(), '"ROW_ID","SUBJECT_ID","HADM_ID","CHARTDATE","CHARTTIME","STORETIME",'
                                              '"CATEGORY","DESCRIPTION","CGID","ISERROR","TEXT"\n')
            self.assertRegex(file.readline(), r'^\d+,\d+,\d*,\d{4}-\d\d-\d\d,[^,]*,[^,]*,"[^"]+","[^"]+",\d*,("1")?,"')
        with open(self.small / "DIAGNOSES_ICD.csv", encoding="ascii") as file:
            self.assertEqual(file.readline(), '"ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE"\n')
            self.assertRegex(file.readline(), r'^1,\d+,\d+,1,"[0-9VE]\d+"\n$')
        self.assertAlmostEqual((self.small / "NOTEEVENTS.csv").stat().st_size / 1e6, SIZES[0], delta=0.1)

    def test_everything_says_synthetic(self):
        self.assertIn("SYNTHETIC", self.message)
        self.assertIn("SYNTHETIC", (self.small / "SYNTHETIC.txt").read_text())
        for note in read(self.small / "NOTEEVENTS.csv"):
            self.assertTrue(note["TEXT"].startswith("SYNTHETIC TEXT"))

    def test_everything_that_the_pipeline_must_cope_with(self):
        notes = list(read(self.small / "NOTEEVENTS.csv"))
        summaries = [note for note in notes if note["CATEGORY"] == "Discharge summary"]
        self.assertLess(len(summaries), len(notes))
        self.assertTrue(any(note["ISERROR"] for note in summaries))
        self.assertTrue(any(not note["HADM_ID"] for note in notes))
        reports = {}
        for note in notes:
            if note["CATEGORY"] == "Discharge summary" and not note["ISERROR"]:
                reports.setdefault(note["HADM_ID"], []).append(note["DESCRIPTION"])
        self.assertIn(["Addendum", "Report"], reports.values())
        self.assertIn(["Report", "Addendum"], reports.values())
        patients = collections.Counter(note["SUBJECT_ID"] for note in summaries if note["DESCRIPTION"] == "Report")
        self.assertGreater(max(patients.values()), 1)
        codes = list(read(self.small / "DIAGNOSES_ICD.csv"))
        self.assertTrue(any(not code["ICD9_CODE"] for code in codes))
        self.assertTrue(set(reports) - {code["HADM_ID"] for code in codes})

    def test_same_seed_same_bytes(self):
        again, other = self.folder / "again", self.folder / "other"
        make(again, "--size", SIZES[0], "--seed", 1)
        make(other, "--size", SIZES[0], "--seed", 2)
        for path in self.small.iterdir():
            self.assertTrue(filecmp.cmp(path, again / path.name, shallow=False), path.name)
        self.assertFalse(filecmp.cmp(self.small / "NOTEEVENTS.csv", other / "NOTEEVENTS.csv", shallow=False))

    def test_crlf_gives_the_same_texts(self):
        folder = self.folder / "crlf"
        make(folder, "--size", SIZES[0] * 1.02, "--crlf")  # the size counts the carriage returns
        content = (folder / "NOTEEVENTS.csv").read_bytes()
        self.assertEqual(content.count(b"\n"), content.count(b"\r\n"))
        texts = {tuple(line) for line in pipeline(self.small)[0] if line[0] == "diabetes"}
        crlf = {tuple(line) for line in pipeline(folder)[0] if line[0] == "diabetes"}
        self.assertGreater(len(texts & crlf), 0.9 * len(texts))

    def test_nothing_is_overwritten(self):
        result = make(self.small)
        self.assertEqual(result.returncode, 1)
        self.assertIn("already exists, and this tool overwrites nothing", result.stdout)
        self.assertEqual(make(self.folder / "tiny", "--size", 0).returncode, 2)
        result = make("/proc/nowhere/x")
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing was kept", result.stdout)
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def check_pipeline(self, folder, lines, difficulty=DIFFICULTY):
        """Compares the pipeline's lines with the codes and folds as this script reads them, and counts the planted words."""
        notes = collections.Counter()
        for note in read(folder / "NOTEEVENTS.csv"):
            if note["CATEGORY"] == "Discharge summary" and not note["ISERROR"] and note["HADM_ID"]:
                notes[note["HADM_ID"]] += 1
        codes = {}
        for code in read(folder / "DIAGNOSES_ICD.csv"):
            if all(code.values()) and code["HADM_ID"] in notes:
                codes.setdefault(code["HADM_ID"], (code["SUBJECT_ID"], []))[1].append(code["ICD9_CODE"])
        expected = collections.defaultdict(set)
        for fold in ("train", "dev", "test"):
            for admission in (folder / f"{fold}_50_hadm_ids.csv").read_text().split():
                label = any(code.startswith("25000") for code in codes[admission][1])
                expected["diabetes"].add((fold, str(int(label)), admission))
        for admission, (_, given) in codes.items():
            acute, chronic = (any(code.startswith(start) for code in given) for start in ("2851", "2852"))
            if acute != chronic:
                expected["anemia"].add((str(int(acute)), admission))

        got = collections.defaultdict(list)
        for task, *rest in lines:
            if rest[0] != "synthetic":
                got[task].append(rest)
        self.assertEqual({tuple(line[:3]) for line in got["diabetes"]}, expected["diabetes"])
        self.assertEqual({tuple(line[1:3]) for line in got["anemia"]}, expected["anemia"])
        self.assertEqual(len(got["anemia"]), len(expected["anemia"]))
        shares = collections.Counter(line[0] for line in got["anemia"])
        self.assertAlmostEqual(shares["test"] / len(got["anemia"]), 0.2, delta=0.01)
        self.assertAlmostEqual(shares["dev"] / len(got["anemia"]), 0.12, delta=0.01)

        planted = collections.defaultdict(set)
        for line in (folder / "evidence.tsv").read_text().splitlines():
            task, label, word = line.split("\t")
            planted[task, label].add(word)
        for task, texts in got.items():
            places = {"train": 0, "dev": 1, "test": 2}
            order = [(places[split], int(label) if task == "anemia" else 0, int(codes[admission][0]), int(admission))
                     for split, label, admission, *_ in texts]
            self.assertEqual(order, sorted(order))
            contradicted = 0
            for _, label, _, _, *words in texts:
                own, other = (sum(word in planted[task, y] for word in words) for y in (label, str(1 - int(label))))
                contradicted += other > 0
                if other:
                    self.assertEqual((own, 2 <= own <= 6), (other + 1, True), words)
                elif (task, label) == ("diabetes", "0"):
                    self.assertEqual(own, 0, words)
                else:
                    self.assertIn(own, range(2, 7), words)
            tolerance = 0.1 if 0 < difficulty < 1 else 0
            self.assertAlmostEqual(contradicted / len(texts), difficulty, delta=tolerance)
        self.assertEqual([line for line in lines if line[1] == "synthetic"],
                         [["diabetes", "synthetic", "true"], ["anemia", "synthetic", "true"]])
        lengths = [int(line[3]) for line in got["diabetes"]]
        self.assertAlmostEqual(sum(lengths) / len(lengths), 2000, delta=300)

    def test_difficulty(self):
        for difficulty in (0, 1):
            folder = self.folder / f"difficulty{difficulty}"
            self.assertIn(f"difficulty {difficulty})", make(folder, "--size", 2, "--difficulty", difficulty).stdout)
            self.check_pipeline(folder, pipeline(folder)[0], difficulty)
        for difficulty in (-0.1, 1.1, "nan"):
            self.assertEqual(make(self.folder / "none", "--difficulty", difficulty).returncode, 2)

    def check_bag_of_words(self, raw):
        """Naive Bayes with whole texts as bags of words. Measured on 20 MB: an area under the ROC curve of 0.99 at
        difficulty 0, 0.84 at 0.25, 0.66 at 0.5 and 0.53 at 1."""
        out = self.folder / "bag"
        self.assertEqual(run("prepare", "anemia", "--raw", raw, "--out", out).returncode, 0)
        counts, scores = {"0": collections.Counter(), "1": collections.Counter()}, {"0": [], "1": []}
        texts = [(row["split"], row["label"], row["text"].split(" ")) for row in read(out / "texts.csv")]
        shutil.rmtree(out)
        for split, label, words in texts:
            if split == "train":
                counts[label].update(words)
        kinds = len(counts["0"] | counts["1"])
        share = {label: {word: (count[word] + 1) / (count.total() + kinds) for word in counts["0"] | counts["1"]}
                 for label, count in counts.items()}
        weight = {word: math.log(share["1"][word] / share["0"][word]) for word in share["1"]}
        for split, label, words in texts:
            if split != "train":
                scores[label].append(sum(weight.get(word, 0) for word in words))
        area = statistics.fmean(a > b for a in scores["1"] for b in scores["0"])
        print(f"naive Bayes: area under the ROC curve {area:.2f}", flush=True)
        self.assertGreater(area, 0.7)
        self.assertLess(area, 0.95)

    def prepare(self, task, *arguments):
        out = self.folder / f"prepared-{task}"
        return out, run("prepare", task, "--raw", self.small, "--out", out, *arguments)

    def test_prepare(self):
        texts = collections.defaultdict(dict)
        for task, split, label, admission, *_ in (line for line in pipeline(self.small)[0] if line[1] != "synthetic"):
            texts[task][admission] = (split, label)
        for task, files in (("diabetes", 5), ("anemia", 2)):
            out, result = self.prepare(task, "--min-length", 0, "--max-length", 100_000)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("SYNTHETIC", result.stdout)
            self.assertIn("read NOTEEVENTS.csv: 5.0 MB", result.stdout)
            self.assertIn("SYNTHETIC", run("data", out).stdout)
            description = json.loads((out / "dataset.json").read_text())
            self.assertTrue(description["synthetic"])
            self.assertEqual(len(description["sources"]), files)
            for source in description["sources"]:
                content = (self.small / source["path"]).read_bytes()
                self.assertEqual(source["sha256"], hashlib.sha256(content).hexdigest(), source["path"])
            prepared = {row["id"]: (row["split"], row["label"]) for row in read(out / "texts.csv")}
            self.assertEqual(prepared, texts[task])

    def test_a_bar_on_a_terminal_and_lines_elsewhere(self):
        out, result = self.prepare("anemia")
        self.assertNotIn("\r", result.stdout)
        shutil.rmtree(out)
        percentages, lines = run_on_terminal("prepare", "anemia", "--raw", self.small, "--out", out)
        shutil.rmtree(out)
        self.assertEqual(percentages[0], 100 * 2**20 // (self.small / "NOTEEVENTS.csv").stat().st_size)
        times = re.compile(r"in [\d.]+ s")
        self.assertEqual(times.sub("", lines), times.sub("", result.stdout))

    def test_prepare_with_folds_elsewhere_and_a_file_that_was_cut(self):
        raw = self.folder / "raw"
        raw.mkdir()
        shutil.copy(self.small / "DIAGNOSES_ICD.csv", raw)
        content = (self.small / "NOTEEVENTS.csv").read_bytes()
        (raw / "NOTEEVENTS.csv").write_bytes(content)
        out = self.folder / "elsewhere"
        arguments = ("prepare", "diabetes", "--raw", raw, "--out", out)
        self.assertIn("train_50_hadm_ids.csv", run(*arguments).stderr)
        self.assertEqual(run(*arguments, "--folds", self.small).returncode, 0)
        shutil.rmtree(out)
        (raw / "NOTEEVENTS.csv").write_bytes(content[:len(content) // 2])
        for task in (("diabetes", "--folds", self.small), ("anemia",)):
            result = run("prepare", *task, "--raw", raw, "--out", out)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, r"NOTEEVENTS.csv, record \d+ \(line \d+\): a double quote is never closed, "
                                            "or the file was cut")
        (raw / "NOTEEVENTS.csv").write_bytes(content.replace(b"SYNTHETIC", b"SYNTH\xffTIC", 1))
        self.assertIn("(0xFF) is not UTF-8", run(*arguments, "--folds", self.small).stderr)
        self.assertEqual([path.name for path in self.folder.iterdir() if "elsewhere" in path.name], [])
        self.assertEqual(run(*arguments, "--folds", self.small, "--lossy").returncode, 0)

    @unittest.skipUnless(PIPELINE.exists(), f"there is no {PIPELINE}")
    def test_pipeline_and_its_memory(self):
        reading, preparing = [], []
        for size in SIZES:
            folder = self.folder / f"{size}"
            self.assertEqual(make(folder, "--size", size).returncode, 0)
            lines, peak, seconds = pipeline(folder)
            reading.append(peak)
            preparing.append(max(peak_of_prepare(task, folder, self.folder / "out") for task in ("diabetes", "anemia")))
            print(f"{size} MB: both tasks in {seconds:.1f} s, peak {peak:.1f} MiB; prepare: peak {preparing[-1]:.1f} MiB",
                  flush=True)
            self.check_pipeline(folder, lines)
            if size == 20:
                self.check_bag_of_words(folder)
            shutil.rmtree(folder)
        cache = BUILD / "CMakeCache.txt"
        if cache.exists() and re.search(r"^NOTNOT_SANITIZE:\w+=.+$", cache.read_text(), re.M):
            self.skipTest("a sanitizer's own memory is larger than the program's")
        for peaks in (reading, preparing):
            self.assertLess(peaks[-1], peaks[0] + GROWTH)
            self.assertLess(peaks[-1], 100)


if __name__ == "__main__":
    unittest.main(argv=["make_mimic_like"])
