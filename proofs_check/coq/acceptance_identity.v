(** The probability of acceptance is the overlap of target and proposal, for every n. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** The accept step played out: token t is drafted with probability r t and passes with probability min(1, p t / r t). *)
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
