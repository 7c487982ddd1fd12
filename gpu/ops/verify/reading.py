"""Parts of the compiled verification that read laws: the target's, the draft's, and the proposal's at some tokens.

A row of logits is read as weights over a total: ``exp((z − top)/T) / total``, where `top` and `total` were found by
streaming. Groups of arguments that go through several functions are tuples:

- ``source = (row, size, temperature, top, total, floor)``: one row of the target or of the draft. Of the target there
  is a seventh entry: the one token that has all its mass at temperature 0, and −1 at others.
- ``form = (position, weight, prior, starts, places, entries, right, matrix, scale, products)``: see `Columns`; and what
  was streamed with the draft row: of a kernel of low rank, and of what is backed off, where ``q' L`` lies, of a dense
  one its ``p̃`` at the drafted token.

`KIND` is a kernel's place in `gpu.ops.verify.columns.KINDS`; 6 is a draft that has all its mass on the drafted token,
which then stands for the products.
"""

from gpu.ops._triton import tl, triton

HELD = tl.constexpr(2048)
"""Numbers of a product's parts that are held in registers at once."""


@triton.jit
def weights(at, mask, temperature, top, floor, LOGITS: tl.constexpr, CUT: tl.constexpr, DTYPE: tl.constexpr):  # type: ignore[no-untyped-def]
    """``exp((z − top)/T)`` of logits, 0 below the floor; probabilities as they are. 0 where masked out."""
    if LOGITS:
        z = tl.load(at, mask=mask, other=-float("inf")).to(DTYPE)
        if CUT:
            z = tl.where(z < floor, -float("inf"), z)
        value = tl.exp((z - top.to(DTYPE)) / temperature.to(DTYPE))
    else:
        value = tl.load(at, mask=mask, other=0).to(DTYPE)
    return value


@triton.jit
def stream_block(at, mask, temperature, floor, LOGITS: tl.constexpr, CUT: tl.constexpr):  # type: ignore[no-untyped-def]
    """The top ``z`` of one block, and its ``exp((z − top)/T)``; of probabilities 0, and what they are. In float32."""
    if LOGITS:
        z = tl.load(at, mask=mask, other=-float("inf")).to(tl.float32)
        if CUT:
            z = tl.where(z < floor, -float("inf"), z)
        top = tl.max(z, axis=0)
        # A block without a finite logit keeps its top; its weights are 0.
        around = tl.where(top == -float("inf"), 0.0, top)
        value = tl.exp((z - around) / temperature.to(tl.float32))
    else:
        value = tl.load(at, mask=mask, other=0).to(tl.float32)
        top = tl.sum(value, axis=0) * 0
        around = top
    return value, top, around


@triton.jit
def stream_target(  # type: ignore[no-untyped-def]
    row, size, first, step, temperature, floor, tops, sums, CUT: tl.constexpr, BLOCK: tl.constexpr
):
    """Store the top logit of every `step`-th block of a row from the `first`, and the sum of ``exp((z − top)/T)``."""
    for block in range(first, tl.cdiv(size, BLOCK), step):
        token = block * BLOCK + tl.arange(0, BLOCK)
        value, top, _ = stream_block(row + token, token < size, temperature, floor, True, CUT)
        tl.store(tops + block, top)
        tl.store(sums + block, tl.sum(value, axis=0))


@triton.jit
def stream_draft(  # type: ignore[no-untyped-def]
    row, drafted, kept, first, step, temperature, tops, sums, parts, left, matrix, scale,
    KIND: tl.constexpr, LOGITS: tl.constexpr, RANK: tl.constexpr, RANKS: tl.constexpr, BLOCK: tl.constexpr,
    TILE: tl.constexpr,
):  # fmt: skip
    """As `stream_target`, of a draft row; and what each block adds to a product with the kernel, before normalising.

    Of a dense kernel that is the product with the column of the drafted token, of one of low rank that with ``L``.
    """
    # Nothing of a row is read whose law is all on one token.
    blocks = 0 if KIND == 6 else tl.cdiv(kept, BLOCK)
    for block in range(first, blocks, step):
        place = block * BLOCK + tl.arange(0, BLOCK)
        mask = place < kept
        value, top, around = stream_block(row + place, mask, temperature, 0.0, LOGITS, False)
        tl.store(tops + block, top)
        tl.store(sums + block, tl.sum(value, axis=0))
        if KIND == 3 or KIND == 5:
            topic = tl.arange(0, RANKS)
            total = tl.zeros([RANKS], tl.float32)
            for start in range(0, BLOCK, TILE):
                inner = start + tl.arange(0, TILE)
                near = block * BLOCK + inner
                known = (inner < BLOCK) & (near < kept)
                weight = weights(row + near, known, temperature, around, 0.0, LOGITS, False, tl.float32)
                inside = known[:, None] & (topic < RANK)[None, :]
                factor = tl.load(left + near.to(tl.int64)[:, None] * RANK + topic[None, :], mask=inside, other=0)
                total += tl.sum(weight[:, None] * factor, axis=0)
            tl.store(parts + block * RANKS + topic, total)
        if KIND == 4:
            column = tl.load(matrix + drafted.to(tl.int64) * kept + place, mask=mask, other=0).to(tl.float32)
            factor = tl.load(scale + place, mask=mask, other=0)
            tl.store(parts + block, tl.sum(value * factor * column, axis=0))


@triton.jit
def block_weights(tops, sums, size, temperature, BLOCK: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    """The top ``z`` of a row, what makes the weights of a block relative to it, and their sums then; in float64."""
    block = tl.arange(0, BLOCKS)
    stored = block < tl.cdiv(size, BLOCK)
    # Written by other programs: past the first cache, which knows nothing of them.
    top = tl.load(tops + block, mask=stored, other=-float("inf"), cache_modifier=".cg").to(tl.float64)
    total = tl.load(sums + block, mask=stored, other=0, cache_modifier=".cg").to(tl.float64)
    most = tl.max(top, axis=0)
    factor = tl.exp((top - most) / temperature)
    return most, factor, total * factor


@triton.jit
def find(weight, threshold, LENGTH: tl.constexpr):  # type: ignore[no-untyped-def]
    """The first place whose running sum exceeds the threshold, at most the last with weight; and the sum before it."""
    running = tl.cumsum(weight, axis=0)
    total = tl.max(running, axis=0)
    place = tl.sum((running <= threshold).to(tl.int32), axis=0)
    last = tl.sum((running < total).to(tl.int32), axis=0)
    place = tl.minimum(place, last)
    return place, tl.sum(tl.where(tl.arange(0, LENGTH) < place, weight, 0.0), axis=0)


@triton.jit
def law_at(source, place, mask, LOGITS: tl.constexpr, CUT: tl.constexpr, DTYPE: tl.constexpr):  # type: ignore[no-untyped-def]
    """The probabilities at some places of a row, 0 where masked out."""
    row, temperature, top, total, floor = source[0], source[2], source[3], source[4], source[5]
    weight = weights(row + place, mask, temperature, top, floor, LOGITS, CUT, DTYPE)
    return tl.where(mask, weight / total.to(DTYPE), 0.0)


@triton.jit
def target_at(source, token, mask, CUT: tl.constexpr, GREEDY: tl.constexpr, DTYPE: tl.constexpr):  # type: ignore[no-untyped-def]
    """``p`` at some tokens, 0 where masked out."""
    value = law_at(source, token, mask, True, CUT, DTYPE)
    if GREEDY:
        only = source[6]
        value = tl.where(only < 0, value, (token == only).to(DTYPE))
    return value


@triton.jit
def gather_parts(  # type: ignore[no-untyped-def]
    parts, tops, top, temperature, total, kept, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, RANKS: tl.constexpr
):
    """The product that `stream_draft` left in parts, in float64: ``q' L``, or ``p̃`` at the drafted token.

    In groups of blocks: all parts of a wide kernel at once would take more registers than there are.
    """
    GROUP: tl.constexpr = BLOCKS if BLOCKS * RANKS <= HELD else max(1, HELD // RANKS)
    stored = tl.cdiv(kept, BLOCK)
    topic = tl.arange(0, RANKS)
    out = tl.zeros([RANKS], tl.float64)
    for first in range(0, stored, GROUP):
        block = first + tl.arange(0, GROUP)
        here = tl.load(tops + block, mask=block < stored, other=-float("inf"), cache_modifier=".cg").to(tl.float64)
        factor = tl.exp((here - top) / temperature)
        inside = (block < stored)[:, None] & (topic >= 0)[None, :]
        at = parts + block[:, None] * RANKS + topic[None, :]
        part = tl.load(at, mask=inside, other=0, cache_modifier=".cg").to(tl.float64)
        out += tl.sum(factor[:, None] * part, axis=0)
    return out / total


@triton.jit
def proposal_at(  # type: ignore[no-untyped-def]
    token, mask, draft, form, KIND: tl.constexpr, LOGITS: tl.constexpr, RANK: tl.constexpr,
    LENGTH: tl.constexpr, TILE: tl.constexpr, DTYPE: tl.constexpr,
):  # fmt: skip
    """``p̃`` at `LENGTH` tokens, from the draft row and one column of the kernel for each."""
    position, weight, prior, starts, places, entries, right, matrix, scale, products = form
    kept = draft[1]
    value = tl.zeros([LENGTH], DTYPE)
    if KIND <= 1:
        place = tl.load(position + token, mask=mask, other=-1)
        value = law_at(draft, place, place >= 0, LOGITS, False, DTYPE)
        if KIND == 1:
            theta = tl.load(weight).to(DTYPE)
            value = (1 - theta) * value + theta * tl.load(prior + token, mask=mask, other=0).to(DTYPE)
    elif KIND == 2 or KIND == 5:
        first = tl.load(starts + token, mask=mask, other=0)
        end = tl.load(starts + token + 1, mask=mask, other=0)
        longest = tl.max(end - first, axis=0).to(tl.int32)
        for start in range(0, longest, TILE):
            entry = first[:, None] + start + tl.arange(0, TILE)[None, :]
            stored = entry < end[:, None]
            place = tl.load(places + entry, mask=stored, other=0)
            q = law_at(draft, place, stored, LOGITS, False, DTYPE)
            value += tl.sum(q * tl.load(entries + entry, mask=stored, other=0).to(DTYPE), axis=1)
        if KIND == 5:
            share = tl.load(products).to(DTYPE)
            value += share * tl.load(right + token, mask=mask, other=0).to(DTYPE)
    elif KIND == 3:
        for start in range(0, RANK, TILE):
            topic = start + tl.arange(0, TILE)
            share = tl.load(products + topic, mask=topic < RANK, other=0).to(DTYPE)
            inside = mask[:, None] & (topic < RANK)[None, :]
            factor = tl.load(right + token.to(tl.int64)[:, None] * RANK + topic[None, :], mask=inside, other=0)
            value += tl.sum(share[None, :] * factor.to(DTYPE), axis=1)
        # Factors of a first-order kernel have signs, and what should be 0 may come out below it.
        value = tl.maximum(value, 0.0)
    elif KIND == 6:
        value = (token == products).to(DTYPE)
    else:
        for start in range(0, kept, TILE):
            place = start + tl.arange(0, TILE)
            q = law_at(draft, place, place < kept, LOGITS, False, DTYPE)
            q = q * tl.load(scale + place, mask=place < kept, other=0).to(DTYPE)
            inside = mask[:, None] & (place < kept)[None, :]
            column = tl.load(matrix + token.to(tl.int64)[:, None] * kept + place[None, :], mask=inside, other=0)
            value += tl.sum(q[None, :] * column.to(DTYPE), axis=1)
    return tl.where(mask, value, 0.0)
