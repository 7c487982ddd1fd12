(** Rejection sampling emits the target's law, whatever the proposal, for every n. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity.
Open Scope R_scope.

(** Mass of the residual before it is normalised. *)
Definition deficit (n : nat) (p r : nat -> R) : R := sum n (fun t => pos (p t - r t)).

Definition residual (n : nat) (p r : nat -> R) : nat -> R := fun t => pos (p t - r t) / deficit n p r.

(** Law of the emitted token: drafted and accepted, or rejected and replaced from the residual. *)
Definition emitted (n : nat) (p r : nat -> R) : nat -> R :=
  fun t => r t * Rmin 1 (p t / r t) + (1 - accepted n p r) * residual n p r t.

Lemma rejected_is_deficit n p r : law n p -> law n r -> 1 - accepted n p r = deficit n p r.
Proof.
  intros P Q. destruct (acceptance_identity n p r P Q) as [-> _].
  rewrite (alpha_under n p r P). unfold deficit. lra.
Qed.

Lemma residual_law n p r : deficit n p r <> 0 -> law n (residual n p r).
Proof.
  intros D. assert (0 <= deficit n p r) by (apply sum_nonneg; intros; cases).
  split.
  - intros t T. unfold residual. apply Rmult_le_pos; [cases|]. left. apply Rinv_0_lt_compat. lra.
  - unfold residual, Rdiv.
    rewrite (sum_ext n _ (fun t => / deficit n p r * pos (p t - r t))) by (intros; lra).
    rewrite sum_scale. fold (deficit n p r). field. exact D.
Qed.

(** The rejected mass times the residual is the positive part, also where nothing is rejected. *)
Lemma rejected_residual n p r t : (t < n)%nat ->
  deficit n p r * residual n p r t = pos (p t - r t).
Proof.
  intros T. unfold residual. destruct (Req_dec (deficit n p r) 0) as [Z|N]; [|field; exact N].
  rewrite Z, Rmult_0_l. symmetry.
  apply (sum_zero_terms n (fun u => pos (p u - r u))); [intros; cases | exact Z | exact T].
Qed.

Theorem lossless n p r : law n p -> law n r -> forall t, (t < n)%nat -> emitted n p r t = p t.
Proof.
  intros P Q t T. unfold emitted. rewrite (rejected_is_deficit n p r P Q), (rejected_residual n p r t T).
  rewrite accepted_term by (apply P || apply Q; exact T). cases.
Qed.
