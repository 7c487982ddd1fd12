(** An error in the proposal costs at most its total variation in acceptance. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Theorem lipschitz n p r s : law n r -> law n s -> Rabs (alpha n p r - alpha n p s) <= TV n r s.
Proof.
  intros Q S.
  assert (forall u v, law n u -> law n v -> alpha n p u - alpha n p v <= TV n u v) as H.
  { intros u v U V. rewrite (TV_under n u v U V). unfold alpha. rewrite <- sum_minus.
    apply sum_le. intros t _. cases. }
  apply Rabs_le. split.
  - pose proof (H s r S Q) as E. rewrite (TV_sym n s r) in E. lra.
  - apply H; assumption.
Qed.

(** Sharp: two points and a target that sits on the first. *)
Theorem lipschitz_sharp : exists p r s, law 2 p /\ law 2 r /\ law 2 s /\
  alpha 2 p r - alpha 2 p s = TV 2 r s /\ 0 < TV 2 r s.
Proof.
  exists (point 0), (point 0), (point 1).
  repeat split; try (apply point_law; lia); try (apply sum_point_one; lia);
    try (intros i _; unfold point; destruct (Nat.eq_dec i _); lra);
    unfold alpha, TV, sum, point; simpl; cases.
Qed.

(** Errors on both sides. *)
Lemma alpha_sym n p r : alpha n p r = alpha n r p.
Proof. apply sum_ext. intros; apply Rmin_comm. Qed.

Theorem both_sides n p p' r r' : law n p -> law n p' -> law n r -> law n r' ->
  Rabs (alpha n p r - alpha n p' r') <= TV n p p' + TV n r r'.
Proof.
  intros P P' Q Q'. pose proof (lipschitz n p r r' Q Q') as A. pose proof (lipschitz n r' p p' P P') as B.
  rewrite (alpha_sym n r' p), (alpha_sym n r' p') in B. cases.
Qed.

(** An error in the rows of a kernel. *)
Theorem kernel n k p q M M' : law k q -> stochastic k n M -> stochastic k n M' ->
  Rabs (alpha n p (moved k q M) - alpha n p (moved k q M')) <= sum k (fun i => q i * TV n (M i) (M' i)).
Proof.
  intros Q HM HM'. apply (Rle_trans _ (TV n (moved k q M) (moved k q M'))).
  - apply lipschitz; apply moved_law; assumption.
  - unfold TV. rewrite (sum_ext k _ (fun i => / 2 * sum n (fun t => q i * Rabs (M i t - M' i t))))
      by (intros; rewrite (sum_scale n); ring).
    rewrite sum_scale. apply Rmult_le_compat_l; [lra|]. rewrite sum_swap. apply sum_le. intros t T.
    unfold moved. rewrite <- sum_minus.
    assert (forall u, Rabs (sum k u) <= sum k (fun i => Rabs (u i))) as Tri.
    { intros u. clear. induction k as [|k IH]; simpl; [rewrite Rabs_R0; lra|].
      pose proof (Rabs_triang (sum k u) (u k)). lra. }
    eapply Rle_trans; [apply Tri|]. apply sum_le. intros i I. rewrite <- Rmult_minus_distr_l, Rabs_mult.
    rewrite (Rabs_right (q i)) by (apply Rle_ge, Q, I). lra.
Qed.

(** When the bound is met. *)
Lemma met_iff n p r s : law n r -> law n s ->
  (alpha n p r - alpha n p s = TV n r s <-> forall t, (t < n)%nat -> 0 <= (p t - r t) * (r t - s t)).
Proof.
  intros Q S. rewrite (TV_under n r s Q S). unfold alpha. rewrite <- sum_minus.
  assert (forall t, (Rmin (p t) (r t) - Rmin (p t) (s t) = pos (r t - s t) <-> 0 <= (p t - r t) * (r t - s t))) as Term.
  { intros t. destruct (Req_dec (r t) (s t)) as [->|N].
    - replace ((p t - s t) * (s t - s t)) with 0 by ring. split; [lra|intros _; cases].
    - destruct (Rle_dec (r t) (s t)) as [L|L].
      + split.
        * intros E. assert (p t <= r t) by cases.
          replace ((p t - r t) * (r t - s t)) with ((r t - p t) * (s t - r t)) by ring. apply Rmult_le_pos; lra.
        * intros G. assert (p t <= r t); [|cases]. destruct (Rle_dec (p t) (r t)); [assumption|]. exfalso.
          assert (0 < (p t - r t) * (s t - r t)) by (apply Rmult_lt_0_compat; lra). lra.
      + split.
        * intros E. assert (r t <= p t) by cases. apply Rmult_le_pos; lra.
        * intros G. assert (r t <= p t); [|cases]. destruct (Rle_dec (r t) (p t)); [assumption|]. exfalso.
          assert (0 < (r t - p t) * (r t - s t)) by (apply Rmult_lt_0_compat; lra). lra. }
  split.
  - intros E t T. apply Term.
    assert (pos (r t - s t) - (Rmin (p t) (r t) - Rmin (p t) (s t)) = 0); [|lra].
    apply (sum_zero_terms n (fun u => pos (r u - s u) - (Rmin (p u) (r u) - Rmin (p u) (s u))));
      [intros u U; cases|rewrite (sum_minus n (fun u => pos (r u - s u))); lra|exact T].
  - intros H. apply sum_ext. intros t T. apply Term, H, T.
Qed.

Theorem equality_iff n p r s : law n r -> law n s ->
  (Rabs (alpha n p r - alpha n p s) = TV n r s <->
   (forall t, (t < n)%nat -> 0 <= (p t - r t) * (r t - s t)) \/
   (forall t, (t < n)%nat -> 0 <= (p t - s t) * (s t - r t))).
Proof.
  intros Q S. rewrite <- (met_iff n p r s Q S), <- (met_iff n p s r S Q), (TV_sym n s r).
  assert (0 <= TV n r s).
  { rewrite (TV_under n r s Q S). apply sum_nonneg. intros; cases. }
  unfold Rabs. destruct (Rcase_abs (alpha n p r - alpha n p s)); split; intros; lra.
Qed.
