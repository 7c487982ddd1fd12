"""What a plan takes for granted, in a line each, so that a reader can object."""

from __future__ import annotations

from rdk_theory.plan.choice import Choice
from rdk_theory.plan.costs import CostModel
from rdk_theory.plan.sources import Predicted

CONTEXTS = (
    "Contexts are those of the captured text; in text that the target writes itself, acceptance may be other, so a "
    "capture should be of the text that is to be decoded."
)
LEFT_OUT = (
    "Left out: the cost of starting a kernel on a device and of reading scattered numbers, the drafter's cache, "
    "the prompt, and every batch but the one that the costs are of."
)


def lines(choice: Choice, found: Predicted, longest: int) -> list[str]:
    """The assumptions of the plan `choice` from `found`, where drafts of up to `longest` tokens were tried."""
    documents = found.documents
    out = [_cost(found.costs), CONTEXTS]
    if documents is None:
        out.append(
            "A draft is accepted with the same chance at every token, independently. Verification is token by token: "
            "as a block no fewer are accepted, but how many more a table of acceptance rates does not tell."
        )
    elif found.follows:
        gap = float(str(choice.rows[0]["text_gap"]))
        out.append(
            f"Consecutive contexts were followed through the text, which stands for text of the target's own: the best "
            f"kernel's acceptance is {abs(gap):.1%} {'higher' if gap > 0 else 'lower'} at the text's tokens "
            f"than at the target's, and the level was set by the latter."
        )
    else:
        out.append(
            "Drafts are accepted independently at each token, since too few captured contexts follow one another "
            "(capture with --per-document at least --context-length to follow them); so is the gain of block "
            "verification that of independent contexts."
        )
    out.append(LEFT_OUT)
    if choice.optimism is not None:
        out.append(
            f"The best of {choice.settings:,} settings was chosen on the {documents:,} documents that it is measured "
            f"on, which flatters it by about {max(choice.optimism, 0):.4f}; kernels were fitted on others."
        )
    out += _edges(choice, longest)
    return out


def _cost(costs: CostModel) -> str:
    text = f"A draft step of a head of K rows costs {costs.draft:.4g} + {costs.head:.4g} K/|D| target steps"
    text += (
        ", and a call of the target on a whole draft one step"
        if costs.position == 0
        else f", and each drafted token adds {costs.position:.4g} to the target's call"
    )
    if costs.width is not None:
        text += "; numbers of a kernel cost what numbers of the head do"
    elif not costs.kernels:
        text += "; numbers that a kernel reads are not counted, since the head's width was not given"
    else:
        text += "; of kernels, only the costs that were given are counted"
    return text + "."


def _edges(choice: Choice, longest: int) -> list[str]:
    best = choice.rows[0]
    if not best["best"]:
        return []
    out = []
    if best["draft"] == longest:
        out.append(f"{longest} is the longest draft that was tried: a longer one may be faster.")
    sizes = sorted({int(str(row["kept"])) for row in choice.rows if row["kernel"] != "unpruned"})
    if best["kernel"] != "unpruned" and len(sizes) > 1 and best["kept"] == sizes[0]:
        out.append(f"{sizes[0]:,} is the smallest kept size that was tried: a smaller one may be faster.")
    return out
