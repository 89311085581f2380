"""Storms of interrupts: Ctrl-C at random moments, in calls of the library and in commands.

    python benchmarks/storms.py [--interrupts 100] [--threads 2] [--seed 0] [--commands] [--json FILE] [KIND ...]

KIND is one of predict, evaluate, train, compare, find-lr, benchmark and estimator; all where none is given. Each runs
in a process of its own, which a signal interrupts again and again; a third of the interruptions come twice or three
times within a millisecond. The counts are crashes, hangs (HANG_SECONDS without a word), foreign arrays that changed
after an interruption, answers that were not the same bits as before, and interruptions that were lost. With --commands,
each interruption ends a `convlet` command of its own. Ends with 1 unless all counts of faults are 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HANG_SECONDS = 60
MOST_STARTS = 10
"""Of a kind's process, which is started again after a crash or a hang."""

KINDS = ("predict", "evaluate", "train", "compare", "find-lr", "benchmark", "estimator")
WORD = "conv16-relu-conv16-relu-pool"
FAULTS = ("crashes", "hangs", "arrays changed", "wrong answers", "failures")
ENDED = (0, 130, -signal.SIGINT)
"""Exit codes of an interrupted command: it was done before, it said so, or Python was still starting."""


class Struck(KeyboardInterrupt):
    """What the handler raises."""


class Storm:
    """Interrupts calls at random moments, in this process."""

    def __init__(self, seed: int) -> None:
        self.random, self.left, self.raised = random.Random(seed), 0, 0
        signal.signal(signal.SIGALRM, self._strike)

    def _strike(self, number, place):
        if self.left:
            self.left -= 1
            self.raised += 1
            # one signal at a time: a timer that repeats would flood a long compiled call, and nothing else would run
            signal.setitimer(signal.ITIMER_REAL, self.random.uniform(5e-6, 3e-4) if self.left else 0)
            raise Struck

    def over(self, act, seconds):
        """Interrupt `act` within so many seconds; how many signals came, and whether the exception arrived."""
        self.raised, arrived = 0, False
        try:
            self.left = self.random.choice((1, 1, 1, 1, 2, 3))
            signal.setitimer(signal.ITIMER_REAL, self.random.uniform(1e-4, seconds))
            arrived = bool(act())
        except Struck:
            arrived = True
        while True:
            try:
                self.left = 0
                signal.setitimer(signal.ITIMER_REAL, 0)
                return self.raised, arrived
            except Struck:
                arrived = True


def acts(kind, threads):
    """What is interrupted, and what must always give the same; the first returns whether it ended early by itself."""
    import convlet as cv
    from convlet.evaluation.figures import evaluate
    from convlet.measure import benchmark as figures
    from convlet.measure import peak
    from convlet.network.word import with_head
    from convlet.recipes.presets import Entry
    from convlet.trials.comparison import Comparison
    from convlet.trials.rate_finder import find_rate

    figures.REPEAT_SECONDS, peak.ALONE, peak.TOGETHER = 0.01, (0.002, 5), (0.01, 5)  # figures are not what counts here
    data = cv.load_data("digits")
    network, settings = with_head(cv.parse(WORD), 10), cv.Settings(epochs=1, threads=threads)
    images, few = data.train.images, data.test.images

    def train():
        return cv.train(network, data.train, data.validation, classes=data.classes, settings=settings).model

    def estimate():
        made = cv.ConvNetClassifier(WORD, epochs=1, random_state=0, n_jobs=threads)
        return made.fit(images, data.train.labels).predict_proba(few).tobytes()

    def compare():
        entries = [Entry(word, word) for word in (WORD, "conv8-relu-pool")]
        return Comparison(data, entries, {"epochs": 1, "threads": threads}).run()

    def rates():
        return find_rate(network, data.train, classes=data.classes, settings=settings, steps=40).losses

    model = train()
    many = images.repeat(20, axis=0)

    def logits():
        return model.logits(few, threads).tobytes()

    def benchmark():
        figures.Benchmark("conv4-relu-pool", (8, 8, 1), 64, threads).run(lambda stage: None)

    return {
        "predict": (lambda: model.logits(many, threads) is None, logits),
        "evaluate": (lambda: not evaluate(model, many, data.train.labels.repeat(20)), logits),
        "train": (lambda: train() is None, lambda: train().sha256()),
        "compare": (lambda: compare()["missing"], lambda: [row["sha256"] for row in compare()["results"]]),
        "find-lr": (lambda: rates() is None, rates),
        "benchmark": (benchmark, logits),
        "estimator": (lambda: estimate() is None, estimate),
    }[kind]


def child(kind, threads, interrupts, seed):
    """A storm in this process; prints a line of JSON after each interruption."""
    import numpy as np

    act, answer = acts(kind, threads)
    right = answer()
    began = time.perf_counter()
    act()
    seconds, storm = time.perf_counter() - began, Storm(seed)
    while interrupts:
        raised, arrived = storm.over(act, seconds)
        foreign = [np.full(1 << k, 7, np.float32) for k in (8, 12, 16, 20) for _ in range(3)]
        time.sleep(0.005)
        found = {"interrupts": int(raised > 0), "signals": raised, "lost": int(raised > 0 and not arrived)}
        found["wrong answers"] = int(interrupts % 4 == 0 and answer() != right)
        found["arrays changed"] = sum(bool((array != 7).any()) for array in foreign)
        interrupts -= found["interrupts"]
        print(json.dumps(found), flush=True)


def in_calls(kind, given):
    """The counts of a storm in calls, however often its process has to be started again."""
    counts = dict.fromkeys(("interrupts", "signals", "lost", *FAULTS), 0)
    starts = 0
    while counts["interrupts"] < given.interrupts and starts < MOST_STARTS:
        starts += 1
        rest = str(given.interrupts - counts["interrupts"])
        words = ["--child", kind, "--threads", str(given.threads), "--interrupts", rest]
        command = [sys.executable, __file__, *words, "--seed", str(given.seed + starts)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
            while select.select([running.stdout], [], [], HANG_SECONDS)[0]:
                line = running.stdout.readline()
                if not line:
                    break
                for name, count in json.loads(line).items():
                    counts[name] += count
            else:
                counts["hangs"] += 1
                running.send_signal(signal.SIGABRT)  # Python says where it hangs
                continue
        counts["crashes"] += running.returncode < 0
        counts["failures"] += running.returncode > 0
    return counts


def commands_of(folder, threads):
    """The command line of each kind; all but the estimator have one."""
    model, rest = folder / "run" / "model.safetensors", ["--threads", str(threads)]
    network = ["-a", WORD, "--epochs", "20", *rest]
    picture = folder / "digit.png"
    return {
        "predict": ["predict", model, *[picture] * 200],
        "evaluate": ["evaluate", model, "digits"],
        "train": ["train", "digits", *network, "--output", folder / "again"],
        "compare": ["compare", "digits", WORD, "conv8-relu-pool", "--epochs", "10", *rest, "--output", folder / "c"],
        "find-lr": ["train", "digits", "--find-lr", *network],
        "benchmark": ["benchmark", WORD, *rest],
    }


def in_commands(kind, given):
    """The counts of a storm in which each interruption ends a command."""
    import shutil

    import numpy as np
    from PIL import Image

    drawn = random.Random(given.seed)
    counts = dict.fromkeys(("interrupts", "signals", *FAULTS), 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(np.full((8, 8), 90, np.uint8)).save(folder / "digit.png")
        first = ["train", "digits", "-a", WORD, "--epochs", "1", "--quiet", "--output", folder / "run"]
        subprocess.run(line(first), check=True, stdout=subprocess.DEVNULL)
        words = commands_of(folder, given.threads)[kind]
        began = time.monotonic()
        subprocess.run(line(words), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        while counts["interrupts"] < given.interrupts:
            for made in ("again", "c"):
                shutil.rmtree(folder / made, ignore_errors=True)
            running = subprocess.Popen(line(words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(drawn.uniform(0.2, 1) * seconds)
            for _ in range(drawn.choice((1, 1, 2, 3))):
                counts["signals"] += 1
                running.send_signal(signal.SIGINT)
                time.sleep(drawn.uniform(0, 0.02))
            counts["interrupts"] += 1
            try:
                error = running.communicate(timeout=10)[1]
            except subprocess.TimeoutExpired:
                counts["hangs"] += 1
                running.kill()
                running.communicate()
                continue
            crashed = running.returncode in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE)
            counts["crashes"] += crashed
            if not crashed and running.returncode not in ENDED:
                counts["failures"] += 1
                sys.stderr.write(error.decode(errors="replace"))
    return counts


def line(words):
    return [sys.executable, "-m", "convlet", *map(str, words)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--interrupts", type=int, default=100, help="of each kind; default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", action="store_true", help="interrupt commands instead of calls")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--child", metavar="KIND", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.threads, given.interrupts, given.seed)
        return 0
    kinds = given.kinds or [kind for kind in KINDS if not (given.commands and kind == "estimator")]
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"unknown kind {', '.join(sorted(unknown))}: expected {', '.join(KINDS)}")
    found = {}
    for kind in kinds:
        found[kind] = in_commands(kind, given) if given.commands else in_calls(kind, given)
        said = ", ".join(f"{count} {name}" for name, count in found[kind].items())
        print(f"{kind}, {given.threads} threads: {said}", flush=True)
    if given.json:
        Path(given.json).write_text(json.dumps({"threads": given.threads, "counts": found}, indent=1) + "\n")
    return int(any(counts[name] for counts in found.values() for name in FAULTS))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONFAULTHANDLER", "1")
    sys.exit(main())
