(** A bound over all row-stochastic kernels that needs no solver: weak duality of the kernel problem. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** Contexts c < m with weights w c; targets p c over n tokens; drafts q c over k kept tokens; prices s c t
    in [0, 1]. *)
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

  (** What is missing from the bound: price on the wrong side, and mass on tokens that are not worth the most. *)
  Theorem gap M b : stochastic k n M ->
    paid + sum k b - value M =
    sum m (fun c => w c * sum n (fun t => (1 - s c t) * pos (p c t - moved k (q c) M t) +
                                          s c t * pos (moved k (q c) M t - p c t))) +
    sum k (fun i => sum n (fun j => M i j * (b i - worth i j))).
  Proof.
    intros HM.
    assert (sum k (fun i => sum n (fun j => M i j * (b i - worth i j))) =
            sum k b - sum k (fun i => sum n (fun j => M i j * worth i j))) as ->.
    { rewrite <- sum_minus. apply sum_ext. intros i I.
      rewrite (sum_ext n _ (fun j => b i * M i j - M i j * worth i j)) by (intros; ring).
      rewrite sum_minus, sum_scale, (proj2 (HM i I)). ring. }
    rewrite <- exchange. unfold paid, value.
    assert (sum m (fun c => w c * sum n (fun t => (1 - s c t) * p c t)) -
            sum m (fun c => w c * alpha n (p c) (moved k (q c) M)) =
            sum m (fun c => w c * sum n (fun t => (1 - s c t) * pos (p c t - moved k (q c) M t) +
                                                  s c t * pos (moved k (q c) M t - p c t))) -
            sum m (fun c => w c * sum n (fun t => s c t * moved k (q c) M t))) as E; [|lra].
    rewrite <- !sum_minus. apply sum_ext. intros c C. rewrite <- !Rmult_minus_distr_l. f_equal.
    unfold alpha. rewrite <- !sum_minus. apply sum_ext. intros t T. set (y := moved k (q c) M t).
    assert (pos (p c t - y) = p c t - Rmin (p c t) y) as -> by cases.
    assert (pos (y - p c t) = y - Rmin (p c t) y) as -> by cases. ring.
  Qed.

  Theorem concave M M' x : 0 <= x <= 1 ->
    x * value M + (1 - x) * value M' <= value (fun i j => x * M i j + (1 - x) * M' i j).
  Proof.
    intros X. unfold value. rewrite <- !sum_scale, <- sum_plus. apply sum_le. intros c C.
    pose proof (w_nonneg c C) as W.
    replace (x * (w c * alpha n (p c) (moved k (q c) M)) + (1 - x) * (w c * alpha n (p c) (moved k (q c) M')))
      with (w c * (x * alpha n (p c) (moved k (q c) M) + (1 - x) * alpha n (p c) (moved k (q c) M'))) by ring.
    apply Rmult_le_compat_l; [exact W|]. unfold alpha. rewrite <- !sum_scale, <- sum_plus. apply sum_le. intros t T.
    assert (moved k (q c) (fun i j => x * M i j + (1 - x) * M' i j) t =
            x * moved k (q c) M t + (1 - x) * moved k (q c) M' t) as ->.
    { unfold moved. rewrite <- !sum_scale, <- sum_plus. apply sum_ext. intros; ring. }
    set (a := moved k (q c) M t). set (b := moved k (q c) M' t).
    assert (x * Rmin (p c t) a <= x * p c t) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
    assert (x * Rmin (p c t) a <= x * a) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]).
    assert ((1 - x) * Rmin (p c t) b <= (1 - x) * p c t) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
    assert ((1 - x) * Rmin (p c t) b <= (1 - x) * b) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]).
    apply Rmin_glb; lra.
  Qed.

  (** The restriction itself is a kernel: the best kernel is at least as good. *)
  Theorem at_least_tli M kept : (forall i, (i < k)%nat -> (kept i < n)%nat) ->
    (forall M', stochastic k n M' -> value M' <= value M) -> value (fun i => point (kept i)) <= value M.
  Proof. intros K Best. apply Best. intros i I. apply point_law, K, I. Qed.
End Kernel.

(** Maps from kept tokens to tokens fall short of kernels: one kept token, a target that is sure of none. *)
Theorem deterministic_kernels_fall_short p : law 2 p -> p 0%nat < 1 -> p 1%nat < 1 ->
  exists M, stochastic 1 2 M /\ value 1 1 2 (fun _ => 1) (fun _ => p) (fun _ => point 0) M = 1 /\
  forall j, (j < 2)%nat ->
    value 1 1 2 (fun _ => 1) (fun _ => p) (fun _ => point 0) (fun _ => point j) < 1.
Proof.
  intros P A B. exists (fun _ => p). split; [intros i _; exact P|].
  destruct P as [P0 P1]. pose proof (P0 0%nat ltac:(lia)). pose proof (P0 1%nat ltac:(lia)). simpl in P1.
  split.
  - unfold value, alpha, moved, sum, point. simpl. cases.
  - intros [|[|j]] J; try lia; unfold value, alpha, moved, sum, point; simpl; cases.
Qed.
