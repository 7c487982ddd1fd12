(** Finite sums of reals over [0, …, n-1], and what every other file needs of them.

    A law on a vocabulary of n tokens is a function [nat -> R] of which only the first n values matter;
    so every theorem holds for every n, and no extensionality is used. *)

From Coq Require Import Reals Lra Lia.
Open Scope R_scope.

Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S m => sum m f + f m
  end.

Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof.
  induction n as [|n IH]; intros H; simpl; [reflexivity|].
  rewrite IH by (intros; apply H; lia). rewrite (H n) by lia. reflexivity.
Qed.

Lemma sum_le n f g : (forall i, (i < n)%nat -> f i <= g i) -> sum n f <= sum n g.
Proof.
  induction n as [|n IH]; intros H; simpl; [lra|].
  assert (sum n f <= sum n g) by (apply IH; intros; apply H; lia).
  assert (f n <= g n) by (apply H; lia). lra.
Qed.

Lemma sum_plus n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. induction n; simpl; lra. Qed.

Lemma sum_minus n f g : sum n (fun i => f i - g i) = sum n f - sum n g.
Proof. induction n; simpl; lra. Qed.

Lemma sum_scale n c f : sum n (fun i => c * f i) = c * sum n f.
Proof. induction n as [|n IH]; simpl; [|rewrite IH]; lra. Qed.

Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. induction n; simpl; lra. Qed.

Lemma sum_const n c : sum n (fun _ => c) = INR n * c.
Proof. induction n as [|n IH]; [simpl; lra|]. rewrite S_INR. simpl. rewrite IH. lra. Qed.

Lemma sum_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof. intros H. rewrite <- (sum_zero n). apply sum_le, H. Qed.

Lemma sum_swap n m (f : nat -> nat -> R) :
  sum n (fun i => sum m (fun j => f i j)) = sum m (fun j => sum n (fun i => f i j)).
Proof.
  induction n as [|n IH]; simpl.
  - symmetry. apply sum_zero.
  - rewrite IH. rewrite <- sum_plus. reflexivity.
Qed.

(** One term of a sum of non-negative terms is at most the sum. *)
Lemma sum_term n f k : (forall i, (i < n)%nat -> 0 <= f i) -> (k < n)%nat -> f k <= sum n f.
Proof.
  induction n as [|n IH]; intros H K; [lia|]. simpl.
  assert (0 <= f n) by (apply H; lia).
  assert (0 <= sum n f) by (apply sum_nonneg; intros; apply H; lia).
  destruct (Nat.eq_dec k n) as [->|]; [lra|].
  assert (f k <= sum n f) by (apply IH; [intros; apply H|]; lia). lra.
Qed.

(** A sum of non-negative terms is 0 only if each is. *)
Lemma sum_zero_terms n f :
  (forall i, (i < n)%nat -> 0 <= f i) -> sum n f = 0 -> forall i, (i < n)%nat -> f i = 0.
Proof.
  intros H Z i I. assert (f i <= sum n f) by (apply sum_term; assumption).
  assert (0 <= f i) by (apply H, I). lra.
Qed.

(** Termwise ≤ sums to < iff one term is strict. *)
Lemma sum_lt n f g k :
  (forall i, (i < n)%nat -> f i <= g i) -> (k < n)%nat -> f k < g k -> sum n f < sum n g.
Proof.
  intros H K L.
  assert (g k - f k <= sum n (fun i => g i - f i)) as T.
  { apply (sum_term n (fun i => g i - f i)); [intros i I; specialize (H i I); lra | assumption]. }
  rewrite sum_minus in T. lra.
Qed.

Lemma sum_lt_exists n f g :
  (forall i, (i < n)%nat -> f i <= g i) -> sum n f < sum n g -> exists k, (k < n)%nat /\ f k < g k.
Proof.
  induction n as [|n IH]; simpl; intros H L; [lra|].
  assert (f n <= g n) by (apply H; lia).
  destruct (Rlt_dec (f n) (g n)) as [S|S]; [exists n; split; [lia|assumption]|].
  destruct IH as [k [K T]]; [intros; apply H; lia | lra | exists k; split; [lia|assumption]].
Qed.

(** The indicator of token [k] picks one term. *)
Definition point (k : nat) : nat -> R := fun i => if Nat.eq_dec i k then 1 else 0.

Lemma sum_point n k f : (k < n)%nat -> sum n (fun i => point k i * f i) = f k.
Proof.
  induction n as [|n IH]; intros K; [lia|]. simpl. unfold point at 2.
  destruct (Nat.eq_dec n k) as [->|D].
  - assert (sum k (fun i => point k i * f i) = 0) as ->.
    { rewrite <- (sum_zero k). apply sum_ext. intros i I. unfold point.
      destruct (Nat.eq_dec i k); [lia|lra]. }
    lra.
  - rewrite IH by lia. lra.
Qed.

Lemma sum_point_one n k : (k < n)%nat -> sum n (point k) = 1.
Proof.
  intros K. rewrite <- (sum_point n k (fun _ => 1) K). apply sum_ext. intros; lra.
Qed.

(** Laws, positive part, acceptance and total variation. *)
Definition law (n : nat) (p : nat -> R) : Prop := (forall i, (i < n)%nat -> 0 <= p i) /\ sum n p = 1.

Definition pos (x : R) : R := Rmax x 0.

Definition alpha (n : nat) (p r : nat -> R) : R := sum n (fun t => Rmin (p t) (r t)).

Definition TV (n : nat) (p r : nat -> R) : R := / 2 * sum n (fun t => Rabs (p t - r t)).

(** The law moved by a kernel: [(q M) j], rows [i < k]. *)
Definition moved (k : nat) (q : nat -> R) (M : nat -> nat -> R) : nat -> R :=
  fun j => sum k (fun i => q i * M i j).

Definition stochastic (k n : nat) (M : nat -> nat -> R) : Prop := forall i, (i < k)%nat -> law n (M i).

Lemma point_law n k : (k < n)%nat -> law n (point k).
Proof.
  intros K. split; [|apply sum_point_one, K].
  intros i _. unfold point. destruct (Nat.eq_dec i k); lra.
Qed.

Lemma moved_law k n q M : law k q -> stochastic k n M -> law n (moved k q M).
Proof.
  intros [Q0 Q1] HM. split.
  - intros j J. apply sum_nonneg. intros i I. apply Rmult_le_pos; [apply Q0, I|].
    destruct (HM i I) as [M0 _]. apply M0, J.
  - unfold moved. rewrite sum_swap. rewrite <- Q1. apply sum_ext. intros i I.
    rewrite sum_scale. destruct (HM i I) as [_ ->]. lra.
Qed.

(** Case analysis on every min, max and absolute value in sight. *)
Ltac cases :=
  unfold pos, Rmin, Rmax, Rabs in *;
  repeat (match goal with
          | |- context [Rle_dec ?a ?b] => destruct (Rle_dec a b)
          | |- context [Rcase_abs ?a] => destruct (Rcase_abs a)
          | H : context [Rle_dec ?a ?b] |- _ => destruct (Rle_dec a b)
          | H : context [Rcase_abs ?a] |- _ => destruct (Rcase_abs a)
          end); try lra.

Lemma law_over_under n p r : law n p -> law n r ->
  sum n (fun t => pos (p t - r t)) = sum n (fun t => pos (r t - p t)).
Proof.
  intros [_ P] [_ R0].
  assert (sum n (fun t => pos (p t - r t)) - sum n (fun t => pos (r t - p t)) = 0) as E; [|lra].
  rewrite <- sum_minus. transitivity (sum n (fun t => p t - r t)).
  - apply sum_ext. intros t _. cases.
  - rewrite sum_minus. lra.
Qed.

Lemma alpha_under n p r : law n p -> alpha n p r = 1 - sum n (fun t => pos (p t - r t)).
Proof.
  intros [_ P]. rewrite <- P. unfold alpha. rewrite <- sum_minus. apply sum_ext. intros t _. cases.
Qed.

Lemma alpha_over n p r : law n r -> alpha n p r = 1 - sum n (fun t => pos (r t - p t)).
Proof.
  intros [_ P]. rewrite <- P. unfold alpha. rewrite <- sum_minus. apply sum_ext. intros t _. cases.
Qed.

Lemma TV_under n p r : law n p -> law n r -> TV n p r = sum n (fun t => pos (p t - r t)).
Proof.
  intros P R0. unfold TV.
  assert (sum n (fun t => Rabs (p t - r t)) =
          sum n (fun t => pos (p t - r t)) + sum n (fun t => pos (r t - p t))) as ->.
  { rewrite <- sum_plus. apply sum_ext. intros t _. cases. }
  rewrite <- (law_over_under n p r P R0). lra.
Qed.

Lemma TV_le_one n p r : law n p -> law n r -> TV n p r <= 1.
Proof.
  intros P R0. rewrite (TV_under n p r P R0). destruct P as [P0 P1], R0 as [R0 R1]. rewrite <- P1.
  apply sum_le. intros t T. specialize (P0 t T). specialize (R0 t T). cases.
Qed.

Lemma TV_sym n p r : TV n p r = TV n r p.
Proof. unfold TV. f_equal. apply sum_ext. intros t _. cases. Qed.

Lemma TV_ext n p p' r r' :
  (forall i, (i < n)%nat -> p i = p' i) -> (forall i, (i < n)%nat -> r i = r' i) -> TV n p r = TV n p' r'.
Proof. intros P R0. unfold TV. f_equal. apply sum_ext. intros t T. rewrite (P t T), (R0 t T). reflexivity. Qed.
