#!/usr/bin/env python3
"""tools/tidy: which files it checks, and each exit code. It runs in a small git repository of its own, with a stand-in
for clang-tidy that logs the files it is given and complains about those that contain BAD."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "tidy"
CLANG_TIDY = """\
[[ $1 == --quiet && $2 == -p ]] || { echo "unknown arguments: $*"; exit 9; }
echo "$4" >> "$CALLS"
cat "$3/compile_commands.json" > "$DATABASE"
echo "25229 warnings generated." >&2
! grep -q CRASH "$4" || { echo "Stack dump" >&2; exit 139; }
! grep -q BAD "$4" || { echo "$4:1:1: error: is bad [bad]"; exit 1; }
"""
FILES = ("kernels/adam.h", "kernels/adam_cpu.cpp", "kernels/gemm.cu", "kernels/launch.cuh", "engine/files.h",
         "engine/files.cpp", "models/model.cpp", "experiments/main.cpp", "bench/race.cpp", "tests/model_test.cpp",
         "tests/simt/fiber.cpp", "tests/simt/fiber.h", "README.md")
NOT_COMPILED = "bench/race.cpp"


class Tidy(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-")).resolve()
        self.root, self.bin = self.folder / "house", self.folder / "bin"
        self.calls, self.database = self.folder / "calls", self.folder / "database.json"
        (self.root / "tools").mkdir(parents=True)
        shutil.copy(TOOL, self.root / "tools")
        self.bin.mkdir()
        for command in ("bash", "cat", "env", "git", "grep", "python3"):
            (self.bin / command).symlink_to(shutil.which(command))
        self.clang_tidy = self.bin / "clang-tidy"
        self.clang_tidy.write_text(f"#!{shutil.which('bash')}\n{CLANG_TIDY}")
        self.clang_tidy.chmod(0o755)
        self.write(".gitignore", "/build/\n")
        for file in FILES:
            self.write(file)
        self.write_database("cpu-only", [file for file in FILES if file.endswith(".cpp") and file != NOT_COMPILED])
        self.git("init", "--quiet", "--initial-branch=work")
        self.commit()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, file, content="good\n"):
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(content)

    def change(self, *files, content="changed\n"):
        for file in files:
            self.write(file, content)

    def write_database(self, preset, files):
        entries = [{"directory": str(self.root), "file": str(self.root / file), "command": f"c++ -Dset={number} {self.root / file}"}
                   for number, file in enumerate(files)]
        self.write(f"build/{preset}/compile_commands.json", json.dumps(entries))

    def git(self, *arguments):
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments], cwd=self.root,
                       env=environment, check=True, timeout=60)

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")

    def tidy(self, *arguments, **environment):
        """Exit code, output, and the files that clang-tidy was given, sorted."""
        self.calls.write_text("")
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls), "DATABASE": str(self.database),
                       "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **environment}
        result = subprocess.run([self.root / "tools" / "tidy", *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        files = sorted(line.replace(f"{self.root}/", "") for line in self.calls.read_text().splitlines())
        return result.returncode, result.stdout, files

    # --- which files

    def test_the_commands_of_nvcc_are_left_out(self):
        self.write_database("cpu-only", ["kernels/adam_cpu.cpp", "kernels/adam.cu"])
        self.change("kernels/adam.h")
        status, output, _ = self.tidy("HEAD")
        self.assertEqual(status, 0, output)
        given = [pathlib.Path(entry["file"]).name for entry in json.loads(self.database.read_text())]
        self.assertEqual(given, ["adam_cpu.cpp"])

    def test_a_header_is_checked_with_the_flags_of_a_file_that_includes_it(self):
        self.write("tests/model_test.cpp", '#include "kernels/adam.h"\n')
        self.commit()
        self.change("kernels/adam.h")
        status, output, files = self.tidy("HEAD")
        self.assertEqual((status, files), (0, ["kernels/adam.h"]), output)
        given = {entry["file"]: entry["command"] for entry in json.loads(self.database.read_text())}
        header, source = str(self.root / "kernels/adam.h"), str(self.root / "tests/model_test.cpp")
        self.assertIn("-Dset=", given[source])
        self.assertEqual(given[header], given[source].replace(source, f"-x c++ {header}"))

    def test_every_kind_of_file(self):
        self.change(*FILES)
        status, output, files = self.tidy("HEAD")
        self.assertEqual(status, 0, output)
        self.assertEqual(files, ["engine/files.cpp", "experiments/main.cpp", "kernels/adam.h", "kernels/adam_cpu.cpp",
                                 "models/model.cpp", "tests/model_test.cpp"])
        self.assertIn(f"{NOT_COMPILED}: not checked, because build/cpu-only does not compile it", output)
        self.assertIn("kernels/adam.h: no findings\n", output)
        self.assertTrue(output.endswith("\n0 of 6 files have findings\n"), output)

    def test_a_header_stands_for_its_source_file(self):
        self.change("engine/files.h")
        self.assertEqual(self.tidy("HEAD")[2], ["engine/files.cpp"])
        self.change("engine/files.cpp")
        self.assertEqual(self.tidy("HEAD")[2], ["engine/files.cpp"], "is checked once")
        (self.root / "engine/files.cpp").unlink()
        self.assertEqual(self.tidy("HEAD")[2], ["engine/files.h"])

    def test_committed_or_not(self):
        self.change("models/model.cpp")
        self.commit()
        self.change("engine/files.cpp")
        self.change("engine/new.h")
        (self.root / "experiments/main.cpp").unlink()
        self.assertEqual(self.tidy("HEAD~1")[2], ["engine/files.cpp", "engine/new.h", "models/model.cpp"])
        self.assertEqual(self.tidy("HEAD")[2], ["engine/files.cpp", "engine/new.h"])

    def test_default_revision(self):
        self.change("kernels/adam_cpu.cpp")
        self.commit()
        self.git("branch", "before")
        self.change("models/model.cpp")
        self.commit()
        self.change("engine/files.cpp")
        self.commit()
        self.assertEqual(self.tidy()[2], ["engine/files.cpp"], "HEAD~1")
        self.git("branch", "--quiet", "--set-upstream-to=before")
        self.assertEqual(self.tidy()[2], ["engine/files.cpp", "models/model.cpp"], "the upstream")
        self.git("update-ref", "refs/remotes/origin/main", "before~1")
        everything = ["engine/files.cpp", "kernels/adam_cpu.cpp", "models/model.cpp"]
        self.assertEqual(self.tidy()[2], everything, "origin/main")
        self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.assertEqual(self.tidy()[2], ["engine/files.cpp", "models/model.cpp"], "origin/main is HEAD: the upstream")

    def test_the_files_that_changed_last(self):
        self.git("tag", "start")
        for file in ("models/model.cpp", "kernels/adam_cpu.cpp", "engine/files.cpp", "models/model.cpp"):
            self.change(file, content=f"{file} {self.folder.stat().st_mtime_ns} {len(list(self.root.rglob('*')))}\n")
            self.write(f"note_{len(list(self.root.glob('note_*')))}")
            self.commit()
        self.change("experiments/main.cpp")
        status, output, files = self.tidy("--most", "3", "start")
        self.assertEqual((status, files), (0, ["engine/files.cpp", "experiments/main.cpp", "models/model.cpp"]), output)
        self.assertIn("the 3 of 4 that changed last", output)
        self.assertEqual(len(self.tidy("--most", "4", "start")[2]), 4)

    def test_all(self):
        status, output, files = self.tidy("--all")
        self.assertEqual(status, 0, output)
        self.assertEqual(files, ["engine/files.cpp", "experiments/main.cpp", "kernels/adam_cpu.cpp",
                                 "models/model.cpp"])
        self.assertIn(f"{NOT_COMPILED}: not checked", output)

    def test_nothing_to_do(self):
        self.change("README.md", "kernels/gemm.cu", "kernels/launch.cuh", "tests/simt/fiber.h")
        shutil.rmtree(self.root / "build")  # is not asked for
        status, output, files = self.tidy("HEAD")
        self.assertEqual((status, files), (0, []), output)
        self.assertTrue(output.endswith("nothing to do\n"), output)

    def test_preset(self):
        self.write_database("release", [NOT_COMPILED])
        self.change(NOT_COMPILED, "models/model.cpp")
        status, output, files = self.tidy("HEAD", NOTNOT_PRESET="release")
        self.assertEqual((status, files), (0, [NOT_COMPILED]), output)
        self.assertIn("models/model.cpp: not checked, because build/release does not compile it", output)

    def test_a_file_compiled_several_times_is_checked_as_the_last_time(self):
        self.write_database("cpu-only", ["kernels/adam_cpu.cpp"] * 3)
        self.change("kernels/adam_cpu.cpp")
        self.assertEqual(self.tidy("HEAD")[2], ["kernels/adam_cpu.cpp"])
        self.assertEqual([entry["command"] for entry in json.loads(self.database.read_text())],
                         [f"c++ -Dset=2 {self.root / 'kernels/adam_cpu.cpp'}"])

    # --- exit codes

    def test_findings(self):
        self.change("models/model.cpp", "engine/files.cpp")
        self.change("kernels/adam.h", content="BAD\n")
        self.change("experiments/main.cpp", content="CRASH\n")
        status, output, _ = self.tidy("HEAD")
        self.assertEqual(status, 1, output)
        self.assertEqual(output.splitlines(), [
            "files that differ from HEAD:",
            "engine/files.cpp: no findings",
            "experiments/main.cpp", "25229 warnings generated.", "Stack dump",
            "kernels/adam.h", "kernels/adam.h:1:1: error: is bad [bad]",
            "models/model.cpp: no findings",
            "2 of 4 files have findings"])

    def refused(self, message, *arguments, **environment):
        status, output, files = self.tidy(*arguments, **environment)
        self.assertEqual((status, files), (2, []), output)
        self.assertIn(message, output)

    def test_bad_input(self):
        self.refused("there is no earlier revision to compare with. Name one, or check every file with --all")
        self.change("models/model.cpp")
        self.refused("git knows no revision `nowhere`. Name a commit, a branch or a tag", "nowhere")
        self.refused("git knows no revision `--output=x`", "--", "--output=x")
        self.refused("not allowed with argument", "--all", "HEAD")
        self.refused("--most takes a number from 1 on", "--most", "0")
        self.refused("--most takes a number from 1 on, and does not go with --all", "--all", "--most", "1")
        self.refused("build/debug/compile_commands.json: cannot be read: No such file or directory. Write it with "
                     "`cmake --preset debug`", "HEAD", NOTNOT_PRESET="debug")
        self.clang_tidy.unlink()
        self.refused("clang-tidy is not installed. Install the package clang-tidy", "HEAD")


if __name__ == "__main__":
    unittest.main(argv=["tidy"])
