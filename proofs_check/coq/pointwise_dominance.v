(** A proposal that covers the overlap of target and baseline is accepted at least as often. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Theorem pointwise_dominance n p r q :
  (forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) -> alpha n p q <= alpha n p r.
Proof. intros C. apply sum_le. intros t T. specialize (C t T). cases. Qed.

Theorem strict_iff_one_token_gains n p r q :
  (forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) ->
  (alpha n p q < alpha n p r <-> exists t, (t < n)%nat /\ Rmin (p t) (q t) < Rmin (p t) (r t)).
Proof.
  intros C. split.
  - intros L. apply sum_lt_exists in L; [exact L|]. intros t T. specialize (C t T). cases.
  - intros [t [T S]]. apply (sum_lt n _ _ t); [|exact T|exact S]. intros u U. specialize (C u U). cases.
Qed.
