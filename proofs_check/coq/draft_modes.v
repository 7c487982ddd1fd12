(** Sampled or argmax draft, ratio test or exact match: how often each accepts, and how they are ordered. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity no_free_dominance.
Open Scope R_scope.

Lemma law_le_one n p t : law n p -> (t < n)%nat -> p t <= 1.
Proof. intros [P0 P1] T. rewrite <- P1. apply sum_term; assumption. Qed.

(** Probability that independent draws x from r and y from p meet: the sum over all pairs. *)
Definition meeting (n : nat) (p r : nat -> R) : R :=
  sum n (fun x => sum n (fun y => if Nat.eq_dec y x then r x * p y else 0)).

Theorem exact_match n p r : meeting n p r = sum n (fun t => p t * r t).
Proof.
  apply sum_ext. intros x X. rewrite <- (sum_point n x (fun y => p y * r x) X).
  apply sum_ext. intros y _. unfold point. destruct (Nat.eq_dec y x) as [->|]; ring.
Qed.

(** The draft is one token, drafted for certain: with k the likeliest token of r, the argmax draft. *)
Theorem argmax_accepted n p k : law n p -> (k < n)%nat -> accepted n p (point k) = p k.
Proof.
  intros P K. destruct (acceptance_identity n p (point k) P (point_law n k K)) as [-> _].
  rewrite <- (alpha_point n p k P K). unfold alpha. apply sum_ext. intros; apply Rmin_comm.
Qed.

(** m bounds both laws; the best such m is the larger of the two maxima. *)
Theorem exact_match_below_ratio n p r m : law n p -> law n r ->
  (forall t, (t < n)%nat -> p t <= m /\ r t <= m) ->
  meeting n p r <= m * alpha n p r.
Proof.
  intros P Q M. rewrite exact_match. unfold alpha. rewrite <- sum_scale. apply sum_le. intros t T.
  assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T). destruct (M t T) as [Mp Mr].
  unfold Rmin. destruct (Rle_dec (p t) (r t)).
  - rewrite (Rmult_comm m). apply Rmult_le_compat_l; assumption.
  - apply Rmult_le_compat_r; assumption.
Qed.

(** Attained: flat laws. *)
Theorem match_bound_attained : exists p r, law 3 p /\ law 3 r /\
  (forall t, (t < 3)%nat -> p t <= / 3 /\ r t <= / 3) /\ meeting 3 p r = / 3 * alpha 3 p r.
Proof.
  exists (fun _ => / 3), (fun _ => / 3). repeat split; try (intros; lra); try (simpl; lra).
  rewrite exact_match. unfold alpha. simpl. cases.
Qed.

Theorem match_is_ratio_iff n p r : law n p -> law n r ->
  (meeting n p r = alpha n p r <->
   (exists t, (t < n)%nat /\ p t = 1) \/ (exists t, (t < n)%nat /\ r t = 1) \/
   (forall t, (t < n)%nat -> p t * r t = 0)).
Proof.
  intros P Q. rewrite exact_match. split.
  - intros E.
    assert (forall t, (t < n)%nat -> p t * r t <= Rmin (p t) (r t)) as Le.
    { intros t T. assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T).
      pose proof (law_le_one n p t P T). pose proof (law_le_one n r t Q T).
      assert (p t * r t <= p t * 1) by (apply Rmult_le_compat_l; assumption).
      assert (p t * r t <= 1 * r t) by (apply Rmult_le_compat_r; assumption). cases. }
    assert (forall t, (t < n)%nat -> Rmin (p t) (r t) = p t * r t) as Same.
    { intros t T.
      assert (Rmin (p t) (r t) - p t * r t = 0); [|lra].
      apply (sum_zero_terms n (fun u => Rmin (p u) (r u) - p u * r u)); [|unfold alpha in E; rewrite sum_minus;
        lra|exact T].
      intros u U. specialize (Le u U). lra. }
    assert ((exists t, (t < n)%nat /\ p t * r t <> 0) \/ (forall t, (t < n)%nat -> p t * r t = 0)) as [[t [T N]]|Z].
    { clear - P. generalize n. intros k. induction k as [|k [[t [T N]]|Z]].
      - right. intros; lia.
      - left. exists t. split; [lia|exact N].
      - destruct (Req_dec (p k * r k) 0) as [E|N].
        + right. intros t T. destruct (Nat.eq_dec t k) as [->|]; [exact E|apply Z; lia].
        + left. exists k. split; [lia|exact N]. }
    + specialize (Same t T).
      assert (p t <> 0) by (intros Z; rewrite Z in N; lra). assert (r t <> 0) by (intros Z; rewrite Z in N; lra).
      unfold Rmin in Same. destruct (Rle_dec (p t) (r t)).
      * right. left. exists t. split; [exact T|]. apply (Rmult_eq_reg_l (p t)); [lra|assumption].
      * left. exists t. split; [exact T|]. apply (Rmult_eq_reg_r (r t)); [lra|assumption].
    + right. right. exact Z.
  - assert (forall u v, law n u -> law n v -> (exists t, (t < n)%nat /\ u t = 1) ->
            sum n (fun t => u t * v t) = alpha n u v) as One.
    { intros u v U V [k [K E]]. apply sum_ext. intros t T.
      rewrite (row_at_home_is_embedding n u k U K E t T). assert (0 <= v t) by (apply V, T).
      pose proof (law_le_one n v t V T). unfold point. destruct (Nat.eq_dec t k); cases. }
    intros [E|[E|Z]].
    + apply One; assumption.
    + rewrite (sum_ext n _ (fun t => r t * p t)) by (intros; ring). rewrite (One r p Q P E).
      unfold alpha. apply sum_ext. intros; apply Rmin_comm.
    + apply sum_ext. intros t T. assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T).
      rewrite (Z t T). destruct (Rmult_integral _ _ (Z t T)) as [E|E]; rewrite E in *; cases.
Qed.

(** Whatever k; the bound is smallest where k is the likeliest token of r. *)
Theorem argmax_from_above n p r k : law n p -> law n r -> (k < n)%nat -> p k - alpha n p r <= 1 - r k.
Proof.
  intros P Q K.
  assert (Rmin (p k) (r k) <= alpha n p r).
  { apply (sum_term n (fun t => Rmin (p t) (r t))); [|exact K].
    intros t T. assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T). cases. }
  pose proof (law_le_one n p k P K). pose proof (law_le_one n r k Q K). cases.
Qed.

Theorem argmax_from_below n p r k : law n p -> law n r -> (k < n)%nat -> - (1 - r k) <= p k - alpha n p r.
Proof.
  intros P Q K.
  assert (alpha n p r <= sum n (fun t => point k t * p t) + (sum n r - sum n (fun t => point k t * r t))) as B.
  { rewrite <- sum_minus, <- sum_plus. apply sum_le. intros t T. assert (0 <= p t) by (apply P, T).
    assert (0 <= r t) by (apply Q, T). unfold point. destruct (Nat.eq_dec t k); cases. }
  rewrite !sum_point, (proj2 Q) in B by exact K. lra.
Qed.

(** Both are attained: at (1, 0, 0) and (0, 2/3, 1/3) against (1/2, 1/3, 1/6). *)
Theorem argmax_bounds_attained : exists p p' r, law 3 p /\ law 3 p' /\ law 3 r /\
  (forall t, (t < 3)%nat -> r t <= r 0%nat) /\
  p 0%nat - alpha 3 p r = 1 - r 0%nat /\ p' 0%nat - alpha 3 p' r = - (1 - r 0%nat).
Proof.
  exists (point 0), (fun t => match t with O => 0 | 1%nat => 2 / 3 | _ => 1 / 3 end),
    (fun t => match t with O => 1 / 2 | 1%nat => 1 / 3 | _ => 1 / 6 end).
  repeat split; try (apply point_law; lia); try (apply sum_point_one; lia);
    try (intros [|[|[|i]]] I; try lia; unfold point; simpl; lra);
    unfold alpha, sum, point; simpl; cases.
Qed.

(** A target that is sure of k, against any draft that is not. *)
Theorem argmax_can_win n r k : law n r -> (k < n)%nat -> r k < 1 ->
  alpha n (point k) r < accepted n (point k) (point k).
Proof.
  intros Q K L. rewrite (argmax_accepted n _ k (point_law n k K) K), (alpha_point n r k Q K).
  unfold point. destruct (Nat.eq_dec k k); [lra|lia].
Qed.

(** Draft and target agree, and are not sure. *)
Theorem argmax_can_lose n p k : law n p -> (k < n)%nat -> p k < 1 -> accepted n p (point k) < alpha n p p.
Proof.
  intros P K L. rewrite (argmax_accepted n p k P K).
  replace (alpha n p p) with 1; [lra|]. rewrite <- (proj2 P). apply sum_ext. intros t _. cases.
Qed.
