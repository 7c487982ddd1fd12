(** The probability of acceptance is the overlap of target and proposal, for every n. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** The accept step played out: token t is drafted with probability r t and passes with probability
    min(1, p t / r t). *)
Definition accepted (n : nat) (p r : nat -> R) : R := sum n (fun t => r t * Rmin 1 (p t / r t)).

Lemma accepted_term (a b : R) : 0 <= a -> 0 <= b -> b * Rmin 1 (a / b) = Rmin a b.
Proof.
  intros A B. destruct (Req_dec b 0) as [->|N].
  - rewrite Rmult_0_l. unfold Rmin. destruct (Rle_dec a 0); lra.
  - assert (b * (a / b) = a) as E by (field; exact N).
    assert (0 < b) as P by lra.
    unfold Rmin. destruct (Rle_dec 1 (a / b)) as [L|L]; destruct (Rle_dec a b) as [M|M].
    + assert (b * 1 <= b * (a / b)) by (apply Rmult_le_compat_l; lra). lra.
    + lra.
    + lra.
    + assert (b * (a / b) < b * 1) by (apply Rmult_lt_compat_l; lra). lra.
Qed.

Theorem acceptance_identity n p r : law n p -> law n r ->
  accepted n p r = alpha n p r /\
  alpha n p r = 1 - TV n p r /\
  alpha n p r = 1 - sum n (fun t => pos (r t - p t)).
Proof.
  intros P Q. repeat split.
  - apply sum_ext. intros t T. apply accepted_term; [apply (proj1 P) | apply (proj1 Q)]; exact T.
  - rewrite (TV_under n p r P Q). apply alpha_under, P.
  - apply alpha_over, Q.
Qed.

(** Certain acceptance, and none. *)
Theorem extremes n p r : law n p -> law n r ->
  (accepted n p r = 1 <-> forall t, (t < n)%nat -> p t = r t) /\
  (accepted n p r = 0 <-> forall t, (t < n)%nat -> p t * r t = 0).
Proof.
  intros P Q. destruct (acceptance_identity n p r P Q) as [-> _].
  assert (forall t, (t < n)%nat -> 0 <= p t /\ 0 <= r t) as S by (intros t T; split; [apply P, T|apply Q, T]).
  split; split.
  - intros E t T. assert (sum n (fun u => pos (r u - p u)) = 0) as Over.
    { pose proof (alpha_over n p r Q). lra. }
    assert (sum n (fun u => pos (p u - r u)) = 0) as Under by (rewrite (law_over_under n p r P Q); exact Over).
    pose proof (sum_zero_terms n (fun u => pos (r u - p u)) ltac:(intros; cases) Over t T).
    pose proof (sum_zero_terms n (fun u => pos (p u - r u)) ltac:(intros; cases) Under t T). cases.
  - intros E. rewrite <- (proj2 P). apply sum_ext. intros t T. rewrite (E t T). cases.
  - intros Z t T. assert (Rmin (p t) (r t) = 0) as M.
    { apply (sum_zero_terms n (fun u => Rmin (p u) (r u))); [|exact Z|exact T].
      intros u U. destruct (S u U). cases. }
    unfold Rmin in M. destruct (Rle_dec (p t) (r t)); rewrite M; ring.
  - intros Z. transitivity (sum n (fun _ => 0)); [|apply sum_zero]. apply sum_ext. intros t T.
    destruct (S t T). destruct (Rmult_integral _ _ (Z t T)) as [E|E]; rewrite E in *; cases.
Qed.
