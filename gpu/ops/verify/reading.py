"""Parts of the compiled verification that read laws: the target's, the draft's, and the proposal's at some tokens.

A row of logits is read as weights over a total: ``exp((z − top)/T) / total``, where `top` and `total` were found by
streaming. Groups of arguments that go through several functions are tuples:

- ``source = (row, size, temperature, top, total, floor)``: one row of the target or of the draft.
- ``form = (position, weight, prior, starts, places, entries, right, matrix, scale, topics)``: see `Columns`.
"""

from gpu.ops._triton import tl, triton


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
def stream(  # type: ignore[no-untyped-def]
    row, size, first, step, temperature, floor, tops, sums, LOGITS: tl.constexpr, CUT: tl.constexpr, BLOCK: tl.constexpr
):
    """Store the top ``z`` of every `step`-th block of a row from the `first`, and the sum of ``exp((z − top)/T)``."""
    lane = tl.arange(0, BLOCK)
    for block in range(first, tl.cdiv(size, BLOCK), step):
        token = block * BLOCK + lane
        if LOGITS:
            z = tl.load(row + token, mask=token < size, other=-float("inf")).to(tl.float32)
            if CUT:
                z = tl.where(z < floor, -float("inf"), z)
            top = tl.max(z, axis=0)
            # A block without a finite logit keeps its top; its weights are those of no token.
            around = tl.where(top == -float("inf"), 0.0, top)
            tl.store(tops + block, top)
            tl.store(sums + block, tl.sum(tl.exp((z - around) / temperature.to(tl.float32)), axis=0))
        else:
            value = tl.load(row + token, mask=token < size, other=0).to(tl.float32)
            tl.store(tops + block, 0.0)
            tl.store(sums + block, tl.sum(value, axis=0))


@triton.jit
def block_weights(tops, sums, size, temperature, BLOCK: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    """The top ``z`` of a row, and the weight of each of its blocks relative to it, in float64."""
    block = tl.arange(0, BLOCKS)
    stored = block < tl.cdiv(size, BLOCK)
    # Written by other programs: past the first cache, which knows nothing of them.
    top = tl.load(tops + block, mask=stored, other=-float("inf"), cache_modifier=".cg").to(tl.float64)
    total = tl.load(sums + block, mask=stored, other=0, cache_modifier=".cg").to(tl.float64)
    most = tl.max(top, axis=0)
    return most, total * tl.exp((top - most) / temperature)


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
    row, _size, temperature, top, total, floor = source
    weight = weights(row + place, mask, temperature, top, floor, LOGITS, CUT, DTYPE)
    return tl.where(mask, weight / total.to(DTYPE), 0.0)


@triton.jit
def topic_weights(draft, left, LOGITS: tl.constexpr, RANK: tl.constexpr, RANKS: tl.constexpr, TILE: tl.constexpr):  # type: ignore[no-untyped-def]
    """``q' L`` of a low-rank kernel, one weight a topic, in float64."""
    kept = draft[1]
    topic = tl.arange(0, RANKS)
    out = tl.zeros([RANKS], tl.float64)
    for start in range(0, kept, TILE):
        place = start + tl.arange(0, TILE)
        q = law_at(draft, place, place < kept, LOGITS, False, tl.float64)
        mask = (place < kept)[:, None] & (topic < RANK)[None, :]
        factor = tl.load(left + place.to(tl.int64)[:, None] * RANK + topic[None, :], mask=mask, other=0)
        out += tl.sum(q[:, None] * factor.to(tl.float64), axis=0)
    return out


@triton.jit
def proposal_at(  # type: ignore[no-untyped-def]
    token, mask, draft, form, KIND: tl.constexpr, LOGITS: tl.constexpr, RANK: tl.constexpr, RANKS: tl.constexpr,
    LENGTH: tl.constexpr, TILE: tl.constexpr, DTYPE: tl.constexpr,
):  # fmt: skip
    """``p̃`` at `LENGTH` tokens, from the draft row and one column of the kernel for each."""
    position, weight, prior, starts, places, entries, right, matrix, scale, topics = form
    kept = draft[1]
    value = tl.zeros([LENGTH], DTYPE)
    if KIND <= 1:
        place = tl.load(position + token, mask=mask, other=-1)
        value = law_at(draft, place, place >= 0, LOGITS, False, DTYPE)
        if KIND == 1:
            theta = tl.load(weight).to(DTYPE)
            value = (1 - theta) * value + theta * tl.load(prior + token, mask=mask, other=0).to(DTYPE)
    elif KIND == 2:
        first = tl.load(starts + token, mask=mask, other=0)
        end = tl.load(starts + token + 1, mask=mask, other=0)
        longest = tl.max(end - first, axis=0).to(tl.int32)
        for start in range(0, longest, TILE):
            entry = first[:, None] + start + tl.arange(0, TILE)[None, :]
            stored = entry < end[:, None]
            place = tl.load(places + entry, mask=stored, other=0)
            q = law_at(draft, place, stored, LOGITS, False, DTYPE)
            value += tl.sum(q * tl.load(entries + entry, mask=stored, other=0).to(DTYPE), axis=1)
    elif KIND == 3:
        topic = tl.arange(0, RANKS)
        inside = mask[:, None] & (topic < RANK)[None, :]
        factor = tl.load(right + token.to(tl.int64)[:, None] * RANK + topic[None, :], mask=inside, other=0)
        value = tl.sum(topics.to(DTYPE)[None, :] * factor.to(DTYPE), axis=1)
    else:
        for start in range(0, kept, TILE):
            place = start + tl.arange(0, TILE)
            q = law_at(draft, place, place < kept, LOGITS, False, DTYPE)
            q = q * tl.load(scale + place, mask=place < kept, other=0).to(DTYPE)
            inside = mask[:, None] & (place < kept)[None, :]
            column = tl.load(matrix + token.to(tl.int64)[:, None] * kept + place[None, :], mask=inside, other=0)
            value += tl.sum(q[None, :] * column.to(DTYPE), axis=1)
    return tl.where(mask, value, 0.0)
