"""Shared by the tests of whole commands: running the program, a folder for every test, reading the files of a run
without any library, and small corpora."""
import csv
import json
import os
import pathlib
import pty
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/release")
PROGRAM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release/notnot").resolve()
SPLITS = ("train", "dev", "test")
MEASURES = ("f1", "roc_auc", "accuracy", "average_precision")
TIMES = ("train_seconds", "eval_seconds", "tokens_per_second")
# The files of a run that are the same to the byte when it is repeated or resumed. metrics.csv and config.json are not
# among them: they hold times and the number of threads.
EXACT_FILES = ("model.safetensors", "checkpoint.safetensors", "vocabulary.txt", "predictions.jsonl", "result.json",
               *(f"attention_{split}.safetensors" for split in SPLITS))
RESULT, CHECKPOINT = "result.json", "checkpoint.safetensors"



def command(*arguments):
    return [str(PROGRAM), *map(str, arguments)]


def run(*arguments, **options):
    """Runs the program to its end; the result has `returncode`, and `stdout` and `stderr` as text."""
    return subprocess.run(command(*arguments), **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                                                  "stdin": subprocess.DEVNULL, "timeout": 600, **options})


BAR = re.compile(r"\r\[(?=[= ]{30}\])=* *\] +(\d+) % .*?, (?:\d+:)?\d+:\d\d left\x1b\[K")


def run_on_terminal(*arguments):
    """Runs the program, which must succeed, on a terminal. Returns the percentages of the progress bars that it drew,
    and the lines that stay."""
    terminal, program = pty.openpty()
    child = subprocess.Popen(command(*arguments), stdin=subprocess.DEVNULL, stdout=program, stderr=program)
    os.close(program)
    output = b""
    try:
        while piece := os.read(terminal, 65536):
            output += piece
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(terminal)
    text = output.decode().replace("\r\n", "\n")
    if child.wait() != 0:
        raise AssertionError(text)
    return [int(percent) for percent in BAR.findall(text)], BAR.sub("", text).replace("\r\x1b[K", "")


def no_cuda_device():
    """Why there is no CUDA device here; None if there is one. The emulator counts as one."""
    output = run("devices").stdout
    reason = re.search(r"^cuda     none: (.*)|^cuda:0 .*\n +cannot be used: (.*)", output, re.M)
    return reason and (reason.group(1) or reason.group(2))


def cuda_reason():
    """Why whole trainings cannot run on CUDA here; None if they can."""
    if "SIMT emulator" in run("devices").stdout:
        return "the emulator is too slow; small_training has trainings of its size"
    return no_cuda_device()


def limit_file_size(limit):
    """A `preexec_fn`: in the child, writing a file beyond `limit` bytes fails, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


class Test(unittest.TestCase):
    maxDiff = 2000
    device = "cpu"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        self.runs = self.folder / "runs"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def succeed(self, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, 0, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result.stdout

    def train(self, *arguments, runs=None, **options):
        """Trains to the end. Returns the run folder, of a fleet the last one."""
        output = self.succeed("train", "--device", self.device, "--runs", runs or self.runs, *arguments, **options)
        return pathlib.Path(output.splitlines()[-1].removeprefix("already finished: ").split(": epoch ")[0])

    def run_folders(self, runs=None):
        """The names of everything in the folder of runs; empty if there is no such folder."""
        runs = runs or self.runs
        return sorted(path.name for path in runs.iterdir()) if runs.exists() else []

    def unfinished_checkpoints(self):
        """The checkpoints of the runs that are not finished."""
        return [path for path in self.runs.glob("*/checkpoint.safetensors")
                if not (path.parent / "result.json").exists()]

    def wait_for_checkpoints(self, child, count):
        """Waits until the program, which writes a checkpoint after every batch, has written so many more in all its
        runs, or has ended. This counts progress, which time on a busy machine does not."""
        def states():
            result = set()
            for path in self.runs.glob("*/checkpoint.safetensors"):
                try:
                    result.add((path, path.stat().st_ino, path.stat().st_mtime_ns))
                except FileNotFoundError:  # the run has finished
                    pass
            return result

        deadline, old, new = time.monotonic() + 600, states(), set()
        while len(new) < count and child.poll() is None:
            self.assertLess(time.monotonic(), deadline, f"waited in vain for {count} checkpoints")
            time.sleep(0.001)
            new |= states() - old

    def leave_unfinished(self, folder):
        """Turns a finished run of one epoch into a run of two epochs that was killed after the first."""
        (folder / "result.json").unlink()
        config = read_json(folder / "config.json")
        del config["checksum"]  # as earlier versions wrote it
        self.assertEqual(config["choices"]["epochs"], 1)
        config["choices"]["epochs"] = 2
        (folder / "config.json").write_text(json.dumps(config, indent=2))
        if (folder / CHECKPOINT).exists():
            drop_metadata(folder / CHECKPOINT)

    def assert_same_bytes(self, a, b, names=EXACT_FILES):
        for name in names:
            self.assertEqual((a / name).read_bytes(), (b / name).read_bytes(), f"{name} of {a} and {b} differ")

    def assert_same_results(self, a, b):
        """As assert_same_bytes, for runs on the same texts in other files: what names the run's choices differs."""
        self.assert_same_bytes(a, b, [name for name in EXACT_FILES if name not in (RESULT, CHECKPOINT)])
        results = [read_json(folder / RESULT) for folder in (a, b)]
        for result in results:
            del result["checksum"], result["files"]["config.json"]
        self.assertEqual(*results)
        self.assertEqual(*(read_safetensors(folder / CHECKPOINT) for folder in (a, b)))

    def assert_same_metrics(self, a, b):
        drop = [{k: v for k, v in row.items() if k not in TIMES} for row in read_metrics(a)]
        self.assertEqual(drop, [{k: v for k, v in row.items() if k not in TIMES} for row in read_metrics(b)])


class TestWithChildren(Test):
    """Starts the program in the background; what still runs at the end of a test is killed."""

    def setUp(self):
        super().setUp()
        self.children = []

    def tearDown(self):
        for child in self.children:
            child.kill()
            child.communicate()
        super().tearDown()

    def start(self, *arguments, **options):
        child = subprocess.Popen(command(*arguments), **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                         "stderr": subprocess.PIPE, "text": True, **options})
        self.children.append(child)
        return child


# --- the files of a run

def read_metrics(folder):
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_json(path):
    def refuse(constant):
        raise ValueError(f"{path}: {constant} is not JSON")
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def remove_checksums(folder):
    """Takes the checksums out of the run, as earlier versions wrote it: readers then see what is in the files."""
    for name, keys in (("config.json", ["checksum"]), ("result.json", ["files", "checksum"])):
        content = read_json(folder / name)
        (folder / name).write_text(json.dumps({key: value for key, value in content.items() if key not in keys}))


def read_predictions(folder):
    lines = (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


FORMATS = {"F32": ("f", 4), "F64": ("d", 8), "I32": ("i", 4), "I64": ("q", 8), "U8": ("B", 1)}


def read_safetensors(path):
    """{name: (dtype, shape, values)}."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        code, size = FORMATS[entry["dtype"]]
        begin, end = entry["data_offsets"]
        values = struct.unpack_from(f"<{(end - begin) // size}{code}", content, 8 + length + begin)
        tensors[name] = (entry["dtype"], entry["shape"], values)
    if 8 + length + max(entry["data_offsets"][1] for entry in header.values()) != len(content):
        raise ValueError(f"{path}: bytes after the last tensor")
    return tensors


def drop_metadata(path):
    """Takes the metadata out of a safetensors file: of a checkpoint the checksums, as earlier versions wrote it."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    path.write_bytes(content[:8] + text + content[8 + length:])


def write_safetensors(path, tensors):
    """`tensors` as read_safetensors gives them."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        code, size = FORMATS[dtype]
        offsets = [len(data), len(data) + size * len(values)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        data += struct.pack(f"<{len(values)}{code}", *values)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# --- corpora

GOOD, BAD = ("good", "fine", "warm", "bright"), ("bad", "dull", "cold", "grey")
FILLER = tuple(f"filler{i}" for i in range(20))


def small_corpus(seed=1, sizes=(60, 20, 20)):
    """Rows [text, label, split] of a corpus that trains in a moment: one word decides."""
    generator = random.Random(seed)
    rows = []
    for split, size in zip(SPLITS, sizes):
        for i in range(size):
            words = [generator.choice(FILLER) for _ in range(generator.randint(2, 6))]
            words.insert(generator.randint(0, len(words)), generator.choice(GOOD if i % 2 else BAD))
            rows.append([" ".join(words), i % 2, split])
    return rows


def write_csv(path, rows, header=("text", "label", "split")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def skip_all(reason):
    """Prints the reason and ends the script with code 77, which CTest reports as skipped."""
    print(f"skipped: {reason}")
    sys.exit(77)


def main():
    # The script's own arguments are the program and the build folder; further ones go to unittest, as Class.test_name.
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])

