(** Some draft length pays iff acceptance exceeds the cost of a draft step; and then one token already does. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums expected_tokens.
Open Scope R_scope.

(** The speed-up exceeds 1 iff tokens exceed cost. *)
Definition pays (a c : R) (g : nat) : Prop := INR g * c + 1 < sum (S g) (fun k => a ^ k).

Lemma series_below a g : 0 <= a <= 1 -> sum (S g) (fun k => a ^ k) <= 1 + INR g * a.
Proof.
  intros A. induction g as [|g IH]; [simpl; lra|].
  cbn [sum] in *. rewrite S_INR.
  assert (a ^ S g <= a); [|lra].
  simpl. rewrite <- (Rmult_1_r a) at 3. apply Rmult_le_compat_l; [lra|].
  clear IH. induction g as [|g IH]; simpl; [lra|].
  assert (0 <= a ^ g) by (apply pow_le; lra).
  assert (a * a ^ g <= 1 * a ^ g) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Theorem gain_iff a c : 0 <= a <= 1 -> ((exists g, (1 <= g)%nat /\ pays a c g) <-> c < a).
Proof.
  intros A. split.
  - intros [g [G P]]. unfold pays in P. pose proof (series_below a g A).
    destruct (Rlt_dec c a) as [|N]; [assumption|]. exfalso.
    assert (INR g * a <= INR g * c) by (apply Rmult_le_compat_l; [apply pos_INR|lra]). lra.
  - intros L. exists 1%nat. split; [lia|]. unfold pays. simpl. lra.
Qed.
