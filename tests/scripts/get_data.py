#!/usr/bin/env python3
"""tools/get_data against a local server with made-up files. Good archives are put in place as a whole. A forged,
damaged, wrong, truncated or missing archive, planted links and a full disk give a clear error and leave nothing
half-written."""
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
import signal
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "get_data"
LINES = {"train": 8544, "dev": 1101, "test": 2210}
SST, IMDB, AGNEWS, NEWS = ("trainDevTestTrees_PTB.zip", "aclImdb_v1.tar.gz", "ag_news_csv.tgz", "20news-bydate.tar.gz")
POSTS = {("train", "baseball"): 597, ("train", "hockey"): 600, ("test", "baseball"): 397, ("test", "hockey"): 399}

# Runs the tool with other checksums and by http, because the files are made up and the server has no certificate.
STAND_IN = """
import importlib.machinery, importlib.util, json, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("get_data", sys.argv.pop(1))
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("get_data", loader))
sys.modules["get_data"] = tool
loader.exec_module(tool)
tool.SCHEME, tool.SHA256 = "http", json.loads(sys.argv.pop(1))
sys.exit(tool.main())
"""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


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


def imdb_files(positive=12_500, negative=12_500):
    yield "aclImdb/README", b"about"
    for split in ("train", "test"):
        for label, rating, count in (("pos", 9, positive), ("neg", 2, negative)):
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
        if self.server.leads_to:
            self.send_response(302)
            self.send_header("Location", self.server.leads_to)
            self.end_headers()
            return
        if self.server.statuses:
            self.send_error(*self.server.statuses.pop(0))
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
        if self.server.length is not None:
            self.send_header("Content-Length", self.server.length.format(len(content) - start))
        self.end_headers()
        end = len(content)
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
        self.server.requests, self.server.statuses, self.server.leads_to = [], [], None
        self.server.length = "{}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.trees = self.folder / "sst" / "trees"

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder)

    def environment(self, to=None):
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        environment["NOTNOT_DATA"] = str(to or self.folder)
        return environment

    def command(self, *names, published=None):
        """The call of the tool to which the archives that the server has are the published ones, or those of the table
        `published`."""
        if published is None:
            published = {name: sha256(content) for name, content in self.server.contents.items()}
        address = f"http://127.0.0.1:{self.server.server_port}"
        names = names or ("sst",)
        return [sys.executable, "-c", STAND_IN, str(TOOL), json.dumps(published), *names, "--from", address]

    def get(self, *names, to=None, published=None, **options):
        return subprocess.run(self.command(*names, published=published), env=self.environment(to), text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, **options)

    def real(self, *arguments, **environment):
        """The tool as it is, with the checksums of the real corpora."""
        return subprocess.run([TOOL, *arguments], env={**self.environment(), **environment}, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def assert_in_place(self, result):
        self.assertEqual(result.returncode, 0, result.stdout)
        counts = {path.stem: path.read_text().count("\n") for path in self.trees.iterdir()}
        self.assertEqual(counts, LINES)
        self.assertEqual([path.name for path in self.trees.parent.iterdir()], ["trees"])

    def assert_refused(self, result, message, name="sst", resumable=False):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stdout)
        self.assertNotIn("Traceback", result.stdout)
        left = [path.name for path in (self.folder / name).iterdir()]
        self.assertEqual(left, [f"{SST}.part"] if resumable else [])

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
        self.assert_refused(self.get(), "could not download", resumable=True)
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
        self.server.statuses = [(503, "busy"), (500, "broken")]
        self.assert_in_place(self.get())
        self.assertEqual(len(self.server.requests), 3)

    def test_missing(self):
        self.server.contents = {}
        self.assert_refused(self.get(), "404")
        self.assertEqual(len(self.server.requests), 1)

    def test_no_server(self):
        self.assert_refused(self.real("sst", "--from", "https://127.0.0.1:9"), "Connection refused")

    def test_forged_archive_then_the_published_one(self):
        good = self.server.contents[SST]
        published = {SST: sha256(good)}
        flipped = bytearray(good)
        flipped[len(good) // 2] ^= 1
        other = sst_archive(LINES, "(3 (2 bad) (2 film))")
        for forged in (other, bytes(flipped), good[: len(good) // 2], b"<html>", b""):
            self.server.contents[SST] = forged
            self.assert_refused(self.get(published=published),
                                f"the SHA-256 of {SST} is {sha256(forged)}, and must be {sha256(good)}. Nothing was")
        self.server.contents[SST] = good
        self.assert_in_place(self.get(published=published))

    def test_real_checksums(self):
        source = TOOL.read_text()
        for archive in (SST, IMDB, NEWS, "ag_news_csv/train.csv", "ag_news_csv/test.csv"):
            self.assertRegex(source, rf'"{archive}": "[0-9a-f]{{64}}",\n')

    def test_files_where_no_checksum_of_the_archive_is_published(self):
        files = dict(agnews_files())
        published = {name: sha256(content) for name, content in files.items() if name.endswith(".csv")}
        self.server.contents[AGNEWS] = tar_archive(files.items())
        forged = {**published, "ag_news_csv/test.csv": sha256(b"")}
        self.assert_refused(self.get("agnews", published=forged), "the SHA-256 of ag_news_csv/test.csv is ", "agnews")
        self.assert_refused(self.get("agnews", published={}), "and must be None", "agnews")
        result = self.get("agnews", published=published)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_damaged_archives(self):
        """As if such an archive had been published: no archive ends in a traceback or leaves anything."""
        whole = self.server.contents[SST]
        encrypted = bytearray(whole)
        for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            encrypted[whole.index(signature) + flags] |= 1
        method = bytearray(whole)
        for signature, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
            method[whole.index(signature) + offset] = 99
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("trees/train.txt", os.urandom(2000))
        lzma = bytearray(packed.getvalue())
        lzma[60:1500] = bytes(1440)
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for content in (bytes(encrypted), bytes(method), bytes(lzma), bytes(flipped), whole[:1000], b"<html>", b""):
            self.server.contents[SST] = content
            self.assert_refused(self.get(), "is not the published zip file")
        tar = tar_archive(news_files())
        twice = tar_archive([("./20news-bydate-test/rec.sport.hockey/1", b"Subject: a")] * 2)
        for content in (tar[: len(tar) // 2], tar[:100] + bytes(1000) + tar[1100:], twice, b"", b"PK"):
            self.server.contents[NEWS] = content
            self.assert_refused(self.get("20news"), "is not the published tar.gz file", "20news")

    def test_archives_that_unpack_to_more(self):
        large = io.BytesIO()
        with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("trees/train.txt", bytes(11_000_000))
        self.server.contents[SST] = large.getvalue()
        self.assert_refused(self.get(), "it unpacks to more than the published files")
        comment = tarfile.TarInfo("ag_news_csv/train.csv")  # a header of 50 MB, which tarfile reads as a whole
        comment.pax_headers = {"comment": "x" * 50_000_000}
        sparse = tarfile.TarInfo("ag_news_csv/train.csv")  # zeros that are not in the archive
        sparse.pax_headers = {"GNU.sparse.size": "1000000000000", "GNU.sparse.numbytes": "0", "GNU.sparse.offset": "0"}
        for header in (comment, sparse):
            self.server.contents[AGNEWS] = gzip.compress(header.tobuf(tarfile.PAX_FORMAT) + bytes(1024), 1)
            self.assert_refused(self.get("agnews"), "it unpacks to more than the published files", "agnews")
        for name in ("ag_news_csv/train.csv", "ag_news_csv/not_needed"):
            self.server.contents[AGNEWS] = tar_archive([(name, bytes(41_000_000))])
            self.assert_refused(self.get("agnews"), "it unpacks to more than the published files", "agnews")

    def test_download_that_is_too_large(self):
        self.server.contents[SST] = bytes(2_000_000)
        for length in ("{}", None, "abc", "-1"):
            self.server.length = length
            self.assert_refused(self.get(), "it is larger than 1 MB, and the published file is not")

    def test_only_https(self):
        self.assert_refused(self.real("sst", "--from", f"http://127.0.0.1:{self.server.server_port}"),
                            "does not begin with https://")
        for address in ("file:///etc", "ftp://127.0.0.1", "//127.0.0.1", "https://[", "https://\x1b[2J"):
            self.assert_refused(self.real("sst", "--from", address), "could not download")
        self.assertEqual(self.server.requests, [])

    def test_redirects(self):
        for address in ("https://127.0.0.1:9/", "ftp://127.0.0.1/"):
            self.server.leads_to = address  # here http is the safe scheme, and others are not
            self.assert_refused(self.get(), f"{address} does not begin with http://")
        self.server.leads_to = "http://["
        self.assert_refused(self.get(), "a part of the address is not valid")

    def test_https_that_leads_to_http(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        if not shutil.which("openssl") or subprocess.run(make, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("openssl makes no certificate here")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        safe = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        safe.socket = context.wrap_socket(safe.socket, server_side=True)
        safe.requests, safe.statuses, safe.leads_to = [], [], f"http://127.0.0.1:{self.server.server_port}/{SST}"
        safe.contents, safe.ranges, safe.cuts, safe.length = self.server.contents, True, 0, "{}"
        threading.Thread(target=safe.serve_forever, args=(0.02,), daemon=True).start()
        try:
            arguments = ("sst", "--from", f"https://localhost:{safe.server_port}")
            self.assert_refused(self.real(*arguments, SSL_CERT_FILE=str(certificate)), "does not begin with https://")
            self.assertEqual((safe.requests, self.server.requests), ([None], []))
            safe.leads_to = None
            self.assert_refused(self.real(*arguments, SSL_CERT_FILE=str(certificate)), f"the SHA-256 of {SST} is")
            self.assert_refused(self.real(*arguments), "certificate verify failed")
        finally:
            safe.shutdown()
            safe.server_close()

    def test_planted_links_are_not_followed(self):
        victim = self.folder / "thesis.tex"
        victim.write_text("years of work")
        self.trees.parent.mkdir()
        part = self.trees.parent / f"{SST}.part"
        for plant in (part.symlink_to, lambda path: os.link(path, part), lambda path: os.mkfifo(part)):
            plant(victim)
            result = self.get()
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn("is a link, or a file that others can change", result.stdout)
            self.assertEqual(victim.read_text(), "years of work")
            part.unlink()
        part.symlink_to(self.folder / "nothing")
        self.assertEqual(self.get().returncode, 1)
        self.assertFalse((self.folder / "nothing").exists())
        part.unlink()
        part.touch()
        part.chmod(0o666)
        self.assertIn("a file that others can change", self.get().stdout)

    def test_files_and_folders_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can make files of another user")
        self.trees.parent.mkdir()
        part = self.trees.parent / f"{SST}.part"
        part.touch()
        os.chown(part, 65534, 65534)
        self.assertIn("a file that others can change", self.get().stdout)
        part.unlink()
        os.chown(self.trees.parent, 65534, 65534)
        self.assert_refused(self.get(), "belongs to another user")
        self.trees.parent.rmdir()
        (self.folder / "elsewhere").mkdir()
        self.trees.parent.symlink_to(self.folder / "elsewhere")
        os.lchown(self.trees.parent, 65534, 65534)
        self.assert_refused(self.get(), "belongs to another user")

    def test_unfinished_download_is_private_and_ends_with_a_message(self):
        self.server.cuts = 3  # the waits between the attempts leave time to look
        for number in (signal.SIGTERM, signal.SIGINT):
            with subprocess.Popen(self.command(), env=self.environment(), text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, umask=0) as process:
                part = self.trees.parent / f"{SST}.part"
                while process.poll() is None and not (part.exists() and part.stat().st_size):
                    time.sleep(0.01)
                self.assertEqual(part.stat().st_mode & 0o777, 0o600)
                process.send_signal(number)
                output = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 1, output)
            self.assertIn("interrupted; run it again to resume", output)
            part.unlink()

    def test_nothing_of_a_server_steers_the_terminal(self):
        self.server.statuses = [(404, "\x1b[2Jgone\x9b")]
        result = self.get()
        self.assert_refused(result, r"HTTP status 404 (\x1b[2Jgone\x9b)")
        self.assertNotRegex(result.stdout, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

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
        self.assert_refused(self.get(preexec_fn=limit_size), "Free some space", resumable=True)
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
        self.server.contents[IMDB] = tar_archive(imdb_files(positive=100, negative=100))
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

    def test_other_names(self):
        self.assertIn("physionet.org", self.get("mimic").stdout)
        self.assertIn("there is no corpus 'sts'; name some of sst, imdb, agnews, 20news", self.get("sst", "sts").stdout)
        self.assertEqual(self.server.requests, [])
        self.assertEqual(self.get("--help").returncode, 0)
        self.assertEqual(subprocess.run([TOOL], check=False, stderr=subprocess.DEVNULL).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=["get_data"])
