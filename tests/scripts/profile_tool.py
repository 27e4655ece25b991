#!/usr/bin/env python3
"""tools/profile in a tree of its own, with stand-ins for notnot, nsys and ncu that log their calls."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAND_INS = {
    "build/release/notnot": '[[ $1 != devices ]] || { echo "cpu   avx2"; echo "cuda  ${CUDA:-H100}"; }',
    "bin/nsys": 'echo "nsys $*" >> "$CALLS"; exit "${STATUS:-0}"',
    "bin/ncu": 'echo "ncu $*" >> "$CALLS"; exit "${STATUS:-0}"',
}
COMMANDS = {"nsys": ("timeline",), "ncu": ("kernel", "adam_step")}


class Profile(unittest.TestCase):
    def setUp(self):
        self.tree = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        self.calls, self.profiles = self.tree / "calls", self.tree / "build" / "profiles"
        for name, body in STAND_INS.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
            path.chmod(0o755)
        (self.tree / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "profile", self.tree / "tools")
        shutil.copytree(ROOT / "kernels", self.tree / "kernels")

    def tearDown(self):
        shutil.rmtree(self.tree)

    def profile(self, *arguments, **environment):
        """Exit code, output lines and logged calls; the tree's path is replaced by `.` in both."""
        environment = {"PATH": str(self.tree / "bin"), "CALLS": str(self.calls), **environment}
        result = subprocess.run([sys.executable, self.tree / "tools" / "profile", *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        calls = self.calls.read_text() if self.calls.exists() else ""
        local = str(self.tree)
        return result.returncode, result.stdout.replace(local, ".").splitlines(), calls.replace(local, ".").splitlines()

    def test_timeline(self):
        status, output, calls = self.profile("timeline")
        self.assertEqual(calls, [
            "nsys profile --trace=cuda,nvtx,cublas --cuda-graph-trace=node --sample=none --cpuctxsw=none --force-overwrite=true "
            "--output=./build/profiles/timeline ./build/release/notnot train --dataset planted --epochs 1 --device cuda "
            "--runs ./build/profiles/runs",
            "nsys stats --force-export=true --report=nvtx_gpu_proj_sum,cuda_gpu_kern_sum "
            "./build/profiles/timeline.nsys-rep"])
        self.assertEqual((status, output), (0, calls), "the exact commands are printed")

    def test_kernel(self):
        status, output, calls = self.profile("kernel", "bilstm_forward")
        self.assertEqual((status, output), (0, calls))
        self.assertIn("ncu --clock-control none --nvtx --nvtx-include bilstm_forward/ --launch-skip 10 --launch-count 3 "
                      "--set full", calls[0])
        self.assertIn("--export ./build/profiles/bilstm_forward ./build/release/notnot train --dataset planted", calls[0])
        self.assertIn("--epochs 1 --profile --device cuda", calls[0], "captured steps have no ranges")
        self.assertEqual(calls[1], "ncu --import ./build/profiles/bilstm_forward.ncu-rep --page details")

    def test_own_training(self):
        for arguments in COMMANDS.values():
            for own in ("--dataset sst --device cuda:1 --runs mine", "--device=cuda:1 --runs=mine"):
                call = self.profile(*arguments, "--", *own.split())[2][-2]
                self.assertRegex(call, f"notnot train {own}( --profile)?$")

    def test_a_finished_run_is_trained_again(self):
        run = self.profiles / "runs" / "lstm"
        run.mkdir(parents=True)
        self.assertEqual(self.profile("timeline")[0], 0)
        self.assertFalse(run.exists())

    def test_no_gpu(self):
        for arguments in COMMANDS.values():
            status, output, calls = self.profile(*arguments, CUDA="none: no CUDA-capable device is detected")
            self.assertEqual((status, calls), (77, []))
            self.assertEqual(output, ["skipped: notnot finds no CUDA device here: no CUDA-capable device is detected"])

    def test_no_profiler(self):
        for tool, arguments in COMMANDS.items():
            (self.tree / "bin" / tool).unlink()
            status, output, calls = self.profile(*arguments)
            self.assertEqual((status, calls), (77, []))
            self.assertRegex(output[-1], f"^skipped: {tool} is not on PATH: install Nsight .* PATH$")

    def test_not_built(self):
        (self.tree / "build" / "release" / "notnot").unlink()
        self.assertEqual(self.profile("timeline"),
                         (2, ["tools/profile: there is no build/release/notnot: run tools/build first"], []))

    def test_unknown_operation(self):
        status, output, calls = self.profile("kernel", "forward_kernel")
        self.assertEqual((status, calls), (2, []))
        self.assertIn("`forward_kernel` is no operation of kernels/; there are adam_rows_replay, ", output[-1])

    def test_failed_profiler(self):
        status, _, calls = self.profile("kernel", "adam_step", STATUS="3")
        self.assertEqual((status, len(calls)), (3, 1))

    def test_usage(self):
        self.assertEqual(self.profile("--help")[0], 0)
        self.assertEqual(self.profile()[0], 2)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    unittest.main(argv=["profile_tool"])
