(** Where the gain of one proposal over another comes from. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity.
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

(** Tokens with p = q may be counted on either side. *)
Theorem ties n p r q :
  alpha n p r - alpha n p q =
  sum n (fun t => if Rle_dec (q t) (p t) then Rmin (p t) (r t) - q t else - pos (p t - r t)).
Proof.
  unfold alpha. rewrite <- sum_minus. apply sum_ext. intros t _. destruct (Rle_dec (q t) (p t)); cases.
Qed.

(** For a draw in two stages, i from q and then x from row i, against i itself. *)
Theorem kernel n k p q M E : law n p -> law k q -> stochastic k n M -> stochastic k n E ->
  accepted n p (moved k q M) - accepted n p (moved k q E) =
  sum n (fun t => gain_term (p t) (moved k q M t) (moved k q E t)).
Proof.
  intros P Q HM HE. rewrite <- gain_identity.
  destruct (acceptance_identity n p (moved k q M) P (moved_law k n q M Q HM)) as [-> _].
  destruct (acceptance_identity n p (moved k q E) P (moved_law k n q E Q HE)) as [-> _]. reflexivity.
Qed.
