(** The resolvent kernel against its first-order form, through its fixed-point equation. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums lipschitz.
Open Scope R_scope.

Definition product (n : nat) (X Y : nat -> nat -> R) : nat -> nat -> R := fun i => moved n (X i) Y.

Lemma product_stochastic n X Y : stochastic n n X -> stochastic n n Y -> stochastic n n (product n X Y).
Proof. intros HX HY i I. apply moved_law; [apply HX, I | exact HY]. Qed.

Definition first_order (x : R) (A : nat -> nat -> R) : nat -> nat -> R := fun i j => (1 - x) * point i j + x * A i j.

(** R = (1 - x) I + x R A: what the resolvent (1 - x) (I - x A)^{-1} satisfies. *)
Definition resolvent (n : nat) (x : R) (A R0 : nat -> nat -> R) : Prop :=
  forall i j, (i < n)%nat -> (j < n)%nat -> R0 i j = (1 - x) * point i j + x * product n R0 A i j.

Section Bound.
  Variables (n : nat) (x : R) (A R0 : nat -> nat -> R).
  Hypothesis A_stochastic : stochastic n n A.
  Hypothesis R_stochastic : stochastic n n R0.
  Hypothesis fixed_point : resolvent n x A R0.
  Hypothesis x_range : 0 <= x.

  Lemma moved_point_left i j : (i < n)%nat -> moved n (point i) A j = A i j.
  Proof. intros I. unfold moved. apply (sum_point n i (fun u => A u j) I). Qed.

  (** R - F = x^2 (R A A - A): the first two orders cancel. *)
  Lemma difference i j : (i < n)%nat -> (j < n)%nat ->
    R0 i j - first_order x A i j = x * x * (product n (product n R0 A) A i j - A i j).
  Proof.
    intros I J. rewrite (fixed_point i j I J) at 1. unfold first_order.
    assert (product n R0 A i j = (1 - x) * A i j + x * product n (product n R0 A) A i j) as ->; [|ring].
    unfold product at 1, moved at 1.
    rewrite (sum_ext n _ (fun u => (1 - x) * (point i u * A u j) + x * (product n R0 A i u * A u j))).
    - rewrite sum_plus, !sum_scale. f_equal. f_equal. apply (moved_point_left i j I).
    - intros u U. rewrite (fixed_point i u I U). ring.
  Qed.

  Theorem resolvent_bound i : (i < n)%nat -> TV n (R0 i) (first_order x A i) <= x * x.
  Proof.
    intros I. unfold TV.
    rewrite (sum_ext n _ (fun j => x * x * Rabs (product n (product n R0 A) A i j - A i j))).
    - rewrite sum_scale.
      assert (TV n (product n (product n R0 A) A i) (A i) <= 1) as T.
      { apply TV_le_one; [|apply A_stochastic, I].
        apply product_stochastic; [apply product_stochastic|..]; assumption. }
      unfold TV in T.
      assert (0 <= x * x) by (apply Rmult_le_pos; assumption).
      assert (x * x * (/ 2 * sum n (fun j => Rabs (product n (product n R0 A) A i j - A i j))) <= x * x * 1)
        by (apply Rmult_le_compat_l; assumption).
      lra.
    - intros j J. rewrite (difference i j I J), Rabs_mult. f_equal. apply Rabs_right.
      apply Rle_ge. apply Rmult_le_pos; assumption.
  Qed.

  Theorem acceptance_bound p q : 0 <= x <= 1 -> law n q ->
    Rabs (alpha n p (moved n q R0) - alpha n p (moved n q (first_order x A))) <= x * x.
  Proof.
    intros X Q. assert (stochastic n n (first_order x A)) as F.
    { intros i I. destruct (point_law n i I) as [E0 E1]. destruct (A_stochastic i I) as [A0 A1]. split.
      - intros j J. specialize (E0 j J). specialize (A0 j J). unfold first_order.
        assert (0 <= (1 - x) * point i j) by (apply Rmult_le_pos; [lra|exact E0]).
        assert (0 <= x * A i j) by (apply Rmult_le_pos; lra). lra.
      - unfold first_order. rewrite sum_plus, !sum_scale, A1.
        rewrite E1. ring. }
    eapply Rle_trans; [apply kernel; assumption|].
    rewrite <- (Rmult_1_r (x * x)), <- (proj2 Q), <- sum_scale. apply sum_le. intros i I.
    rewrite (Rmult_comm (x * x)). apply Rmult_le_compat_l; [apply Q, I|apply resolvent_bound, I].
  Qed.
End Bound.

(** The resolvent as the inverse, (I - x A) R = (1 - x) I: its distance from first order, exactly. *)
Theorem exact_distance n x A R0 i : 0 <= x ->
  (forall u j, (u < n)%nat -> (j < n)%nat -> R0 u j - x * product n A R0 u j = (1 - x) * point u j) -> (i < n)%nat ->
  TV n (R0 i) (first_order x A i) = x * x * TV n (A i) (product n A (product n A R0) i).
Proof.
  intros X Inv I. unfold TV. rewrite <- Rmult_assoc, (Rmult_comm (x * x)), Rmult_assoc. f_equal.
  rewrite <- sum_scale. apply sum_ext. intros j J.
  assert (product n A R0 i j = (1 - x) * A i j + x * product n A (product n A R0) i j) as Once.
  { unfold product at 1, moved.
    rewrite (sum_ext n _ (fun u => (1 - x) * (point j u * A i u) + x * (A i u * product n A R0 u j))).
    - rewrite sum_plus, !sum_scale, (sum_point n j (fun u => A i u) J). reflexivity.
    - intros u U. specialize (Inv u j U J). replace (R0 u j) with ((1 - x) * point u j + x * product n A R0 u j) by lra.
      assert (point u j = point j u) as -> by (unfold point; destruct (Nat.eq_dec j u), (Nat.eq_dec u j); lia ||
        reflexivity).
      ring. }
  replace (R0 i j - first_order x A i j) with (- (x * x * (A i j - product n A (product n A R0) i j))).
  - rewrite Rabs_Ropp, Rabs_mult, (Rabs_right (x * x)); [reflexivity|]. apply Rle_ge, Rmult_le_pos; assumption.
  - specialize (Inv i j I J). rewrite Once in Inv. unfold first_order. lra.
Qed.

(** Attained exactly: the chain 0 -> 1 -> 2 -> 2, row 0, for every weight. *)
Definition chain : nat -> nat -> R :=
  fun i => match i with O => point 1 | _ => point 2 end.

Definition chain_resolvent (x : R) : nat -> nat -> R :=
  fun i => match i with
           | O => fun j => (1 - x) * point 0 j + (1 - x) * x * point 1 j + x * x * point 2 j
           | 1%nat => fun j => (1 - x) * point 1 j + x * point 2 j
           | _ => point 2
           end.

Theorem attained x : 0 <= x <= 1 ->
  stochastic 3 3 chain /\ stochastic 3 3 (chain_resolvent x) /\ resolvent 3 x chain (chain_resolvent x) /\
  TV 3 (chain_resolvent x 0) (first_order x chain 0) = x * x.
Proof.
  intros X. assert (0 <= x * x) as XX by (apply Rmult_le_pos; lra).
  assert (0 <= (1 - x) * x) as XY by (apply Rmult_le_pos; lra).
  split; [|split; [|split]].
  - intros i I. destruct i as [|[|[|i]]]; try lia; apply point_law; lia.
  - intros i I. destruct i as [|[|[|i]]]; try lia; [| |apply point_law; lia];
      (split; [intros j J; destruct j as [|[|[|j]]]; try lia; unfold chain_resolvent, point; simpl; lra
              | unfold chain_resolvent, point, sum; simpl; ring]).
  - intros i j I J. unfold product, moved, chain_resolvent, chain, point, sum.
    destruct i as [|[|[|i]]]; try lia; destruct j as [|[|[|j]]]; try lia; simpl; ring.
  - unfold TV, first_order, chain, chain_resolvent, point, sum. simpl.
    replace ((1 - x) * 1 + (1 - x) * x * 0 + x * x * 0 - ((1 - x) * 1 + x * 0)) with 0 by ring.
    replace ((1 - x) * 0 + (1 - x) * x * 1 + x * x * 0 - ((1 - x) * 0 + x * 1)) with (- (x * x)) by ring.
    replace ((1 - x) * 0 + (1 - x) * x * 0 + x * x * 1 - ((1 - x) * 0 + x * 0)) with (x * x) by ring.
    rewrite Rabs_R0, Rabs_Ropp, (Rabs_right (x * x)) by lra. lra.
Qed.
