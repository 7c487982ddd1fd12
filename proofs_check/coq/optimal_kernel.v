(** A bound over all row-stochastic kernels that needs no solver: weak duality of the kernel problem. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** Contexts c < m with weights w c; targets p c over n tokens; drafts q c over k kept tokens; prices s c t in [0, 1]. *)
Section Kernel.
  Variables (m k n : nat) (w : nat -> R) (p q s : nat -> nat -> R).
  Hypothesis w_nonneg : forall c, (c < m)%nat -> 0 <= w c.
  Hypothesis p_law : forall c, (c < m)%nat -> law n (p c).
  Hypothesis q_law : forall c, (c < m)%nat -> law k (q c).
  Hypothesis s_range : forall c t, (c < m)%nat -> (t < n)%nat -> 0 <= s c t <= 1.

  Definition value (M : nat -> nat -> R) : R := sum m (fun c => w c * alpha n (p c) (moved k (q c) M)).

  (** What draft token i is worth at target token j. *)
  Definition worth (i j : nat) : R := sum m (fun c => w c * (q c i * s c j)).

  Definition paid : R := sum m (fun c => w c * sum n (fun t => (1 - s c t) * p c t)).

  Lemma overlap_below_price c M : (c < m)%nat -> stochastic k n M ->
    alpha n (p c) (moved k (q c) M) <=
    sum n (fun t => (1 - s c t) * p c t) + sum n (fun t => s c t * moved k (q c) M t).
  Proof.
    intros C HM. unfold alpha. rewrite <- sum_plus. apply sum_le. intros t T.
    destruct (s_range c t C T) as [S0 S1].
    set (x := p c t). set (y := moved k (q c) M t).
    assert ((1 - s c t) * Rmin x y <= (1 - s c t) * x) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
    assert (s c t * Rmin x y <= s c t * y) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]).
    lra.
  Qed.

  (** The bilinear part, row by row. *)
  Lemma exchange M :
    sum m (fun c => w c * sum n (fun t => s c t * moved k (q c) M t)) =
    sum k (fun i => sum n (fun j => M i j * worth i j)).
  Proof.
    transitivity (sum m (fun c => sum k (fun i => sum n (fun j => M i j * (w c * (q c i * s c j)))))).
    - apply sum_ext. intros c C. unfold moved. rewrite sum_swap, <- sum_scale. apply sum_ext.
      intros t T. rewrite <- sum_scale.
      rewrite <- sum_scale. apply sum_ext. intros i I. ring.
    - rewrite sum_swap. apply sum_ext. intros i I. rewrite sum_swap. apply sum_ext. intros j J.
      unfold worth. rewrite <- sum_scale. reflexivity.
  Qed.

  (** b i is any bound on the worth of row i; its best choice is the maximum over j. *)
  Theorem dual_bound M b : stochastic k n M ->
    (forall i j, (i < k)%nat -> (j < n)%nat -> worth i j <= b i) ->
    value M <= paid + sum k b.
  Proof.
    intros HM B. unfold value, paid.
    assert (sum m (fun c => w c * alpha n (p c) (moved k (q c) M)) <=
            sum m (fun c => w c * sum n (fun t => (1 - s c t) * p c t)) +
            sum m (fun c => w c * sum n (fun t => s c t * moved k (q c) M t))) as A.
    { rewrite <- sum_plus. apply sum_le. intros c C.
      pose proof (overlap_below_price c M C HM) as O. pose proof (w_nonneg c C) as W.
      rewrite <- Rmult_plus_distr_l. apply Rmult_le_compat_l; assumption. }
    rewrite exchange in A.
    assert (sum k (fun i => sum n (fun j => M i j * worth i j)) <= sum k b); [|lra].
    apply sum_le. intros i I. destruct (HM i I) as [M0 M1].
    rewrite <- (Rmult_1_r (b i)), <- M1, <- sum_scale. apply sum_le. intros j J.
    rewrite Rmult_comm. apply Rmult_le_compat_r; [apply M0, J | apply B; assumption].
  Qed.

  (** Equality in the bound certifies the kernel: no other is better. *)
  Theorem certificate M b : stochastic k n M ->
    (forall i j, (i < k)%nat -> (j < n)%nat -> worth i j <= b i) ->
    value M = paid + sum k b ->
    forall M', stochastic k n M' -> value M' <= value M.
  Proof. intros _ B E M' HM'. rewrite E. apply dual_bound; assumption. Qed.
End Kernel.
