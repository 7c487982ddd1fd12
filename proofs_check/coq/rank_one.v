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

(** Read by columns: of column j every kept token but one holds the same, and the proposal needs two look-ups. *)
Theorem columns x kept pi i j : rank_one x kept pi i j = x * pi j + (if Nat.eq_dec j (kept i) then 1 - x else 0).
Proof. unfold rank_one, point. destruct (Nat.eq_dec j (kept i)); ring. Qed.

Theorem one_token k x kept pi q i : law k q -> (i < k)%nat ->
  (forall a, (a < k)%nat -> kept a = kept i -> a = i) ->
  moved k q (rank_one x kept pi) (kept i) = (1 - x) * q i + x * pi (kept i).
Proof.
  intros Q I U. rewrite (rank_one_moves k x kept pi q (kept i) Q). f_equal. f_equal.
  unfold embedded, moved. rewrite <- (sum_point k i q I). apply sum_ext. intros a A. unfold point.
  destruct (Nat.eq_dec (kept i) (kept a)) as [E|D], (Nat.eq_dec a i) as [F|G]; try ring.
  - exfalso. apply G, U; [exact A|symmetry; exact E].
  - exfalso. apply D. rewrite F. reflexivity.
Qed.
