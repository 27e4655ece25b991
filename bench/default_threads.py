#!/usr/bin/env python3
"""How good is the number of threads that notnot chooses by itself?

  bench/default_threads.py build/release/notnot

Trains the same small model with the default and with fixed numbers of threads (--threads 1, 2, 4, ...), in turns, and prints
the ratio of the default's time to the best fixed number's. Three conditions:

  idle     as the machine is
  busy     as many other processes compute as there are processors
  limited  a control group gives all threads together half of the processors' time (needs the right to make one: root)

The goal is a ratio of at most 1.2 in each.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

GROUPS = pathlib.Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds


def train(program, threads, epochs, hidden, group):
    """Seconds of one training."""
    with tempfile.TemporaryDirectory() as runs:
        command = [program, "train", "--dataset", "planted", "--epochs", str(epochs), "--hidden", str(hidden),
                   "--device", "cpu", "--runs", runs]
        if threads is not None:
            command += ["--threads", str(threads)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment,
                       preexec_fn=None if group is None else lambda: join(group))
        return time.monotonic() - begin


def join(group):
    (group / "cgroup.procs").write_text(str(os.getpid()))


@contextlib.contextmanager
def idle(_):
    yield None


@contextlib.contextmanager
def busy(processors):
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processors)]
    try:
        yield None
    finally:
        for other in others:
            other.kill()
            other.wait()


class NoControlGroup(Exception):
    """None can be made here."""


@contextlib.contextmanager
def limited(processors):
    """A control group with half of the processors' time; NoControlGroup where none can be made."""
    quota = processors * PERIOD // 2
    first = (GROUPS / "cpu").is_dir()  # version 1 of the control groups
    group = (GROUPS / "cpu" if first else GROUPS) / f"notnot-{os.getpid()}"
    limits = {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota} if first else {"cpu.max": f"{quota} {PERIOD}"}
    try:
        group.mkdir()
        for name, value in limits.items():
            (group / name).write_text(str(value))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise NoControlGroup(error) from error
    try:
        yield group
    finally:
        group.rmdir()


def measure(given, counts, group):
    """{number of threads, None for the default: median seconds}, measured in turns."""
    times = {count: [] for count in (None, *counts)}
    for round_number in range(given.rounds):
        order = list(times) if round_number % 2 == 0 else list(reversed(times))
        for count in order:
            times[count].append(train(given.program, count, given.epochs, given.hidden, group))
    return {count: statistics.median(seconds) for count, seconds in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the program notnot")
    parser.add_argument("--rounds", type=int, default=5, help="trainings per number of threads (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of each training (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units per direction (default: %(default)s)")
    given = parser.parse_args()
    processors = len(os.sched_getaffinity(0))
    counts = sorted({1, processors} | {2**k for k in range(processors.bit_length()) if 2**k <= processors})
    print(f"{processors} processors; seconds of a training (median of {given.rounds})")
    print("          default  " + "".join(f"{f'{count} threads':>11}" for count in counts) + "   default / best")
    for condition in (idle, busy, limited):
        try:
            with condition(processors) as group:
                times = measure(given, counts, group)
        except NoControlGroup as error:
            print(f"{condition.__name__:<8}  skipped: no control group can be made here ({error})")
            continue
        best = min(times[count] for count in counts)
        print(f"{condition.__name__:<8}  {times[None]:>7.2f}  " + "".join(f"{times[count]:>11.2f}" for count in counts)
              + f"{times[None] / best:>17.2f}", flush=True)


if __name__ == "__main__":
    main()
