#!/usr/bin/env python3
"""tools/gpu_check in a tree of its own, with stand-ins for tools/build, nvidia-smi, ctest, compute-sanitizer and
kernel_bench. The stand-ins log their calls."""
import ast
import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "gpu_check"
COMMANDS = ("bash", "env", "cat", "mkdir", "sleep", "touch")
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")

# Bash scripts. $FAIL names what must fail.
STAND_INS = {
    "bin/nvidia-smi": '''
        [[ $FAIL != *driver* ]] || { echo "NVIDIA-SMI has failed"; exit 9; }
        case $* in
          *name*) echo "NVIDIA H100 80GB HBM3, 570.86.10, 9.0" ;;
          *clocks*) [[ $FAIL != *lost* ]] || { echo "GPU is lost"; exit 15; }; echo "1755, 2619, 1980, [N/A]" ;;
        esac''',
    "bin/ctest": '''
        echo "ctest CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES $*" >> "$CALLS"
        if [[ $* == *--show-only* ]]; then cat "$TREE/tests.json"; exit; fi
        while [[ $1 != --output-junit ]]; do shift; done
        status=run; [[ $FAIL != *bilstm_test* ]] || status=fail; [[ $FAIL != *bilstm_skip* ]] || status=notrun
        [[ $FAIL == *no_tests* ]] || cat > "$2" <<XML
<testsuite><testcase name="adam.cuda" time="0.5" status="run"/><testcase name="bilstm.cuda" time="2.25" status="$status"/>
<testcase name="small_training" time="1" status="run"/></testsuite>
XML
        [[ $status != fail ]]''',
    "bin/compute-sanitizer": '''
        echo "compute-sanitizer backend=$NOTNOT_TEST_BACKEND $*" >> "$CALLS"
        [[ $FAIL != *hang* ]] || sleep 60
        if [[ -n $LOG && $2 == initcheck && $* == *adam* ]]; then cat "$LOG"; exit ${STATUS:-99}; fi
        [[ $FAIL != *racecheck* || $2 != racecheck || $* != *adam* ]] || exit 99''',
    "tools/build": '''
        echo "build $*" >> "$CALLS"
        [[ $FAIL != *build* ]] || { echo "error: no compiler"; exit 2; }
        touch "$TREE/build/release/CMakeCache.txt"''',
    "build/release/notnot": '''
        echo "CUDA backend: ${CUDA:-built with CUDA 13.0 for sm_90a}"''',
}
BENCHMARK = '''
    echo "kernel_bench $1 $2 $5 $6" >> "$CALLS"
    ok=true; [[ $FAIL != *kernel* ]] || ok=false
    echo '{"device": "H100", "kernels": [{"name": "adam_step", "shape": "1M", "error": 1e-7, "tolerance": 1e-6,
          "microseconds": 9.5, "floor_microseconds": 8.0, "ok": '$ok'}]}' > "$4"; $ok'''


class GpuCheck(unittest.TestCase):
    def setUp(self):
        self.tree = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        self.build, self.calls = self.tree / "build" / "release", self.tree / "calls"
        for folder in ("bin", "tools"):
            (self.tree / folder).mkdir()
        for command in COMMANDS:
            (self.tree / "bin" / command).symlink_to(shutil.which(command))
        for name, body in STAND_INS.items():
            self.stand_in(name, body)
        shutil.copy(TOOL, self.tree / "tools")
        self.list_tests("adam", "model")

    def tearDown(self):
        shutil.rmtree(self.tree)

    def stand_in(self, name, body):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        path.chmod(0o755)

    def list_tests(self, *suites):
        properties = [{"name": "ENVIRONMENT", "value": ["NOTNOT_TEST_BACKEND=cuda"]}, {"name": "SKIP_RETURN_CODE", "value": 77}]
        tests = [{"name": f"{suite}.cuda", "command": [f"/build/{suite}_test"], "properties": properties} for suite in suites]
        (self.tree / "tests.json").write_text(json.dumps({"tests": tests}))

    def check(self, *arguments, fail="", **environment):
        """Exit code, output, {step: result} of the JSON file or None."""
        environment = {"PATH": str(self.tree / "bin"), "CALLS": str(self.calls), "TREE": str(self.tree), "FAIL": fail,
                       **environment}
        result = subprocess.run([sys.executable, self.tree / "tools" / "gpu_check", *arguments], env=environment, text=True,
                                cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        written = self.build / "gpu_check.json"
        self.result = json.loads(written.read_text()) if written.exists() else None
        steps = self.result and {step["step"]: step["result"] for step in self.result["steps"]}
        return result.returncode, result.stdout, steps

    def logged(self, word):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(word)]

    def assert_skipped(self, reason, status_output_steps):
        status, output, steps = status_output_steps
        self.assertEqual((status, steps), (77, None), output)
        self.assertEqual(output.splitlines()[-1], f"skipped: {reason}")

    def test_no_gpu(self):
        self.assert_skipped("no GPU: nvidia-smi -i 0 says `NVIDIA-SMI has failed`", self.check(fail="driver"))
        for hidden in ("", "-1"):
            self.assert_skipped(f"CUDA_VISIBLE_DEVICES is `{hidden}`, which hides every GPU",
                                self.check(CUDA_VISIBLE_DEVICES=hidden))
        (self.tree / "bin" / "nvidia-smi").unlink()
        self.assert_skipped("no NVIDIA driver here: nvidia-smi is not on PATH", self.check())
        self.assertEqual(self.logged(""), [], "nothing is built for nothing")

    def test_no_cuda_in_the_build(self):
        self.assert_skipped("the CUDA backend is not built: no CUDA toolkit found",
                            self.check(CUDA="not built: no CUDA toolkit found"))

    def test_all_passed(self):
        self.stand_in("build/release/bench/kernel_bench", BENCHMARK)
        status, output, steps = self.check(CUDA_VISIBLE_DEVICES="2,3")
        self.assertEqual(status, 0, output)
        self.assertEqual(list(steps), ["build", "test adam.cuda", "test bilstm.cuda", "test small_training",
                                       "kernel benchmark",
                                       *(f"{tool} {suite}" for tool in TOOLS for suite in ("adam", "model"))])
        self.assertEqual(set(steps.values()), {"passed"})
        self.assertRegex(output, r"\ntest bilstm.cuda +passed +2\.2\n")
        expected = {"device": "NVIDIA H100 80GB HBM3", "driver": "570.86.10", "compute_capability": "9.0", "passed": True,
                    "finished": True,
                    "clocks": {"sm_mhz": 1755, "memory_mhz": 2619, "max_sm_mhz": 1980, "max_memory_mhz": None}}
        self.assertEqual({key: self.result[key] for key in expected}, expected)
        self.assertEqual(self.result["kernels"][0]["microseconds"], 9.5)
        self.assertRegex(self.result["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertIn("commit", self.result)
        self.assertEqual(self.logged("build"), ["build release"])
        self.assertEqual(self.logged("kernel_bench"), ["kernel_bench --device cuda --workload all"])
        self.assertIn(r"CUDA_VISIBLE_DEVICES=2 ", self.logged("ctest")[0])
        self.assertIn(r"-R \.cuda$|^(small_training|train_predict)$", self.logged("ctest")[0])
        calls = self.logged("compute-sanitizer")
        for tool, options in (("memcheck", "--report-api-errors no"), ("racecheck", "--kernel-name kernel_substring=notnot"),
                              ("initcheck", "--print-limit 0")):
            prefix = f"compute-sanitizer backend=cuda --tool {tool} {options} --error-exitcode 99 /build/"
            self.assertEqual([call for call in calls if f"--tool {tool}" in call],
                             [prefix + "adam_test", prefix + "model_test --test-case=*fleet*,*batch*,*captured*"])
        self.assertEqual(sorted(path.name for path in self.build.glob("gpu_check*")), ["gpu_check", "gpu_check.json"])

    def test_selected_cases_and_another_file(self):
        status, output, steps = self.check("--test-case", "*float64*", "--json", "own.json")
        self.assertEqual((status, steps), (0, None), output)
        result = json.loads((self.tree / "own.json").read_text())
        self.assertEqual(result["steps"][4], {"step": "kernel benchmark", "result": "not built", "seconds": 0})
        self.assertEqual(len(self.logged("compute-sanitizer")), 8)
        for call in self.logged("compute-sanitizer"):
            self.assertTrue(call.endswith("--test-case=*float64*"), call)

    def test_some_parts_of_an_existing_build(self):
        (self.build / "CMakeCache.txt").touch()
        status, output, steps = self.check("--parts", "benchmark,tests")
        self.assertEqual(status, 0, output)
        self.assertEqual(list(steps), ["test adam.cuda", "test bilstm.cuda", "test small_training", "kernel benchmark"])
        self.assertEqual(self.logged("build") + self.logged("compute-sanitizer"), [])
        status, output, _ = self.check("--parts", "tests,speed")
        self.assertEqual(status, 2)
        self.assertIn("`speed` is none of build, tests, benchmark, sanitizers", output)
        (self.build / "notnot").unlink()
        status, output, _ = self.check("--parts", "tests")
        self.assertEqual(status, 1)
        self.assertIn("there is no build/release/notnot: build the release preset, or keep `build` among the --parts", output)

    def interrupted_at_the_sanitizers(self):
        environment = {"PATH": str(self.tree / "bin"), "CALLS": str(self.calls), "TREE": str(self.tree), "FAIL": "hang"}
        tool = subprocess.Popen([sys.executable, self.tree / "tools" / "gpu_check"], env=environment, cwd=self.tree, text=True,
                                start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in tool.stdout:
            if line.startswith("kernel benchmark"):
                break
        while not self.logged("compute-sanitizer"):
            time.sleep(0.01)
        tool.send_signal(signal.SIGINT)
        tool.communicate()
        result = json.loads((self.build / "gpu_check.json").read_text())
        self.assertEqual((result["finished"], result["passed"], result["steps"][-1]["step"]), (False, False, "kernel benchmark"))
        self.assertEqual(result["device"], "NVIDIA H100 80GB HBM3")
        return result

    def test_what_was_found_before_an_end(self):
        self.assertEqual(self.interrupted_at_the_sanitizers()["steps"][-1]["result"], "not built")
        self.calls.unlink()
        self.stand_in("build/release/bench/kernel_bench", BENCHMARK)
        self.assertEqual(self.interrupted_at_the_sanitizers()["kernels"][0]["name"], "adam_step")

    def test_a_folder_that_is_not_there(self):
        status, output, steps = self.check("--json", "nowhere/own.json")
        self.assertEqual((status, steps), (2, None))
        self.assertIn("there is no folder nowhere; create it first", output)

    def assert_failed(self, step, result, status_output_steps):
        status, output, steps = status_output_steps
        self.assertEqual(status, 1, output)
        self.assertEqual({name: value for name, value in steps.items() if value not in ("passed", "not built")}, {step: result})
        self.assertIs(self.result["passed"], False)
        return output

    def test_one_failed(self):
        self.assert_failed("test bilstm.cuda", "failed", self.check(fail="bilstm_test"))
        self.assert_failed("test bilstm.cuda", "skipped", self.check(fail="bilstm_skip"))
        output = self.assert_failed("racecheck adam", "failed", self.check(fail="racecheck"))
        self.assertIn("see build/release/gpu_check/racecheck_adam.log", output)
        self.assert_failed("tests", "failed", self.check(fail="no_tests"))
        self.assert_failed("GPU after the check", "failed", self.check(fail="lost"))

    def initcheck(self, *lines, status=99, errors=None):
        """The check, if initcheck of the suite adam prints these lines. `errors`: how many it counts."""
        log = self.tree / "initcheck"
        log.write_text("========= COMPUTE-SANITIZER\n" + "".join(f"========= {line}\n" for line in lines) +
                       f"========= ERROR SUMMARY: {len(lines) // 3 if errors is None else errors} errors\n")
        return self.check(LOG=str(log), STATUS=str(status))

    def test_only_what_initcheck_finds_in_own_kernels_fails(self):
        def finding(kernel):
            return ("Uninitialized __global__ memory read of size 4 bytes", f"    at {kernel}+0x70", "    by thread (0,0,0)")
        library, own = finding("void cublasLt::splitKreduce_kernel<float>(int)"), finding("notnot::cuda::adam_step_kernel(int)")
        status, output, steps = self.initcheck(*library, *library)
        self.assertEqual((status, steps["initcheck adam"]), (0, "passed"), output)
        self.assertRegex(output, "initcheck adam .* 2 findings, all in kernels of libraries: see build/release/gpu_check/")
        self.assert_failed("initcheck adam", "failed", self.initcheck(*library, *own))
        # What is not known to be a library's: a finding of another form, one without a kernel, a test that fails itself, or that
        # ends before there is a summary.
        self.assert_failed("initcheck adam", "failed", self.initcheck(*library, errors=2))
        self.assert_failed("initcheck adam", "failed", self.initcheck(*library, library[0], library[2], errors=2))
        self.assert_failed("initcheck adam", "failed", self.initcheck(*library, status=1))
        self.assert_failed("initcheck adam", "failed", self.initcheck(errors=0))

    def test_every_filter_selects_test_cases(self):
        """The patterns of SANITIZED_CASES are of doctest, which takes a pattern that fits nothing without a word."""
        text = TOOL.read_text()
        filters = ast.literal_eval(re.search(r"^SANITIZED_CASES = (\{.*?\})$", text, re.M | re.S)[1])
        for suite, arguments in filters.items():
            source = (TOOL.parents[1] / "tests" / "backends" / f"{suite}_test.cpp").read_text()
            names = re.findall(r'TEST_CASE\(\s*"([^"]*)"', source)
            for pattern in arguments[0].split("=")[1].split(","):
                self.assertTrue(fnmatch.filter(names, pattern), f"{suite}: {pattern}")

    def test_nothing_to_run(self):
        self.list_tests()
        self.assert_failed("compute-sanitizer", "failed", self.check())

    def test_failed_build_ends_the_check(self):
        self.assert_failed("build", "failed", self.check(fail="build"))
        self.assertEqual(self.logged("ctest"), [])
        self.assertIn("no compiler", (self.build / "gpu_check" / "build.log").read_text())

    def test_failed_kernel(self):
        self.stand_in("build/release/bench/kernel_bench", BENCHMARK)
        status, output, steps = self.check(fail="kernel")
        self.assertEqual((status, steps["kernel benchmark"], steps["kernel adam_step"]), (1, "failed", "failed"))
        self.assertIn("1M: error 1e-07, tolerance 1e-06", output)

    def test_missing_tools(self):
        (self.tree / "bin" / "compute-sanitizer").unlink()
        output = self.assert_failed("compute-sanitizer", "missing", self.check())
        self.assertIn("part of the CUDA toolkit", output)
        (self.tree / "bin" / "ctest").unlink()
        self.assertEqual(self.check()[2]["tests"], "missing")

    def test_sanitizer_beside_nvcc(self):
        (self.tree / "toolkit").mkdir()
        (self.tree / "bin" / "compute-sanitizer").rename(self.tree / "toolkit" / "compute-sanitizer")
        self.stand_in("tools/build", STAND_INS["tools/build"] + '\necho "CUDAToolkit_NVCC_EXECUTABLE:FILEPATH=$TREE/toolkit/nvcc"'
                      ' > "$TREE/build/release/CMakeCache.txt"')
        self.assertEqual(self.check()[0], 0)
        self.assertEqual(len(self.logged("compute-sanitizer")), 8)

    def test_a_step_that_hangs_is_ended(self):
        self.list_tests("adam")
        tool = self.tree / "tools" / "gpu_check"
        self.assertIn("STEP_LIMIT = 1800 ", tool.read_text())
        tool.write_text(tool.read_text().replace("STEP_LIMIT = 1800 ", "STEP_LIMIT = 0.5 "))
        status, _, steps = self.check(fail="hang")
        self.assertEqual((status, steps["memcheck adam"]), (1, "timed out"))


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    unittest.main(argv=["gpu_check"])
