"""`rdk pair`: make a target and a drafter from text, and capture what a pair says.

Importing this file loads neither torch nor transformers nor tokenizers.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from rdk_theory import tables
from rdk_theory.cli import Command, UsageError, add_common


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_train(
        actions.add_parser(
            "train",
            help="train a target and a drafter that share a tokenizer",
            description="Train a target and a drafter on text; an interrupted training goes on by the same command.",
        )
    )
    _add_capture(
        actions.add_parser(
            "capture",
            help="store what a target and a drafter say in contexts of text",
            description="Store logits, or hidden states and heads, of a pair in contexts of text it did not see.",
        )
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_corpus(parser)
    parser.add_argument(
        "--kind",
        choices=("neural", "counts"),
        default="neural",
        help="two Llama models, or Kneser-Ney trigram and bigram counts (default neural)",
    )
    parser.add_argument(
        "--tokenizer", metavar="SOURCE", help="folder, hub id or .tiktoken file (default: byte-level BPE of the corpus)"
    )
    parser.add_argument(
        "--vocab-size", type=int, metavar="N", help="of the default tokenizer (default 8192 neural, 32000 counts)"
    )
    parser.add_argument("--max-text", type=float, default=32.0, metavar="MB", help="training text used (default 32)")
    parser.add_argument("--minutes", type=float, default=5.0, help="neural: time to train both models (default 5)")
    parser.add_argument("--steps", type=int, metavar="INT", help="neural: exact steps of each model, not minutes")
    parser.add_argument("--target-shape", metavar="WxL", help="neural: width and layers of the target (default 192x2)")
    parser.add_argument("--drafter-shape", metavar="WxL", help="neural: width and layers of the drafter (default 64x1)")
    parser.add_argument(
        "--drafter-share", type=float, default=0.5, metavar="SHARE", help="counts: text the drafter reads (default 0.5)"
    )
    parser.add_argument(
        "--distill",
        choices=("kl", "tv", "none"),
        default="kl",
        help="neural: what the drafter learns: the target's law (kl, default), after half of its time by the rejection "
        "rate (tv), or the text (none)",
    )
    parser.add_argument(
        "--softmax-words",
        type=int,
        metavar="INT",
        help="neural: tokens in the softmax of a training step, half of them the most frequent, the others a sample "
        "(default all, but 8192 on a CPU for more than 65536)",
    )
    parser.add_argument(
        "--batch-tokens", type=int, default=512, metavar="INT", help="neural: tokens in a training step (default 512)"
    )
    _add_device(parser)
    add_common(parser, out="out/pair", quick=False)


def _add_capture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="folder or hub id of the target")
    parser.add_argument("drafter", metavar="DRAFTER", help="folder or hub id of the drafter")
    _add_corpus(parser)
    parser.add_argument("--contexts", type=int, default=4_096, metavar="INT", help="how many (default 4096)")
    parser.add_argument(
        "--split", choices=("calibration", "test", "all"), default="all", help="documents read (default all: half each)"
    )
    parser.add_argument(
        "--context-length", type=int, default=128, metavar="INT", help="most tokens before a context (default 128)"
    )
    parser.add_argument(
        "--per-document", type=int, default=16, metavar="INT", help="most contexts in one document (default 16)"
    )
    parser.add_argument(
        "--dtype", choices=("float16", "bfloat16", "float32"), default="float16", help="of stored logits"
    )
    parser.add_argument(
        "--store",
        choices=("auto", "rows", "heads"),
        default="auto",
        help="logits, or hidden states and heads from which they are rebuilt (default auto: logits if they fit, but of "
        "65536 tokens and more what is smaller)",
    )
    parser.add_argument("--max-memory", type=float, default=4.0, metavar="GB", help="never use more (default 4)")
    parser.add_argument("--max-disk", type=float, default=8.0, metavar="GB", help="never use more (default 8)")
    _add_device(parser)
    add_common(parser, out="out/capture", quick=False)


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="PATH",
        help="text file (.xz, .gz; documents separated by lines of one NUL byte) or folder "
        "(default: the Python standard library's source)",
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run")


def _run(args: argparse.Namespace) -> int:
    options = {name: value for name, value in vars(args).items() if name not in ("action", "out", "json", "resume")}
    try:
        if args.action == "train":
            if args.kind == "neural":
                importlib.import_module("torch")  # what is missing is said before anything is read or written
            from gpu.pairs.training import Options, train_pair

            row = train_pair(Options(**options), args.out, resume=args.resume)
        else:
            from gpu.pairs.capture import capture
            from gpu.pairs.capture_options import CaptureOptions

            row = capture(CaptureOptions(**options), args.out, resume=args.resume)
            if row["contexts"] < args.contexts:
                print(f"the corpus has {row['contexts']} of {args.contexts} contexts", file=sys.stderr)
    except ValueError as error:
        raise UsageError(str(error)) from error
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # of torch, which this file does not load
            raise
        smaller = "--batch-tokens" if args.action == "train" else "--context-length or --per-document"
        raise UsageError(f"the device has too little memory; make {smaller} smaller, or use --device cpu") from error
    print(json.dumps(row) if args.json else tables.to_text([row]))
    return 0


COMMAND = Command("pair", "make a target and a drafter, and capture what they say", _add_arguments, _run)
