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

(** Redistribution has no ceiling: the kernel whose every row is the target is always accepted, and no kernel more. *)
Theorem redistribution_has_none k n p q : law n p -> law k q ->
  (exists M, stochastic k n M /\ alpha n p (moved k q M) = 1) /\
  (forall M, stochastic k n M -> alpha n p (moved k q M) <= 1).
Proof.
  intros P Q. split.
  - exists (fun _ => p). split; [intros i _; exact P|]. rewrite <- (proj2 P). apply sum_ext. intros t T.
    assert (moved k q (fun _ => p) t = p t) as ->; [|cases].
    unfold moved. rewrite (sum_ext k _ (fun i => p t * q i)) by (intros; ring). rewrite sum_scale, (proj2 Q). ring.
  - intros M _. rewrite <- (proj2 P). apply sum_le. intros t _. apply Rmin_l.
Qed.
