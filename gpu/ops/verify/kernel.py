"""Verification of chains in one launch.

All programs stream: of each row of logits, block by block, the maximum and the sum of exponentials. The last program to
arrive of those that share a chain then tests its tokens and draws the next one. It reads single entries and single
blocks, and a whole row again only for a residual that the tries did not find, and for masses in verification by blocks.
"""

from gpu.ops._triton import tl, triton
from gpu.ops.verify.reading import (
    block_weights,
    find,
    gather_parts,
    law_at,
    proposal_at,
    stream_draft,
    stream_target,
    target_at,
)

LOWEST = tl.constexpr(1.1754943508222875e-38)
"""The least normal number of float32, the temperature that stands for 0."""


@triton.jit
def verify_chains(  # type: ignore[no-untyped-def]
    target, target_chain, target_row, draft, draft_chain, draft_row, drafted, accept, last, propose, keep, lengths,
    temperatures, draft_temperatures, floors, weight_step, prior_step,
    position, weight, prior, starts, places, entries, left, right, matrix, scale,
    accepted_out, token_out, acceptance_out, tried_out, fell_back_out,
    tops, sums, draft_tops, draft_sums, parts, topics, arrived,
    size, kept, gamma, tries,
    KIND: tl.constexpr, LOGITS: tl.constexpr, CUT: tl.constexpr, GREEDY: tl.constexpr, AS_BLOCK: tl.constexpr,
    RANK: tl.constexpr, RANKS: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, DRAFT_BLOCKS: tl.constexpr,
    TILE: tl.constexpr, BLOCK_TILE: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """Program ``(chain, row, split)`` streams its share of the row; the last of a chain decides the chain."""
    program = tl.program_id(0)
    split = program % SPLITS
    row = (program // SPLITS) % (gamma + 1)
    chain = (program // SPLITS // (gamma + 1)).to(tl.int64)
    # Rows of one chain may lie more than 2³¹ entries apart.
    target_row, draft_row = tl.cast(target_row, tl.int64), tl.cast(draft_row, tl.int64)
    weight_step, prior_step = tl.cast(weight_step, tl.int64), tl.cast(prior_step, tl.int64)
    length = tl.load(lengths + chain).to(tl.int32)
    heat = tl.load(temperatures + chain)
    cold = heat <= 0
    if GREEDY:
        # So low a temperature leaves weight to the greatest logits alone; which of several is meant is seen later.
        heat = tl.maximum(heat, LOWEST)
    draft_heat = tl.load(draft_temperatures + chain)
    if row <= length:
        at = chain * (gamma + 1) + row
        floor = 0.0
        if CUT:
            floor = tl.load(floors + at)
        stream_target(
            target + chain * target_chain + row * target_row, size, split, SPLITS, heat, floor,
            tops + at * BLOCKS, sums + at * BLOCKS, CUT, BLOCK,
        )  # fmt: skip
    if row < length:
        at = chain * gamma + row
        stream_draft(
            draft + chain * draft_chain + row * draft_row, tl.load(drafted + at), kept, split, SPLITS,
            draft_heat, draft_tops + at * DRAFT_BLOCKS, draft_sums + at * DRAFT_BLOCKS,
            parts + at * DRAFT_BLOCKS * RANKS, left, matrix, scale, KIND, LOGITS, RANK, RANKS, BLOCK, TILE,
        )  # fmt: skip
    # Every thread's stores come before the arrival of its program.
    tl.debug_barrier()
    before = tl.atomic_add(arrived + chain, 1, sem="acq_rel", scope="gpu")
    if before == (gamma + 1) * SPLITS - 1:
        # Zero again for the next launch.
        tl.store(arrived + chain, 0)
        targets = (
            target + chain * target_chain, target_row, tops + chain * (gamma + 1) * BLOCKS,
            sums + chain * (gamma + 1) * BLOCKS, size, heat, floors + chain * (gamma + 1), cold,
        )  # fmt: skip
        drafts = (
            draft + chain * draft_chain, draft_row, draft_tops + chain * gamma * DRAFT_BLOCKS,
            draft_sums + chain * gamma * DRAFT_BLOCKS, parts + chain * gamma * DRAFT_BLOCKS * RANKS,
            topics + chain * gamma * RANKS, kept, draft_heat, drafted + chain * gamma, weight_step, prior_step,
        )  # fmt: skip
        form = (
            position, weight + chain * gamma * weight_step, prior + chain * gamma * prior_step, starts, places, entries,
            right, matrix, scale,
        )  # fmt: skip
        accepted, reached = count(
            targets, drafts, form, drafted + chain * gamma, accept + chain * gamma, acceptance_out + chain * gamma,
            length, gamma, KIND, LOGITS, CUT, GREEDY, AS_BLOCK, RANK, RANKS, BLOCK, BLOCKS, DRAFT_BLOCKS,
            TILE, BLOCK_TILE,
        )  # fmt: skip
        token, tried, fell_back = next_token(
            targets, drafts, form, tl.load(last + chain), propose + chain * tries, keep + chain * tries, tries,
            accepted, reached, length, KIND, LOGITS, CUT, GREEDY, RANK, RANKS, BLOCK, BLOCKS, DRAFT_BLOCKS, TILE,
            BLOCK_TILE,
        )  # fmt: skip
        tl.store(accepted_out + chain, accepted)
        tl.store(token_out + chain, token)
        tl.store(tried_out + chain, tried)
        tl.store(fell_back_out + chain, fell_back)


@triton.jit
def target_source(targets, row, CUT: tl.constexpr, GREEDY: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    """A row of the target as `reading` takes it, and the weights of its blocks."""
    start, stride, tops, sums, size, heat, floors, cold = targets
    top, _, weight = block_weights(tops + row * BLOCKS, sums + row * BLOCKS, size, heat, BLOCK, BLOCKS)
    floor = 0.0
    if CUT:
        floor = tl.load(floors + row)
    line, total = start + row * stride, tl.sum(weight, axis=0)
    only = tl.full([], -1, tl.int32)
    if GREEDY:
        # The first token with weight: of those that tie, the one of the lowest id.
        first = tl.full([], 0.0, tl.float64)
        if cold:
            only = draw_target(first, (line, size, heat, top, total, floor, only), weight, CUT, False, BLOCK, BLOCKS)
    return (line, size, heat, top, total, floor, only), weight


@triton.jit
def draft_source(  # type: ignore[no-untyped-def]
    drafts, form, row, KIND: tl.constexpr, LOGITS: tl.constexpr, RANKS: tl.constexpr, BLOCK: tl.constexpr,
    DRAFT_BLOCKS: tl.constexpr,
):  # fmt: skip
    """A row of the draft, and the form of the kernel with the products that were streamed with that row."""
    start, stride, tops, sums, parts, topics, kept, heat, drafted, weight_step, prior_step = drafts
    position, theta, prior, starts, places, entries, right, matrix, scale = form
    line, products = start + row * stride, topics + row * RANKS
    if KIND == 6:
        top, total = tl.full([], 0.0, tl.float64), tl.full([], 1.0, tl.float64)
        products = tl.load(drafted + row).to(tl.int32)
    else:
        at = row * DRAFT_BLOCKS
        top, _, weight = block_weights(tops + at, sums + at, kept, heat, BLOCK, DRAFT_BLOCKS)
        total = tl.sum(weight, axis=0)
        if KIND == 3 or KIND == 5:
            product = gather_parts(parts + at * RANKS, tops + at, top, heat, total, kept, BLOCK, DRAFT_BLOCKS, RANKS)
            tl.store(products + tl.arange(0, RANKS), product)
            tl.debug_barrier()
        if KIND == 4:
            products = gather_parts(parts + at, tops + at, top, heat, total, kept, BLOCK, DRAFT_BLOCKS, 1)
    if KIND == 1:
        theta, prior = theta + row * weight_step, prior + row * prior_step
    source = (line, kept, heat, top, total, 0.0)
    return source, (position, theta, prior, starts, places, entries, right, matrix, scale, products)


@triton.jit
def pair_at(  # type: ignore[no-untyped-def]
    token, target, draft, form, DRAFTED: tl.constexpr, KIND: tl.constexpr, LOGITS: tl.constexpr, CUT: tl.constexpr,
    GREEDY: tl.constexpr, RANK: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """``p`` and ``p̃`` at one token, in float64; a dense kernel's ``p̃`` at the drafted token was streamed."""
    one = tl.arange(0, 1) + token
    p = target_at(target, one, one >= 0, CUT, GREEDY, tl.float64)
    if DRAFTED and KIND == 4:
        r = form[9]
    else:
        r = proposal_at(one, one >= 0, draft, form, KIND, LOGITS, RANK, 1, TILE, tl.float64)
    return tl.sum(p, axis=0), tl.sum(r, axis=0)


@triton.jit
def excess(  # type: ignore[no-untyped-def]
    block, scale, target, draft, form, KIND: tl.constexpr, LOGITS: tl.constexpr, CUT: tl.constexpr,
    GREEDY: tl.constexpr, RANK: tl.constexpr, BLOCK: tl.constexpr, BLOCK_TILE: tl.constexpr,
):  # fmt: skip
    """``(w p − p̃)_+`` over one block: float32 inside, given in float64."""
    token = block * BLOCK + tl.arange(0, BLOCK)
    mask = token < target[1]
    p = target_at(target, token, mask, CUT, GREEDY, tl.float32)
    r = proposal_at(token, mask, draft, form, KIND, LOGITS, RANK, BLOCK, BLOCK_TILE, tl.float32)
    return tl.maximum(scale.to(tl.float32) * p - r, 0.0).to(tl.float64)


@triton.jit
def excess_by_block(  # type: ignore[no-untyped-def]
    scale, target, draft, form, KIND: tl.constexpr, LOGITS: tl.constexpr, CUT: tl.constexpr,
    GREEDY: tl.constexpr, RANK: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, BLOCK_TILE: tl.constexpr,
):  # fmt: skip
    """The mass of ``(w p − p̃)_+`` in each block: one pass over the row."""
    masses = tl.zeros([BLOCKS], tl.float64)
    for block in range(0, tl.cdiv(target[1], BLOCK)):
        values = excess(block, scale, target, draft, form, KIND, LOGITS, CUT, GREEDY, RANK, BLOCK, BLOCK_TILE)
        masses = tl.where(tl.arange(0, BLOCKS) == block, tl.sum(values, axis=0), masses)
    return masses


@triton.jit
def draw_target(  # type: ignore[no-untyped-def]
    uniform, target, block_mass, CUT: tl.constexpr, GREEDY: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr
):
    """A token of ``p`` by inverse CDF: over the blocks, then within one of them."""
    threshold = uniform.to(tl.float64) * tl.sum(block_mass, axis=0)
    block, before = find(block_mass, threshold, BLOCKS)
    token = block * BLOCK + tl.arange(0, BLOCK)
    values = law_at(target, token, token < target[1], True, CUT, tl.float64) * target[4]
    place, _ = find(values, threshold - before, BLOCK)
    drawn = block * BLOCK + place
    if GREEDY:
        drawn = tl.where(target[6] < 0, drawn, target[6])
    return drawn


@triton.jit
def count(  # type: ignore[no-untyped-def]
    targets, drafts, form, drafted, accept, acceptance_out, length, gamma, KIND: tl.constexpr, LOGITS: tl.constexpr,
    CUT: tl.constexpr, GREEDY: tl.constexpr, AS_BLOCK: tl.constexpr, RANK: tl.constexpr, RANKS: tl.constexpr,
    BLOCK: tl.constexpr, BLOCKS: tl.constexpr, DRAFT_BLOCKS: tl.constexpr, TILE: tl.constexpr, BLOCK_TILE: tl.constexpr,
):  # fmt: skip
    """How many tokens of a chain are accepted, and the weight that the residual has then."""
    accepted = tl.full([], 0, tl.int32)
    going = tl.full([], 1, tl.int32)
    scale = tl.full([], 1.0, tl.float64)
    reached = tl.full([], 1.0, tl.float64)
    for i in range(0, length):
        target, _ = target_source(targets, i, CUT, GREEDY, BLOCK, BLOCKS)
        draft, full = draft_source(drafts, form, i, KIND, LOGITS, RANKS, BLOCK, DRAFT_BLOCKS)
        x = tl.load(drafted + i).to(tl.int32)
        p, r = pair_at(x, target, draft, full, True, KIND, LOGITS, CUT, GREEDY, RANK, TILE)
        # What cannot have been drawn is rejected, and reported.
        ratio = tl.where(r > 0, p / tl.where(r > 0, r, 1.0), -1.0)
        tl.store(acceptance_out + i, tl.minimum(ratio, 1.0))
        u = tl.load(accept + i).to(tl.float64)
        if AS_BLOCK:
            scale = tl.minimum(scale * tl.maximum(ratio, 0.0), 1.0)
            passed = (u < scale).to(tl.int32)
            if i + 1 < length:
                after, _ = target_source(targets, i + 1, CUT, GREEDY, BLOCK, BLOCKS)
                draft, full = draft_source(drafts, form, i + 1, KIND, LOGITS, RANKS, BLOCK, DRAFT_BLOCKS)
                masses = excess_by_block(
                    scale, after, draft, full, KIND, LOGITS, CUT, GREEDY, RANK, BLOCK, BLOCKS, BLOCK_TILE
                )
                mass = tl.sum(masses, axis=0)
                passed = (u * (mass + (1 - scale)) < mass).to(tl.int32)
            accepted = tl.where(passed == 1, i + 1, accepted)
            reached = tl.where(passed == 1, scale, reached)
        else:
            going = going & (u < ratio).to(tl.int32)
            accepted = accepted + going
    for i in range(length, gamma):
        tl.store(acceptance_out + i, 0.0)
    return accepted, reached


@triton.jit
def next_token(  # type: ignore[no-untyped-def]
    targets, drafts, form, last, propose, keep, tries, accepted, scale, length,
    KIND: tl.constexpr, LOGITS: tl.constexpr, CUT: tl.constexpr, GREEDY: tl.constexpr, RANK: tl.constexpr,
    RANKS: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, DRAFT_BLOCKS: tl.constexpr, TILE: tl.constexpr,
    BLOCK_TILE: tl.constexpr,
):  # fmt: skip
    """The token after the accepted ones, how many candidates were tried for it, and whether all of them failed."""
    target, block_mass = target_source(targets, accepted, CUT, GREEDY, BLOCK, BLOCKS)
    tried = tl.full([], 0, tl.int32)
    found = tl.full([], 0, tl.int32)
    token = tl.full([], 0, tl.int32)
    if accepted == length:
        token = draw_target(last, target, block_mass, CUT, GREEDY, BLOCK, BLOCKS)
        found = found + 1
    else:
        draft, full = draft_source(drafts, form, accepted, KIND, LOGITS, RANKS, BLOCK, DRAFT_BLOCKS)
        while (tried < tries) & (found == 0):
            token = draw_target(tl.load(propose + tried), target, block_mass, CUT, GREEDY, BLOCK, BLOCKS)
            p, r = pair_at(token, target, draft, full, False, KIND, LOGITS, CUT, GREEDY, RANK, TILE)
            u = tl.load(keep + tried).to(tl.float64)
            found = (u * scale * p < scale * p - r).to(tl.int32)
            tried = tried + 1
        if found == 0:
            masses = excess_by_block(
                scale, target, draft, full, KIND, LOGITS, CUT, GREEDY, RANK, BLOCK, BLOCKS, BLOCK_TILE
            )
            mass = tl.sum(masses, axis=0)
            if mass > 0:
                threshold = last.to(tl.float64) * mass
                block, before = find(masses, threshold, BLOCKS)
                values = excess(block, scale, target, draft, full, KIND, LOGITS, CUT, GREEDY, RANK, BLOCK, BLOCK_TILE)
                place, _ = find(values, threshold - before, BLOCK)
                token = block * BLOCK + place
            else:
                # A residual that rounding has emptied is replaced by the target.
                token = draw_target(last, target, block_mass, CUT, GREEDY, BLOCK, BLOCKS)
    return token, tried, (found == 0).to(tl.int1)
