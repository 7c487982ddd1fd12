(** Exact match of a sampled draft never accepts more often than the ratio test. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Lemma law_le_one n p t : law n p -> (t < n)%nat -> p t <= 1.
Proof. intros [P0 P1] T. rewrite <- P1. apply sum_term; assumption. Qed.

Theorem exact_match_below_ratio n p r : law n p -> law n r -> sum n (fun t => p t * r t) <= alpha n p r.
Proof.
  intros P Q. apply sum_le. intros t T.
  assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T).
  pose proof (law_le_one n p t P T). pose proof (law_le_one n r t Q T).
  assert (p t * r t <= p t * 1) by (apply Rmult_le_compat_l; assumption).
  assert (p t * r t <= 1 * r t) by (apply Rmult_le_compat_r; assumption). cases.
Qed.

(** The argmax draft is not ordered with the ratio test. *)
Theorem argmax_can_win : exists p r, law 2 p /\ law 2 r /\ r 1%nat < r 0%nat /\ alpha 2 p r < p 0%nat.
Proof.
  exists (point 0), (fun t => match t with O => 2 / 3 | _ => 1 / 3 end).
  repeat split; try (apply point_law; lia); try (apply sum_point_one; lia);
    try (intros [|[|i]] I; try lia; unfold point; simpl; lra);
    unfold alpha, sum, point; simpl; cases.
Qed.

Theorem argmax_can_lose : exists p r, law 2 p /\ law 2 r /\ r 1%nat < r 0%nat /\ p 0%nat < alpha 2 p r.
Proof.
  exists (point 1), (fun t => match t with O => 2 / 3 | _ => 1 / 3 end).
  repeat split; try (apply point_law; lia); try (apply sum_point_one; lia);
    try (intros [|[|i]] I; try lia; unfold point; simpl; lra);
    unfold alpha, sum, point; simpl; cases.
Qed.
