(** Where the gain of one proposal over another comes from. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** [won - lost], token by token: under-covered tokens may win, the others may lose. *)
Definition gain_term (p r q : R) : R :=
  if Rlt_dec q p then Rmin p r - q else - pos (p - r).

Theorem gain_identity n p r q :
  alpha n p r - alpha n p q = sum n (fun t => gain_term (p t) (r t) (q t)).
Proof.
  unfold alpha. rewrite <- sum_minus. apply sum_ext. intros t _. unfold gain_term.
  destruct (Rlt_dec (q t) (p t)); cases.
Qed.
