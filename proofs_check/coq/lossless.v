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

(** A token drafted in two stages, i from q and then x from row i of a kernel, and verified against the mixture. *)
Theorem drafted_and_verified n k p q M : law n p -> law k q -> stochastic k n M -> forall t, (t < n)%nat ->
  sum k (fun i => q i * (M i t * Rmin 1 (p t / moved k q M t))) +
  (1 - sum k (fun i => q i * sum n (fun x => M i x * Rmin 1 (p x / moved k q M x)))) *
    residual n p (moved k q M) t = p t.
Proof.
  intros P Q HM t T. transitivity (emitted n p (moved k q M) t);
    [unfold emitted, accepted|apply (lossless n p _ P (moved_law k n q M Q HM) t T)].
  f_equal; [|f_equal; f_equal].
  - set (z := Rmin 1 (p t / moved k q M t)). unfold moved. rewrite Rmult_comm, <- sum_scale.
    apply sum_ext. intros i I. ring.
  - transitivity (sum k (fun i => sum n (fun x => q i * (M i x * Rmin 1 (p x / moved k q M x))))).
    + apply sum_ext. intros i I. rewrite <- sum_scale. reflexivity.
    + rewrite sum_swap. apply sum_ext. intros x X. set (z := Rmin 1 (p x / moved k q M x)). unfold moved.
      rewrite Rmult_comm, <- sum_scale. apply sum_ext. intros i I. ring.
Qed.

(** A match with a sample of the target: accept x with probability p x, else draw from p without x. *)
Definition matched (n : nat) (p r : nat -> R) : nat -> R :=
  fun t => sum n (fun x => r x * (if Nat.eq_dec x t then p x else (1 - p x) * (p t / (1 - p x)))).

Theorem match_is_lossless n p r : law n p -> law n r -> forall t, (t < n)%nat -> matched n p r t = p t.
Proof.
  intros [P0 P1] [_ Q] t T. unfold matched. transitivity (p t * sum n r); [|rewrite Q; ring].
  rewrite <- sum_scale. apply sum_ext. intros x X. destruct (Nat.eq_dec x t) as [->|D]; [ring|].
  destruct (Req_dec (1 - p x) 0) as [Z|N]; [|field; exact N].
  assert (p t = 0) as ->; [|rewrite Z; ring]. pose proof (P0 t T).
  assert (sum n (fun u => point x u * p u + point t u * p u) <= sum n p) as L.
  { apply sum_le. intros u U. pose proof (P0 u U). unfold point.
    destruct (Nat.eq_dec u x), (Nat.eq_dec u t); try lia; lra. }
  rewrite sum_plus, !sum_point, P1 in L by assumption. lra.
Qed.

(** A drafted token x from r that is verified as if from s: accepted with probability a x, which is min(1, p x / s x)
    where s x is not 0, else replaced from the residual of p and s (from p where that is empty). *)
Definition fall_back (n : nat) (p s : nat -> R) : nat -> R :=
  fun t => if Req_EM_T (deficit n p s) 0 then p t else residual n p s t.

Definition misreported (n : nat) (p r s a : nat -> R) : nat -> R :=
  fun t => r t * a t + (1 - sum n (fun x => r x * a x)) * fall_back n p s t.

Lemma moved_no_further n r s K : stochastic n n K -> TV n (moved n r K) (moved n s K) <= TV n r s.
Proof.
  intros H. unfold TV. apply Rmult_le_compat_l; [lra|].
  apply (Rle_trans _ (sum n (fun t => sum n (fun x => Rabs (r x - s x) * K x t)))).
  - apply sum_le. intros t T. unfold moved. rewrite <- sum_minus.
    assert (forall m u, Rabs (sum m u) <= sum m (fun i => Rabs (u i))) as Tri.
    { intros m u. induction m as [|m IH]; simpl; [rewrite Rabs_R0; lra|].
      pose proof (Rabs_triang (sum m u) (u m)). lra. }
    eapply Rle_trans; [apply Tri|]. apply sum_le. intros x X. rewrite <- Rmult_minus_distr_r, Rabs_mult.
    rewrite (Rabs_right (K x t)) by (apply Rle_ge, (H x X), T). lra.
  - rewrite sum_swap. apply sum_le. intros x X. rewrite sum_scale, (proj2 (H x X)). lra.
Qed.

Theorem misreported_bias n p r s a : law n p -> law n r -> law n s ->
  (forall x, (x < n)%nat -> 0 <= a x <= 1) -> (forall x, (x < n)%nat -> s x <> 0 -> a x = Rmin 1 (p x / s x)) ->
  TV n (misreported n p r s a) p <= TV n r s.
Proof.
  intros P Q S A E. set (L := fall_back n p s).
  assert (0 <= deficit n p s) as D0 by (apply sum_nonneg; intros; cases).
  assert (law n L) as LL.
  { unfold L, fall_back. destruct (Req_EM_T (deficit n p s) 0) as [_|N]; [exact P|].
    split; [intros t T; apply (residual_law n p s N), T|apply (residual_law n p s N)]. }
  set (K := fun x t => point x t * a x + (1 - a x) * L t).
  assert (stochastic n n K) as HK.
  { intros x X. destruct (A x X) as [A0 A1]. destruct (point_law n x X) as [E0 E1]. split.
    - intros t T. unfold K. assert (0 <= point x t * a x) by (apply Rmult_le_pos; [apply E0, T|exact A0]).
      assert (0 <= (1 - a x) * L t) by (apply Rmult_le_pos; [lra|apply LL, T]). lra.
    - unfold K. rewrite sum_plus, sum_scale, (proj2 LL).
      rewrite (sum_ext n _ (fun t => a x * point x t)) by (intros; ring). rewrite sum_scale, E1. ring. }
  assert (forall u, law n u -> forall t, (t < n)%nat ->
            moved n u K t = u t * a t + (1 - sum n (fun x => u x * a x)) * L t) as Image.
  { intros u [_ U] t T. unfold moved, K.
    rewrite (sum_ext n _ (fun x => point t x * (u x * a x) + L t * (u x - u x * a x))).
    - rewrite sum_plus, sum_point, sum_scale, sum_minus, U by exact T. ring.
    - intros x _. unfold point. destruct (Nat.eq_dec t x), (Nat.eq_dec x t); try lia; ring. }
  assert (forall x, (x < n)%nat -> s x * a x = Rmin (p x) (s x)) as Kept.
  { intros x X. destruct (Req_dec (s x) 0) as [Z|N].
    - assert (0 <= p x) by (apply P, X). rewrite Z. cases.
    - rewrite (E x X N). apply accepted_term; [apply P, X|apply S, X]. }
  rewrite (TV_ext n (misreported n p r s a) (moved n r K) p (moved n s K)); [apply moved_no_further, HK| |].
  - intros t T. rewrite (Image r Q t T). reflexivity.
  - intros t T. rewrite (Image s S t T), (Kept t T), (sum_ext n _ (fun x => Rmin (p x) (s x)) Kept).
    fold (alpha n p s). rewrite (alpha_under n p s P). fold (deficit n p s).
    replace (1 - (1 - deficit n p s)) with (deficit n p s) by ring. unfold L, fall_back.
    destruct (Req_EM_T (deficit n p s) 0) as [Z|N].
    + assert (pos (p t - s t) = 0); [|rewrite Z; cases].
      apply (sum_zero_terms n (fun u => pos (p u - s u))); [intros; cases|exact Z|exact T].
    + rewrite (rejected_residual n p s t T). cases.
Qed.
