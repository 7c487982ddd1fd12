(** The rank-one kernel (1 - x) E + x 1 pi^T is stochastic, and moves q to (1 - x) q + x pi. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** [kept i] is the target id of the kept token i. *)
Definition rank_one (x : R) (kept : nat -> nat) (pi : nat -> R) : nat -> nat -> R :=
  fun i j => (1 - x) * point (kept i) j + x * pi j.

(** The draft law on the target's vocabulary. *)
Definition embedded (k : nat) (kept : nat -> nat) (q : nat -> R) : nat -> R := moved k q (fun i => point (kept i)).

Theorem rank_one_stochastic k n x kept pi : 0 <= x <= 1 -> law n pi ->
  (forall i, (i < k)%nat -> (kept i < n)%nat) -> stochastic k n (rank_one x kept pi).
Proof.
  intros X [P0 P1] K i I. specialize (K i I). destruct (point_law n (kept i) K) as [E0 E1]. split.
  - intros j J. unfold rank_one. specialize (E0 j J). specialize (P0 j J).
    assert (0 <= (1 - x) * point (kept i) j) by (apply Rmult_le_pos; lra).
    assert (0 <= x * pi j) by (apply Rmult_le_pos; lra). lra.
  - unfold rank_one. rewrite sum_plus, !sum_scale, E1, P1. lra.
Qed.

Theorem rank_one_moves k x kept pi q j : law k q ->
  moved k q (rank_one x kept pi) j = (1 - x) * embedded k kept q j + x * pi j.
Proof.
  intros [_ Q]. unfold embedded, moved, rank_one.
  rewrite (sum_ext k _ (fun i => (1 - x) * (q i * point (kept i) j) + x * pi j * q i)) by (intros; ring).
  rewrite sum_plus, !sum_scale, Q. ring.
Qed.
