#!/usr/bin/env python3
"""A PyTorch twin of notnot's training loop on SST, to race against: same texts, batches, model, loss and optimiser.

  bench/torch_epoch.py                                 seconds per training epoch of PyTorch on one core
  bench/torch_epoch.py --race build/release/notnot     PyTorch and notnot in turns on the same cores, and their ratio
  bench/torch_epoch.py --device cuda [--race ...]      the same on a GPU; PyTorch's fastest there: --fused-adam

PyTorch is not a dependency of notnot: run this by hand where it is installed (Debian's python3-torch, or a wheel in a
virtual environment). Only training is timed, not evaluation. The data is FOLDER/sst/sst_dataset.csv (text,label,exp_split).
"""
import argparse
import csv
import math
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

BATCH = 32
HIDDEN = 128  # per direction; the attention layer has as many units
WIDTH = 300  # of random embeddings
RESERVED = ("<0>", "<UNK>", "<SOS>", "<EOS>")
UNKNOWN, START, END = 1, 2, 3


# --- texts ---------------------------------------------------------------------------------------------------------------


def load_sst(folder):
    """Vocabulary, and per split the list of (token ids, label) with 5 < word tokens < longest of the split."""
    path = pathlib.Path(folder) / "sst" / "sst_dataset.csv"
    if not path.is_file():
        sys.exit(f"torch_epoch.py: {path} is missing; name the folder that holds sst/ with --data or NOTNOT_DATA")
    splits = {"train": [], "dev": [], "test": []}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            splits[row["exp_split"]].append((row["text"].split(), int(row["label"])))
    words = [*RESERVED, *sorted({word for text, _ in splits["train"] for word in text})]
    ids = {word: i for i, word in enumerate(words)}
    encoded = {}
    for name, texts in splits.items():
        longest = max(len(text) for text, _ in texts)
        encoded[name] = [([START, *(ids.get(word, UNKNOWN) for word in text), END], label)
                         for text, label in texts if 5 < len(text) < longest]
    return words, encoded


def load_vectors(path, words):
    """[vocabulary][width]: the file's vector of each word, zeros for a word that the file lacks."""
    wanted, found = set(words), {}
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            word, *values = line.rstrip().split(" ")
            if word in wanted and len(values) > 1:
                found[word] = [float(value) for value in values]
    width = len(next(iter(found.values())))
    return [found.get(word, [0.0] * width) for word in words]


def epoch_batches(texts, rng):
    """Lengths (boundary tokens included) jittered by about a tenth, sorted, ties at random, cut into batches; the
    batches shuffled."""
    def jittered(text):
        length = len(text[0])
        return length + rng.randint(math.floor(-0.1 * length), math.ceil(0.1 * length) - 1), rng.random()

    order = sorted(texts, key=jittered)
    batches = [order[i:i + BATCH] for i in range(0, len(order), BATCH)]
    rng.shuffle(batches)
    return batches


# --- model ---------------------------------------------------------------------------------------------------------------


def build_model(torch, vocabulary_size, vectors):
    nn = torch.nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            if vectors is None:
                self.embedding = nn.Embedding(vocabulary_size, WIDTH, padding_idx=0)
            else:
                self.embedding = nn.Embedding.from_pretrained(torch.tensor(vectors), freeze=False, padding_idx=0)
            self.rnn = nn.LSTM(self.embedding.embedding_dim, HIDDEN, batch_first=True, bidirectional=True)

        def forward(self, ids, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(self.embedding(ids), lengths, batch_first=True)
            return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn1 = nn.Linear(2 * HIDDEN, HIDDEN)
            self.attn2 = nn.Linear(HIDDEN, 1, bias=False)

        def forward(self, features, masked):
            scores = self.attn2(torch.tanh(self.attn1(features))).squeeze(-1)
            return torch.softmax(scores.masked_fill(masked, -math.inf), dim=-1)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = Attention()
            self.linear_1 = nn.Linear(2 * HIDDEN, 1)

        def forward(self, features, masked):
            weights = self.attention(features, masked)
            return self.linear_1((features * weights.unsqueeze(-1)).sum(dim=1)).squeeze(-1)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = Encoder(), Decoder()

        def forward(self, ids, lengths, masked):
            return self.decoder(self.encoder(ids, lengths), masked)

    return Classifier()


def build_optimizer(torch, model, fused):
    attention = list(model.decoder.attention.parameters())
    decayed = [*model.encoder.parameters(), *model.decoder.linear_1.parameters()]
    groups = [{"params": decayed, "weight_decay": 1e-5}, {"params": attention, "weight_decay": 0.0}]
    return torch.optim.Adam(groups, lr=1e-3, amsgrad=True, **({"fused": True} if fused else {}))


def tensors(torch, batch, device):
    """ids [texts, longest], lengths [texts], masked [texts, longest] (padding and boundary tokens), labels [texts]; all on the
    device, but packing wants the lengths on the CPU."""
    batch = sorted(batch, key=lambda text: -len(text[0]))  # packing wants the longest first
    lengths = torch.tensor([len(ids) for ids, _ in batch])
    longest = int(lengths[0])
    ids = torch.tensor([text + [0] * (longest - len(text)) for text, _ in batch])
    positions = torch.arange(longest)
    masked = (positions == 0) | (positions >= lengths.unsqueeze(1) - 1)
    labels = torch.tensor([float(label) for _, label in batch])
    return ids.to(device), lengths, masked.to(device), labels.to(device)


# --- training ------------------------------------------------------------------------------------------------------------


def open_device(torch, name):
    """The device, and its name for the output. Ends the program where there is no such device."""
    if name == "cpu":
        return torch.device("cpu"), "the CPU"
    if not torch.cuda.is_available():
        sys.exit(f"torch_epoch.py: --device {name} cannot be used: PyTorch {torch.__version__} finds no CUDA device here; "
                 "nothing was measured")
    device = torch.device(name)
    if (device.index or 0) >= torch.cuda.device_count():
        sys.exit(f"torch_epoch.py: there is no {name}: PyTorch finds {torch.cuda.device_count()} CUDA device(s), numbered from 0")
    torch.backends.cudnn.allow_tf32 = False  # the default of its LSTM; notnot computes in fp32
    return device, f"{name} ({torch.cuda.get_device_name(device)})"


def clock(torch, device):
    """Seconds, once all that was enqueued is computed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def train_epoch(torch, model, optimizer, batches, pos_weight, device):
    total = 0.0
    for batch in batches:
        ids, lengths, masked, labels = tensors(torch, batch, device)
        logits = model(ids, lengths, masked)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, labels, weight=1 + (pos_weight - 1) * labels, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total


def evaluate(torch, model, texts, device):
    """F1 of class 1 and ROC-AUC (ties counted half)."""
    logits, labels = [], []
    with torch.no_grad():
        for i in range(0, len(texts), BATCH):
            ids, lengths, masked, batch_labels = tensors(torch, texts[i:i + BATCH], device)
            logits.append(model(ids, lengths, masked))
            labels.append(batch_labels)
    logits, labels = torch.cat(logits), torch.cat(labels) == 1
    true_positives = int(((logits > 0) & labels).sum())
    f1 = 2 * true_positives / (int((logits > 0).sum()) + int(labels.sum()))
    difference = logits[labels].unsqueeze(1) - logits[~labels]
    return f1, float((difference > 0).float().mean() + 0.5 * (difference == 0).float().mean())


def train(args):
    try:
        import torch
    except ImportError as error:
        sys.exit(f"torch_epoch.py: PyTorch is needed here ({error}): apt-get install python3-torch, or a virtual "
                 "environment with `pip install torch numpy`")
    device, device_name = open_device(torch, args.device)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    words, splits = load_sst(args.data)
    texts = splits["train"]
    positives = sum(label for _, label in texts)
    tokens = sum(len(ids) for ids, _ in texts)
    print(f"PyTorch {torch.__version__} on {device_name}, {args.threads} thread(s), "
          f"{'fused' if args.fused_adam else 'default'} Adam; SST: {len(texts)} texts ({positives} of class 1), {tokens} tokens, "
          f"vocabulary {len(words)}", flush=True)
    model = build_model(torch, len(words), load_vectors(args.vectors, words) if args.vectors else None).to(device)
    optimizer = build_optimizer(torch, model, args.fused_adam)
    seconds = []
    for epoch in range(1, args.epochs + 1):
        begin = clock(torch, device)
        loss = train_epoch(torch, model, optimizer, epoch_batches(texts, rng), len(texts) / positives - 1, device)
        seconds.append(clock(torch, device) - begin)
        line = f"epoch {epoch}: {seconds[-1]:.3f} s, {tokens / seconds[-1]:.0f} tokens/s, loss {loss / len(texts):.4f}"
        if args.evaluate:
            line += ", test F1 {:.4f}, ROC-AUC {:.4f}".format(*evaluate(torch, model, splits["test"], device))
        print(line, flush=True)
    median = statistics.median(seconds)
    print(f"median {median:.3f} s per training epoch, {tokens / median:.0f} tokens/s")


# --- race ----------------------------------------------------------------------------------------------------------------


def race_torch(args, pin):
    command = [*pin, sys.executable, __file__, "--epochs", str(args.epochs), "--threads", str(args.threads),
               "--data", args.data, "--seed", str(args.seed), "--device", args.device]
    command += ["--vectors", args.vectors] if args.vectors else []
    command += ["--fused-adam"] if args.fused_adam else []
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit(result.returncode)  # it has said why
    output = result.stdout
    print(f"  {output.splitlines()[0]}")
    return [float(value) for value in re.findall(r"^epoch \d+: ([\d.]+) s", output, re.MULTILINE)]


def race_notnot(args, pin):
    with tempfile.TemporaryDirectory() as runs:
        command = [*pin, args.race, "train", "--dataset", "sst", "--attention", "learned", "--seed", str(args.seed),
                   "--epochs", str(args.epochs), "--device", args.device, "--threads", str(args.threads), "--runs", runs]
        command += ["--vectors", args.vectors] if args.vectors else []
        subprocess.run(command, check=True, env={**os.environ, "NOTNOT_DATA": args.data}, stdout=subprocess.DEVNULL)
        metrics, = pathlib.Path(runs).rglob("metrics.csv")
        with open(metrics, newline="", encoding="utf-8") as file:
            return [float(row["train_seconds"]) for row in csv.DictReader(file)]


def race(args):
    cores = sorted(os.sched_getaffinity(0))[:args.threads]
    if len(cores) < args.threads:
        sys.exit(f"torch_epoch.py: {args.threads} threads need as many cores; there are {len(cores)}")
    pin = ["taskset", "-c", ",".join(map(str, cores))]
    print(f"{args.rounds} rounds of {args.epochs} epochs each, in turns, on core(s) {pin[-1]}")
    ratios, ours, theirs = [], [], []
    for number in range(1, args.rounds + 1):
        torch_seconds, notnot_seconds = race_torch(args, pin), race_notnot(args, pin)
        theirs += torch_seconds
        ours += notnot_seconds
        ratios.append(statistics.median(torch_seconds) / statistics.median(notnot_seconds))
        print(f"  round {number}: PyTorch {statistics.median(torch_seconds):.3f} s, "
              f"notnot {statistics.median(notnot_seconds):.3f} s per epoch, ratio {ratios[-1]:.2f}", flush=True)
    for name, seconds in (("PyTorch", theirs), ("notnot", ours)):
        print(f"{name:8} median {statistics.median(seconds):.3f} s per training epoch ({min(seconds):.3f} to {max(seconds):.3f})")
    print(f"notnot is {statistics.median(ratios):.2f} times as fast (rounds: {min(ratios):.2f} to {max(ratios):.2f})")


def device_argument(text):
    if not re.fullmatch(r"cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"`{text}` is none of cpu, cuda, cuda:NUMBER")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="training epochs, in a race per round (default 3)")
    parser.add_argument("--device", type=device_argument, default="cpu", metavar="DEVICE",
                        help="cpu, cuda or cuda:NUMBER, in a race of both sides (default cpu)")
    parser.add_argument("--threads", type=int, default=1, help="threads, in a race also cores (default 1)")
    parser.add_argument("--data", default=os.environ.get("NOTNOT_DATA", "data"), metavar="FOLDER",
                        help="folder that holds sst/ (default: NOTNOT_DATA, or data/)")
    parser.add_argument("--vectors", metavar="FILE", help="word vectors in text format (default: random embeddings)")
    parser.add_argument("--seed", type=int, default=10, help="of initialisation and batch order (default 10)")
    parser.add_argument("--fused-adam", action="store_true", help="PyTorch's fused optimiser (2.4 or newer)")
    parser.add_argument("--evaluate", action="store_true", help="test F1 and ROC-AUC after each epoch (not timed)")
    parser.add_argument("--race", metavar="NOTNOT", help="path of the notnot program to race against")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of a race (default 3)")
    args = parser.parse_args()
    race(args) if args.race else train(args)


if __name__ == "__main__":
    main()
