#!/usr/bin/env python3
"""tools/get_data against a local HTTP server with made-up files: a good archive is put in place as a whole; a damaged,
wrong, truncated or missing one gives a clear error and leaves nothing half-written."""
import http.server
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "get_data"
LINES = {"train": 8544, "dev": 1101, "test": 2210}
ARCHIVE = "/trainDevTestTrees_PTB.zip"


def archive(lines, tree="(3 (2 good) (2 film))"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:  # stored: large enough to be cut in the middle
        for name, count in lines.items():
            z.writestr(f"trees/{name}.txt", f"{tree}\n" * count)
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.content, with ranges; closes the connection early while server.cuts is positive."""

    def do_GET(self):
        content, start = self.server.content, 0
        self.server.requests.append(self.headers.get("Range"))
        if content is None or self.path != ARCHIVE:
            self.send_error(404)
            return
        if self.server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content)
        if self.server.cuts > 0:
            self.server.cuts -= 1
            end = start + (end - start) // 2
        self.wfile.write(content[start:end])

    def log_message(self, *_):
        pass


class GetData(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.content, self.server.ranges, self.server.cuts, self.server.requests = archive(LINES), True, 0, []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.trees = self.folder / "sst" / "trees"

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder)

    def get(self, *arguments):
        address = f"http://127.0.0.1:{self.server.server_port}"
        environment = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "all_proxy")}
        environment["NOTNOT_DATA"] = str(self.folder)
        return subprocess.run([TOOL, *(arguments or ("sst", "--from", address))], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def assert_in_place(self, result):
        self.assertEqual(result.returncode, 0, result.stdout)
        counts = {path.stem: path.read_text().count("\n") for path in self.trees.iterdir()}
        self.assertEqual(counts, LINES)
        self.assertEqual([path.name for path in self.trees.parent.iterdir()], ["trees"])

    def assert_refused(self, result, message):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stdout)
        sst = self.folder / "sst"
        self.assertEqual([path.name for path in sst.iterdir() if not path.name.endswith(".part")], [])

    def test_good_archive_then_nothing_to_do(self):
        result = self.get()
        self.assert_in_place(result)
        self.assertIn("Source: https://nlp.stanford.edu", result.stdout)
        requests = len(self.server.requests)
        self.assertIn("there already", self.get().stdout)
        self.assertEqual(len(self.server.requests), requests)

    def test_resumes_where_the_connection_broke(self):
        self.server.cuts = 1
        self.assert_in_place(self.get())
        self.assertEqual(self.server.requests, [None, f"bytes={len(self.server.content) // 2}-"])

    def test_a_second_call_resumes(self):
        self.server.cuts = 3
        self.assert_refused(self.get(), "could not download")
        self.assert_in_place(self.get())
        self.assertIsNotNone(self.server.requests[-1])

    def test_starts_over_without_ranges(self):
        self.server.ranges, self.server.cuts = False, 1
        self.assert_in_place(self.get())

    def test_whole_file_left_by_a_killed_call(self):
        self.trees.parent.mkdir()
        (self.trees.parent / f"{ARCHIVE[1:]}.part").write_bytes(self.server.content)
        self.assert_in_place(self.get())

    def test_missing(self):
        self.server.content = None
        self.assert_refused(self.get(), "404")
        self.assertEqual(len(self.server.requests), 1)

    def test_not_a_zip_file_then_the_right_one(self):
        good, self.server.content = self.server.content, b"<html>moved</html>" * 1000
        self.assert_refused(self.get(), "not the published zip file")
        self.server.content = good
        self.assert_in_place(self.get())

    def test_truncated_archive(self):
        self.server.content = self.server.content[: len(self.server.content) // 2]
        self.assert_refused(self.get(), "not the published zip file")

    def test_wrong_line_count(self):
        self.server.content = archive({**LINES, "dev": 1100})
        self.assert_refused(self.get(), "dev.txt has 1100 lines; the published file has 1101")

    def test_wrong_content(self):
        self.server.content = archive(LINES, "a good film")
        self.assert_refused(self.get(), "train.txt, line 1, is not a labelled tree")

    def test_incomplete_corpus_is_not_overwritten(self):
        self.trees.mkdir(parents=True)
        (self.trees / "train.txt").write_text("(3 mine)\n")
        result = self.get()
        self.assertEqual(result.returncode, 1)
        self.assertIn("Move it away", result.stdout)
        self.assertEqual((self.trees / "train.txt").read_text(), "(3 mine)\n")

    def test_unwritable_folder(self):
        result = self.get("sst", "--to", "/proc/nowhere")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--to", result.stdout)

    def test_other_corpora(self):
        self.assertIn("later version", self.get("imdb").stdout)
        self.assertIn("no corpus 'sts'", self.get("sts").stdout)
        self.assertEqual(self.get("--help").returncode, 0)


if __name__ == "__main__":
    lacking = [tool for tool in ("curl", "unzip") if not shutil.which(tool)]
    if lacking:
        print(f"not installed: {', '.join(lacking)}")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
