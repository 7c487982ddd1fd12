"""Captures: what a target and a drafter said in contexts of real text, in a folder that is read without either.

A capture holds rows of three kinds, and all three answer the same questions:

``rows``    logits of both models, as they came out;
``heads``   last hidden states and the matrices that turn them into logits, for vocabularies whose rows do not fit;
``counts``  two count models and the contexts.

The folder has ``capture.json`` (what it is, and the SHA-256 of its shards), the shards, and beside them the
drafter's head, the token counts of the training documents and the tokens shared, where these exist. Nothing
in it is code.
"""

from rdk_theory.captures.base import CALIBRATION, TEST, Capture
from rdk_theory.captures.kinds import open_capture

__all__ = ["CALIBRATION", "TEST", "Capture", "open_capture"]
