"""Built-in targets that need numpy alone: the samplers of this package."""

from rdk_theory.audit.zoo import CORRECT

_BY_NAME = {entry.adapter.name: entry.adapter for entry in CORRECT}
TOKEN, CHAIN, BLOCK = (_BY_NAME[name] for name in ("verify-token", "verify-chain", "verify-block"))
LAZY, REJECTION, RACE = (_BY_NAME[name] for name in ("pruned-lazy", "pruned-rejection", "pruned-race"))
