(** Tokens a target call: the mean of the geometric law cut off at the draft length is the geometric series. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** k accepted and then a rejection, for k < g, emits k + 1 tokens; all g accepted emits g + 1. *)
Definition mean_tokens (a : R) (g : nat) : R :=
  sum g (fun k => INR (S k) * (a ^ k * (1 - a))) + INR (S g) * a ^ g.

Theorem series a g : mean_tokens a g = sum (S g) (fun k => a ^ k).
Proof.
  unfold mean_tokens. induction g as [|g IH]; [simpl; ring|].
  cbn [sum] in *.
  replace (sum g (fun k => INR (S k) * (a ^ k * (1 - a))))
    with (sum g (fun k => a ^ k) + a ^ g - INR (S g) * a ^ g) by (rewrite <- IH; ring).
  rewrite !S_INR. simpl. ring.
Qed.

Theorem closed_form a g : (1 - a) * sum (S g) (fun k => a ^ k) = 1 - a ^ S g.
Proof.
  induction g as [|g IH]; [simpl; ring|].
  cbn [sum] in *. rewrite Rmult_plus_distr_l, IH. simpl. ring.
Qed.
