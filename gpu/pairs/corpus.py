"""Text as documents, and which of them are for training, for calibration and for testing.

The document is the unit of everything statistical, so a split never cuts one. A document's part follows
from the SHA-256 of its text alone: it is the same in every corpus that holds it, whatever the seed, and
two equal documents cannot stand on both sides.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import platform
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEPARATOR = "\n\0\n"
SECTION = 8_192
"""Characters of a section, where a text of one document has to be cut."""

SPLITS = ("train", "calibration", "test")


@dataclass(frozen=True)
class Corpus:
    """Documents of text in a fixed order, none empty, no two equal.

    Attributes
    ----------
    name
        What they are, without the folders of this machine.
    documents
        Their text.
    digests
        SHA-256 of each, in hexadecimal.
    unit
        ``"document"``, or ``"section"`` where the text was one document and had to be cut.
    """

    name: str
    documents: list[str]
    digests: list[str]
    unit: str

    @property
    def digest(self) -> str:
        """SHA-256 of the whole."""
        return hashlib.sha256("".join(self.digests).encode()).hexdigest()

    def split(self, name: str, train_share: float) -> list[int]:
        """Numbers of the documents in ``"train"``, ``"calibration"`` or ``"test"``, ascending.

        Parameters
        ----------
        train_share
            The share of documents (by hash) that is for training; the rest is halved.

        Raises
        ------
        ValueError
            If there is none: the corpus is too small to be split.
        """
        if not 0 <= train_share < 1:
            raise ValueError(f"train_share must be in [0, 1), not {train_share}")
        begin, end = {
            "train": (0.0, train_share),
            "calibration": (train_share, (1 + train_share) / 2),
            "test": ((1 + train_share) / 2, 1.0),
        }[name]
        found = [i for i, digest in enumerate(self.digests) if begin <= int(digest[:13], 16) / 16**13 < end]
        if not found:
            raise ValueError(
                f"corpus {self.name} has {len(self.documents)} {self.unit}s, none of which falls in the {name} split: "
                "it needs more"
            )
        return found

    def shuffled(self, name: str, train_share: float, seed: int) -> list[int]:
        """`split` in an order that depends on the seed."""
        return np.random.default_rng([seed, SPLITS.index(name)]).permutation(self.split(name, train_share)).tolist()


def read_corpus(path: str | Path | None) -> Corpus:
    """Read a corpus.

    Parameters
    ----------
    path
        A text file (plain, ``.xz`` or ``.gz``), its documents separated by lines that hold one NUL byte; or
        a folder, each UTF-8 file below it a document; or `None` for the source of the Python standard
        library that runs this, each module a document. A file without separators is cut at line ends into
        sections of about 8,192 characters, since one document cannot be split.

    Raises
    ------
    ValueError
        Naming the path, if it does not exist, is not UTF-8 text, or holds no text.
    """
    if path is None:
        root = Path(sysconfig.get_paths()["stdlib"])
        return _corpus(f"python-{platform.python_version()}-standard-library", _files(root, "*.py"))
    place = Path(path)
    if place.is_dir():
        return _corpus(place.name, _files(place, "*"))
    if not place.is_file():
        raise ValueError(f"corpus {place} is neither a file nor a folder")
    raw = _read(place)
    if SEPARATOR.encode() in raw:
        # Decoded one by one: a single letter beyond the Latin ones would make every character of one text four bytes.
        return _corpus(place.name, (_decode(place, part) for part in raw.split(SEPARATOR.encode())))
    return _corpus(place.name, _sections(_decode(place, raw)), "section")


def _corpus(name: str, texts: Iterator[str], unit: str = "document") -> Corpus:
    documents: dict[str, str] = {}
    for text in texts:
        if text and not text.isspace():
            documents.setdefault(hashlib.sha256(text.encode()).hexdigest(), text)
    if not documents:
        raise ValueError(f"corpus {name} holds no text")
    return Corpus(name, list(documents.values()), list(documents), unit)


def _files(root: Path, pattern: str) -> Iterator[str]:
    """Text of each file below `root` by relative path; what is no UTF-8 text is passed over."""
    found = (path for path in root.rglob(pattern) if path.is_file())
    for path in sorted(found, key=lambda path: path.relative_to(root).parts):
        if {"site-packages", "dist-packages", "__pycache__"} & set(path.relative_to(root).parts):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            yield text


def _read(path: Path) -> bytes:
    """Content of one file, decompressed by its suffix."""
    try:
        if path.suffix == ".xz":
            return lzma.decompress(path.read_bytes())
        if path.suffix == ".gz":
            return gzip.decompress(path.read_bytes())
        return path.read_bytes()
    except (lzma.LZMAError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"corpus {path} is not a complete {path.suffix} file: {error}") from None


def _decode(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"corpus {path} is not UTF-8 text: {error}") from None


def _sections(text: str) -> Iterator[str]:
    """Pieces of at least `SECTION` characters that end at line ends, or of twice as many where no line ends."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + SECTION, begin + 2 * SECTION)
        end = end + 1 if end >= 0 else begin + 2 * SECTION
        yield text[begin:end]
        begin = end
