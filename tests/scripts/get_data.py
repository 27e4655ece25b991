#!/usr/bin/env python3
"""tools/get_data against a local HTTP server with made-up files. Good archives are put in place as a whole. A damaged,
wrong, truncated or missing archive, and a full disk, give a clear error and leave nothing half-written."""
import contextlib
import csv
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "get_data"
LINES = {"train": 8544, "dev": 1101, "test": 2210}
SST, IMDB, AGNEWS, NEWS = ("trainDevTestTrees_PTB.zip", "aclImdb_v1.tar.gz", "ag_news_csv.tgz", "20news-bydate.tar.gz")
POSTS = {("train", "baseball"): 597, ("train", "hockey"): 600, ("test", "baseball"): 397, ("test", "hockey"): 399}


# Runs the tool with other SHA-256, because no test has the published files: the archives' as JSON in the second
# argument. With lower limits, too, so that a test need not write as much.
WITH_SUMS = """
import importlib.machinery, importlib.util, json, sys
loader = importlib.machinery.SourceFileLoader("get_data", sys.argv[1])
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("get_data", loader))
sys.modules["get_data"] = tool
loader.exec_module(tool)
for corpus in tool.CORPORA.values():
    corpus.archive_sum, corpus.file_sums = json.loads(sys.argv[2]).get(corpus.archive, ""), {}
tool.LARGEST_ARCHIVE = tool.LARGEST_CORPUS = 20_000_000
sys.argv[:3] = ["get_data"]
sys.exit(tool.main())
"""


def sst_archive(lines, tree="(3 (2 good) (2 film))"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:  # not compressed, so that a cut in the middle is possible
        for name, count in lines.items():
            z.writestr(f"trees/{name}.txt", f"{tree}\n" * count)
    return buffer.getvalue()


def tar_archive(files):
    """The bytes of a .tar.gz of `files`, which are (name, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), 1)


def imdb_files(positive=12_500):
    yield "aclImdb/README", b"about"
    for split in ("train", "test"):
        for label, rating, count in (("pos", 9, positive), ("neg", 2, 12_500)):
            for number in range(count):
                yield f"aclImdb/{split}/{label}/{number}_{rating}.txt", b"a film"
        yield f"aclImdb/{split}/unsup/0_0.txt", b"not needed"


def agnews_files(counts=None, row=("{}", "A title", 'It said "so", then went on')):
    for split, count in (counts or {"train": 30_000, "test": 1_900}).items():
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for name in "1234":
            writer.writerows([[field.format(name) for field in row]] * count)
        yield f"ag_news_csv/{split}.csv", text.getvalue().encode()
    yield "ag_news_csv/readme.txt", b"about"


def news_files(post=b"Path: somewhere\nFrom: me\nSubject: a game\n\nA post\n"):
    for (split, group), count in POSTS.items():
        for number in range(count):
            yield f"./20news-bydate-{split}/rec.sport.{group}/{10_000 + number}", post
    yield "20news-bydate-train/sci.space/1", b"Subject: not needed\n\n"
    yield "20news-bydate-train/rec.sport.hockey/../../../escaped", b"Subject: must not be written\n\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.contents, and ranges of them if server.ranges is set. Closes the connection early, server.cuts times."""

    def do_GET(self):
        content, start = self.server.contents.get(self.path[1:]), 0
        self.server.requests.append(self.headers.get("Range"))
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
            self.end_headers()
            return
        if self.server.statuses:
            self.send_error(self.server.statuses.pop(0))
            return
        if content is None:
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
        if not self.server.endless:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content)
        if self.server.endless:
            content, end = content * 21, len(content) * 21
        if self.server.cuts > 0:
            self.server.cuts -= 1
            end = start + (end - start) // 2
        with contextlib.suppress(ConnectionError):  # a client that has had enough
            self.wfile.write(content[start:end])

    def log_message(self, *_):
        pass


class GetData(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.contents, self.server.ranges, self.server.cuts = {SST: sst_archive(LINES)}, True, 0
        self.server.requests, self.server.statuses = [], []
        self.server.redirect, self.server.endless = None, False
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.trees = self.folder / "sst" / "trees"

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder)

    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def run_tool(self, command, *names, to=None, mirror=None, **options):
        environment = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "all_proxy")}
        environment["NOTNOT_DATA"] = str(to or self.folder)
        return subprocess.run([*command, *(names or ("sst",)), "--from", mirror or self.address()], env=environment,
                              text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              **options)

    def get(self, *names, sums=None, **options):
        """Runs the tool as if what the server has were published, or what has the given SHA-256 by archive."""
        known = {name: hashlib.sha256(content).hexdigest() for name, content in self.server.contents.items()}
        return self.run_tool([sys.executable, "-c", WITH_SUMS, TOOL, json.dumps(known if sums is None else sums)], *names,
                             **options)

    def get_published(self, *names, **options):
        return self.run_tool([TOOL], *names, **options)

    def assert_in_place(self, result):
        self.assertEqual(result.returncode, 0, result.stdout)
        counts = {path.stem: path.read_text().count("\n") for path in self.trees.iterdir()}
        self.assertEqual(counts, LINES)
        self.assertEqual([path.name for path in self.trees.parent.iterdir()], ["trees"])

    def assert_refused(self, result, message, name="sst"):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stdout)
        self.assertNotIn("Traceback", result.stdout)
        left = [path.name for path in (self.folder / name).iterdir() if not path.name.endswith(".part")]
        self.assertEqual(left, [])

    def test_good_archive_then_nothing_to_do(self):
        result = self.get()
        self.assert_in_place(result)
        self.assertIn("Source: https://nlp.stanford.edu", result.stdout)
        requests = len(self.server.requests)
        self.assertIn("already exists and is complete", self.get().stdout)
        self.assertEqual(len(self.server.requests), requests)

    def test_resumes_where_the_connection_broke(self):
        self.server.cuts = 1
        self.assert_in_place(self.get())
        self.assertEqual(self.server.requests, [None, f"bytes={len(self.server.contents[SST]) // 2}-"])

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
        (self.trees.parent / f"{SST}.part").write_bytes(self.server.contents[SST])
        self.assert_in_place(self.get())

    def test_a_server_with_trouble_is_asked_again(self):
        self.server.statuses = [503, 500]
        self.assert_in_place(self.get())
        self.assertEqual(len(self.server.requests), 3)

    def test_missing(self):
        self.server.contents = {}
        self.assert_refused(self.get(), "404")
        self.assertEqual(len(self.server.requests), 1)

    def test_no_server(self):
        self.assert_refused(self.get_published(mirror="http://127.0.0.1:9"), "Connection refused")

    def test_not_a_zip_file_then_the_right_one(self):
        good, self.server.contents[SST] = self.server.contents[SST], b"<html>moved</html>" * 1000
        self.assert_refused(self.get(), "not the published trainDevTestTrees_PTB.zip")
        self.server.contents[SST] = good
        self.assert_in_place(self.get())

    def test_truncated_archive(self):
        self.server.contents[SST] = self.server.contents[SST][: len(self.server.contents[SST]) // 2]
        self.assert_refused(self.get(), "not the published trainDevTestTrees_PTB.zip")

    def test_damaged_archive(self):
        content = bytearray(self.server.contents[SST])
        content[len(content) // 2] ^= 1
        self.server.contents[SST] = bytes(content)
        self.assert_refused(self.get(), "not the published trainDevTestTrees_PTB.zip")

    def test_wrong_line_count(self):
        self.server.contents[SST] = sst_archive({**LINES, "dev": 1100})
        self.assert_refused(self.get(), "dev.txt has 1100 lines; the published file has 1101")

    def test_wrong_content(self):
        self.server.contents[SST] = sst_archive(LINES, "a good film")
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

    def test_disk_full_while_downloading_then_taken_up(self):
        limit = len(self.server.contents[SST]) // 2  # no file may grow beyond this, which looks like a full disk

        def limit_size():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        self.assert_refused(self.get(preexec_fn=limit_size), "Free some space")
        self.assert_in_place(self.get())
        self.assertEqual(self.server.requests, [None, f"bytes={limit}-"])

    def test_disk_full_on_a_file_system_of_its_own(self):
        disk = self.folder / "disk"
        disk.mkdir()
        size = len(self.server.contents[SST]) + 100_000  # the archive fits, its content does not
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small file system")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=False).returncode != 0:
            self.skipTest("mounting is not allowed here")
        try:
            result = self.get(to=disk)
            self.assertEqual(result.returncode, 1)
            self.assertIn("No space left on device. Free some space", result.stdout)
            self.assertNotIn("Traceback", result.stdout)
            self.assertEqual([path.name for path in (disk / "sst").iterdir()], [f"{SST}.part"])
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_several_corpora_in_one_call(self):
        self.server.contents.update({AGNEWS: tar_archive(agnews_files()), NEWS: tar_archive(news_files())})
        result = self.get("agnews", "20news", "sst")
        self.assert_in_place(result)
        self.assertEqual(sorted(path.name for path in (self.folder / "agnews" / "ag_news_csv").iterdir()),
                         ["test.csv", "train.csv"])
        news = self.folder / "20news"
        self.assertEqual(sorted(path.name for path in news.iterdir()), ["20news-bydate-test", "20news-bydate-train"])
        for (split, group), count in POSTS.items():
            self.assertEqual(len(list((news / f"20news-bydate-{split}" / f"rec.sport.{group}").iterdir())), count)
        self.assertEqual(list(self.folder.rglob("escaped")), [])
        self.assertFalse((news / "20news-bydate-train" / "sci.space").exists())
        for words in ("non-commercial", "ICML 1995", "EMNLP 2013"):
            self.assertIn(words, result.stdout)
        requests = len(self.server.requests)
        self.assertEqual(self.get("agnews", "20news", "sst").stdout.count("already exists and is complete"), 3)
        self.assertEqual(len(self.server.requests), requests)

    def test_one_that_fails_does_not_stop_the_others(self):
        result = self.get("agnews", "sst")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"could not download http://127.0.0.1:{self.server.server_port}/{AGNEWS}", result.stdout)
        self.assertTrue(self.trees.exists())

    def test_imdb(self):
        self.server.contents[IMDB] = tar_archive(imdb_files())
        result = self.get("imdb")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("ACL 2011", result.stdout)
        for split in ("train", "test"):
            folder = self.folder / "imdb" / "aclImdb" / split
            self.assertEqual({path.name: len(list(path.iterdir())) for path in folder.iterdir()},
                             {"pos": 12_500, "neg": 12_500})
        self.assertIn("already exists and is complete", self.get("imdb").stdout)

    def test_imdb_out_of_balance(self):
        self.server.contents[IMDB] = tar_archive(imdb_files(positive=100))
        self.assert_refused(self.get("imdb"), "train/pos has 100 files; the published corpus has 12,500", "imdb")

    def test_wrong_rows(self):
        for files, message in (
                (agnews_files({"train": 30_000, "test": 1_899}), "test.csv has 1,899 rows of class 1"),
                (agnews_files(row=("5", "t", "d")), "train.csv, row 1, is not like"),
                (agnews_files(row=("{}", "t", " ")), "train.csv, row 1, is not like"),
                (agnews_files(row=("{}", "two")), "train.csv, row 1, is not like"),
                ([("ag_news_csv/train.csv", b'"1","t","never closed\n')], "train.csv is no CSV file"),
                ([("ag_news_csv/train.csv", b'"1","t","caf\xe9"\n')], "train.csv is no CSV file"),
                ([("ag_news_csv/readme.txt", b"")], "train.csv is missing")):
            self.server.contents[AGNEWS] = tar_archive(files)
            self.assert_refused(self.get("agnews"), message, "agnews")

    def test_wrong_posts(self):
        for files, message in (
                (news_files(b"no header\n"), "is not as published"),
                (news_files(b""), "is empty"),
                (list(news_files())[:-3], "rec.sport.hockey has 398 files"),
                ([], "rec.sport.baseball is missing")):
            self.server.contents[NEWS] = tar_archive(files)
            self.assert_refused(self.get("20news"), message, "20news")

    def test_truncated_tar_file(self):
        whole = tar_archive(news_files())
        for content in (whole[: len(whole) // 2], b"<html>moved</html>" * 100, b""):
            self.server.contents[NEWS] = content
            result = self.get("20news")
            self.assert_refused(result, "Nothing was kept", "20news")

    def test_only_the_published_files(self):
        self.server.contents.update({AGNEWS: tar_archive(agnews_files()), NEWS: tar_archive(news_files())})
        for name, words in (("sst", "its SHA-256 is"), ("20news", "its SHA-256 is"),
                            ("agnews", "ag_news_csv/train.csv is not the published file: its SHA-256 is")):
            result = self.get_published(name)
            self.assert_refused(result, words, name)
            self.assertEqual(list((self.folder / name).iterdir()), [])
        self.assert_refused(self.get(sums={SST: "0" * 64}), "and must be 000", "sst")

    def test_only_https(self):
        result = self.get(mirror="http://example.invalid/corpora")
        self.assert_refused(result, "http://example.invalid/corpora/trainDevTestTrees_PTB.zip is no https address")
        self.server.redirect = "http://example.invalid/elsewhere.zip"
        self.assert_refused(self.get(), "http://example.invalid/elsewhere.zip is no https address")
        self.server.redirect = "file:///etc/passwd"
        self.assert_refused(self.get(), "file:///etc/passwd")

    def test_planted_links(self):
        victim = self.folder / "victim"
        victim.write_text("a thesis")
        part = self.folder / "sst" / f"{SST}.part"
        part.parent.mkdir()
        part.symlink_to(victim)
        self.assertIn("is a link or a pipe; remove it", self.get().stdout)
        part.unlink()
        os.link(victim, part)
        self.assertIn("is not a file of yours alone", self.get().stdout)
        part.unlink()
        os.mkfifo(part)
        self.assertIn("is not a file of yours alone", self.get().stdout)
        part.unlink()
        self.assertEqual(victim.read_text(), "a thesis")
        if os.geteuid() == 0:
            part.write_text("another's")
            os.chown(part, 65534, 65534)
            self.assertIn("is not a file of yours alone", self.get().stdout)
            part.unlink()
            part.parent.rmdir()
            os.symlink(self.folder, part.parent)
            os.lchown(part.parent, 65534, 65534)
            self.assertIn("is a link that another user made", self.get().stdout)

    def test_a_part_is_private(self):
        self.server.cuts = 3
        self.get()
        (part,) = (self.folder / "sst").iterdir()
        self.assertEqual(part.stat().st_mode & 0o777, 0o600)

    def test_archives_that_libraries_cannot_read(self):
        encrypted = bytearray(sst_archive(LINES))
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption, in both headers
            encrypted[encrypted.index(mark) + place] |= 1
        lzma_zip = io.BytesIO()
        with zipfile.ZipFile(lzma_zip, "w", zipfile.ZIP_LZMA) as z:
            z.writestr("trees/train.txt", os.urandom(5000))
        damaged = bytearray(lzma_zip.getvalue())
        damaged[60:2000] = bytes(1940)
        for content in (encrypted, damaged):
            self.server.contents[SST] = bytes(content)
            self.assert_refused(self.get(), "is not the published trainDevTestTrees_PTB.zip")
            self.assertEqual(list(self.trees.parent.iterdir()), [])

    def test_more_than_any_corpus_has(self):
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("trees/train.txt", bytes(20_000_001))
        self.server.contents[SST] = bomb.getvalue()
        self.assert_refused(self.get(), "it unpacks to more than 20,000,000 bytes")
        self.assertEqual(list(self.trees.parent.iterdir()), [])
        self.server.contents[SST], self.server.endless = bytes(1_000_000), True
        self.assert_refused(self.get(), "it sends more than 20,000,000 bytes")

    def test_other_names(self):
        self.assertIn("physionet.org", self.get("mimic").stdout)
        self.assertIn("there is no corpus 'sts'; name some of sst, imdb, agnews, 20news", self.get("sst", "sts").stdout)
        self.assertEqual(self.server.requests, [])
        self.assertEqual(self.get("--help").returncode, 0)
        self.assertEqual(subprocess.run([TOOL], check=False, stderr=subprocess.DEVNULL).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=["get_data"])
