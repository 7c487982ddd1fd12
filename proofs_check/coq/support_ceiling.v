(** A proposal cannot be accepted more often than the target visits the proposal's support. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** Mass of p on a set of tokens given by a boolean. *)
Definition mass (n : nat) (p : nat -> R) (H : nat -> bool) : R := sum n (fun t => if H t then p t else 0).

Theorem support_ceiling n p r H : law n p ->
  (forall t, (t < n)%nat -> H t = false -> r t = 0) -> alpha n p r <= mass n p H.
Proof.
  intros P S. apply sum_le. intros t T. assert (0 <= p t) by (apply P, T).
  destruct (H t) eqn:E; [cases|]. rewrite (S t T E). cases.
Qed.

(** Equality iff the proposal covers the target on its support. *)
Theorem ceiling_attained_iff n p r H : law n p -> law n r ->
  (forall t, (t < n)%nat -> H t = false -> r t = 0) ->
  (alpha n p r = mass n p H <-> forall t, (t < n)%nat -> H t = true -> p t <= r t).
Proof.
  intros P Q S. split.
  - intros E t T I. destruct (Rle_dec (p t) (r t)) as [|N]; [assumption|]. exfalso.
    assert (alpha n p r < mass n p H); [|lra].
    apply (sum_lt n _ _ t); [|exact T|rewrite I; cases].
    intros u U. assert (0 <= p u) by (apply P, U).
    destruct (H u) eqn:F; [cases|]. rewrite (S u U F). cases.
  - intros C. apply sum_ext. intros t T. assert (0 <= p t) by (apply P, T).
    destruct (H t) eqn:E; [specialize (C t T E); cases|]. rewrite (S t T E). cases.
Qed.
