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
