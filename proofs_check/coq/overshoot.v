(** Putting the drafter's own cold mass on a fixed prior can lower acceptance: by how much, when, and when never. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums local_dominance.
Open Scope R_scope.

Section OneContext.
  Variables (n : nat) (p q r : nat -> R) (cold : nat -> bool) (c : R).
  Hypothesis p_law : law n p.
  Hypothesis q_law : law n q.
  Hypothesis r_law : law n r.
  Hypothesis r_cold : forall t, (t < n)%nat -> cold t = false -> r t = 0.
  Hypothesis c_mass : c = sum n (fun t => if cold t then q t else 0).
  Hypothesis c_range : c < 1.

  (** The drafter q restricted to the kept tokens. *)
  Definition restricted : nat -> R := fun t => if cold t then 0 else q t / (1 - c).

  (** Acceptance at a weight; with weight c the mixture is q on kept tokens. *)
  Definition at_weight (x : R) : R := alpha n p (fun t => (1 - x) * restricted t + x * r t).

  Definition won : R := sum n (fun t => if cold t then Rmin (p t) (c * r t) else 0).
  Definition taken : R := sum n (fun t => if cold t then 0 else Rmin (p t) (restricted t) - Rmin (p t) (q t)).
  Definition missing : R := sum n (fun t => if cold t then 0 else pos (p t - q t)).

  Lemma c_nonneg : 0 <= c.
  Proof.
    rewrite c_mass. apply sum_nonneg. intros t T. assert (0 <= q t) by (apply q_law, T). destruct (cold t); lra.
  Qed.

  Lemma kept_mass : sum n (fun t => if cold t then 0 else q t) = 1 - c.
  Proof.
    rewrite c_mass, <- (proj2 q_law), <- sum_minus. apply sum_ext. intros t _. destruct (cold t); lra.
  Qed.

  Lemma restricted_law : law n restricted.
  Proof.
    assert (0 < / (1 - c)) by (apply Rinv_0_lt_compat; lra). split.
    - intros t T. unfold restricted. destruct (cold t); [lra|]. apply Rmult_le_pos; [apply q_law, T|lra].
    - transitivity (/ (1 - c) * sum n (fun t => if cold t then 0 else q t)).
      + rewrite <- sum_scale. apply sum_ext. intros t _. unfold restricted. destruct (cold t); [ring|unfold Rdiv; ring].
      + rewrite kept_mass. field. lra.
  Qed.

  Lemma restricted_above t : (t < n)%nat -> cold t = false -> q t <= restricted t.
  Proof.
    intros T C. unfold restricted. rewrite C. assert (0 <= q t) by (apply q_law, T). pose proof c_nonneg.
    apply (Rmult_le_reg_r (1 - c)); [lra|]. replace (q t / (1 - c) * (1 - c)) with (q t) by (field; lra).
    assert (0 <= q t * c) by (apply Rmult_le_pos; assumption). lra.
  Qed.

  Lemma own_mixture t : (t < n)%nat -> (1 - c) * restricted t + c * r t = if cold t then c * r t else q t.
  Proof.
    intros T. unfold restricted. destruct (cold t) eqn:C; [ring|]. rewrite (r_cold t T C). field. lra.
  Qed.

  Lemma at_zero : at_weight 0 = alpha n p restricted.
  Proof. apply sum_ext. intros t _. f_equal. ring. Qed.

  Lemma at_own : at_weight c = sum n (fun t => if cold t then Rmin (p t) (c * r t) else Rmin (p t) (q t)).
  Proof. apply sum_ext. intros t T. rewrite (own_mixture t T). destruct (cold t); reflexivity. Qed.

  Theorem gain : at_weight c - at_weight 0 = won - taken.
  Proof.
    rewrite at_zero, at_own. unfold won, taken, alpha. rewrite <- !sum_minus. apply sum_ext. intros t T.
    assert (0 <= p t) by (apply p_law, T). unfold restricted. destruct (cold t); cases.
  Qed.

  (** A target that is the restricted drafter loses the whole cold mass. *)
  Theorem target_on_kept_tokens : 0 < c -> (forall t, (t < n)%nat -> p t = restricted t) ->
    at_weight c = 1 - c /\ at_weight 0 = 1 /\ at_weight c < at_weight 0.
  Proof.
    intros C E.
    assert (at_weight 0 = 1) as Zero.
    { rewrite at_zero, <- (proj2 restricted_law). apply sum_ext. intros t T. rewrite (E t T). cases. }
    assert (at_weight c = 1 - c) as Own; [|repeat split; lra].
    rewrite at_own, <- kept_mass. apply sum_ext. intros t T. rewrite (E t T). destruct (cold t) eqn:K.
    - assert (0 <= c * r t) by (apply Rmult_le_pos; [lra|apply r_law, T]). unfold restricted. rewrite K. cases.
    - pose proof (restricted_above t T K). cases.
  Qed.

  Theorem largest_loss : at_weight 0 - at_weight c <= Rmin c missing - won.
  Proof.
    pose proof gain as G. assert (taken <= c /\ taken <= missing) as [A B]; [split|cases].
    - apply (Rle_trans _ (sum n (fun t => if cold t then 0 else restricted t - q t))).
      + apply sum_le. intros t T. destruct (cold t) eqn:C; [lra|]. pose proof (restricted_above t T C). cases.
      + assert (sum n (fun t => if cold t then 0 else restricted t - q t) =
                sum n restricted - sum n (fun t => if cold t then 0 else q t)) as ->.
        { rewrite <- sum_minus. apply sum_ext. intros t _. unfold restricted. destruct (cold t); ring. }
        rewrite (proj2 restricted_law), kept_mass. lra.
    - apply sum_le. intros t T. destruct (cold t) eqn:C; [lra|]. cases.
  Qed.

  Theorem covered : (forall t, (t < n)%nat -> cold t = false -> p t <= q t) -> at_weight 0 <= at_weight c.
  Proof.
    intros K. assert (missing = 0) as Z.
    { transitivity (sum n (fun _ => 0)); [|apply sum_zero]. apply sum_ext. intros t T.
      destruct (cold t) eqn:C; [reflexivity|]. specialize (K t T C). cases. }
    assert (0 <= won) as W.
    { apply sum_nonneg. intros t T. assert (0 <= p t) by (apply p_law, T). pose proof c_nonneg.
      assert (0 <= c * r t) by (apply Rmult_le_pos; [assumption|apply r_law, T]). destruct (cold t); cases. }
    pose proof largest_loss as L. rewrite Z in L. cases.
  Qed.

  Theorem not_wasted : (forall t, (t < n)%nat -> cold t = true -> c * r t <= p t) -> at_weight 0 <= at_weight c.
  Proof.
    intros K. assert (won = c) as E.
    { transitivity (c * sum n r); [|rewrite (proj2 r_law); ring]. unfold won. rewrite <- sum_scale.
      apply sum_ext. intros t T. destruct (cold t) eqn:C; [specialize (K t T C); cases|rewrite (r_cold t T C); ring]. }
    pose proof largest_loss as L. cases.
  Qed.

  (** The largest weight that loses nothing exists (local_dominance), and c loses iff it is beyond it. *)
  Theorem iff_beyond_safe_weight y :
    0 <= y <= 1 -> (forall x, 0 <= x <= 1 -> (at_weight 0 <= at_weight x <-> x <= y)) ->
    (at_weight c < at_weight 0 <-> y < c).
  Proof. intros _ S. pose proof c_nonneg. specialize (S c). lra. Qed.
End OneContext.

(** The largest weight that loses nothing exists. *)
Theorem safe_weight_exists n p q r cold c :
  exists y, 0 <= y <= 1 /\
    forall x, 0 <= x <= 1 -> (at_weight n p q r cold c 0 <= at_weight n p q r cold c x <-> x <= y).
Proof.
  destruct (largest_safe_weight n (fun _ => 1) p (restricted q cold c) r) as [y [Y H]]; [intros; lra|].
  exists y. split; [exact Y|]. intros x X. rewrite <- (H x X). unfold at_weight, alpha, f.
  assert (forall z, sum n (fun k => 1 * Rmin (p k) ((1 - z) * restricted q cold c k + z * r k)) =
                    sum n (fun t => Rmin (p t) ((1 - z) * restricted q cold c t + z * r t))) as E.
  { intros z. apply sum_ext. intros; ring. }
  rewrite !E. reflexivity.
Qed.

Lemma sum_lt_some n u v : sum n u < sum n v -> exists t, (t < n)%nat /\ u t < v t.
Proof.
  induction n as [|k IH]; simpl; intros H; [lra|].
  destruct (Rlt_dec (u k) (v k)) as [L|L]; [exists k; split; [lia|exact L]|].
  destruct IH as [t [T L']]; [lra|]. exists t. split; [lia|exact L'].
Qed.

(** Some prior on cold tokens loses iff the cold token that wins least wins less than is taken. *)
Theorem iff_for_some_prior (n : nat) (p q : nat -> R) (cold : nat -> bool) (c : R) :
  law n p -> law n q ->
  c = sum n (fun t => if cold t then q t else 0) -> c < 1 -> (exists t, (t < n)%nat /\ cold t = true) ->
  ((exists r, law n r /\ (forall t, (t < n)%nat -> cold t = false -> r t = 0) /\
     at_weight n p q r cold c c < at_weight n p q r cold c 0) <->
   exists t, (t < n)%nat /\ cold t = true /\ Rmin (p t) c < taken n p q cold c).
Proof.
  intros P Q E C _. assert (0 <= c) as C0 by (apply (c_nonneg n q cold c Q E)). split.
  - intros [r [L [K S]]]. pose proof (gain n p q r cold c P K C) as G.
    assert (won n p r cold c < taken n p q cold c) as W by lra.
    assert (sum n (fun t => if cold t then Rmin (p t) (c * r t) else 0) <
            sum n (fun t => r t * taken n p q cold c)) as W'.
    { rewrite (sum_ext n (fun t => r t * taken n p q cold c) (fun t => taken n p q cold c * r t)) by (intros; ring).
      rewrite sum_scale, (proj2 L). unfold won in W. lra. }
    assert (exists t, (t < n)%nat /\ (if cold t then Rmin (p t) (c * r t) else 0) < r t * taken n p q cold c)
      as [t [T H]].
    { apply (sum_lt_some n _ _ W'). }
    exists t. split; [exact T|]. destruct (cold t) eqn:D; [|rewrite (K t T D) in H; lra]. split; [reflexivity|].
    assert (0 <= r t) by (apply L, T). assert (0 <= p t) by (apply P, T).
    assert (r t <= 1) by (rewrite <- (proj2 L); apply sum_term; [apply L|exact T]).
    destruct (Rlt_dec (Rmin (p t) c) (taken n p q cold c)) as [|N]; [assumption|]. exfalso.
    assert (r t * taken n p q cold c <= r t * Rmin (p t) c) by (apply Rmult_le_compat_l; lra).
    assert (r t * Rmin (p t) c <= Rmin (p t) (c * r t)); [|lra].
    assert (0 <= Rmin (p t) c) by cases.
    assert (r t * Rmin (p t) c <= 1 * Rmin (p t) c) by (apply Rmult_le_compat_r; assumption).
    assert (r t * Rmin (p t) c <= r t * c) by (apply Rmult_le_compat_l; [assumption|apply Rmin_r]).
    pose proof (Rmin_l (p t) c). apply Rmin_glb; lra.
  - intros [k [K [D W]]]. exists (point k). split; [apply point_law, K|].
    assert (forall t, (t < n)%nat -> cold t = false -> point k t = 0) as Z.
    { intros t _ F. unfold point. destruct (Nat.eq_dec t k) as [->|]; [congruence|reflexivity]. }
    split; [exact Z|]. pose proof (gain n p q (point k) cold c P Z C) as G.
    assert (won n p (point k) cold c = Rmin (p k) c) as V; [|lra].
    unfold won. transitivity (sum n (fun t => point k t * Rmin (p t) c)); [|apply (sum_point n k (fun t => Rmin (p t)
      c) K)].
    apply sum_ext. intros t T. assert (0 <= p t) by (apply P, T). unfold point. destruct (Nat.eq_dec t k) as [->|].
    + rewrite D, Rmult_1_r, Rmult_1_l. reflexivity.
    + rewrite Rmult_0_r, Rmult_0_l. destruct (cold t); cases.
Qed.

(** The right cold mass on the wrong token: p = (1-c, 0, c, 0), q = (x, 1-c-x, c, 0), all of the prior on the fourth. *)
Definition wrong_target (c : R) : nat -> R := fun t => match t with O => 1 - c | 2%nat => c | _ => 0 end.
Definition wrong_draft (c x : R) : nat -> R :=
  fun t => match t with O => x | 1%nat => 1 - c - x | 2%nat => c | _ => 0 end.
Definition last_two : nat -> bool := fun t => match t with O => false | 1%nat => false | _ => true end.

Theorem right_mass_wrong_token c x : 0 < c < 1 -> 0 < x < 1 - c ->
  law 4 (wrong_target c) /\ law 4 (wrong_draft c x) /\
  sum 4 (fun t => if last_two t then wrong_target c t else 0) = c /\
  sum 4 (fun t => if last_two t then wrong_draft c x t else 0) = c /\
  at_weight 4 (wrong_target c) (wrong_draft c x) (point 3) last_two c c <
  at_weight 4 (wrong_target c) (wrong_draft c x) (point 3) last_two c 0.
Proof.
  intros C X. repeat split;
    try (intros [|[|[|[|t]]]] T; try lia; unfold wrong_target, wrong_draft; simpl; lra);
    try (unfold sum, wrong_target, wrong_draft, last_two; simpl; lra).
  unfold at_weight, restricted, alpha, sum, wrong_target, wrong_draft, last_two, point. simpl.
  replace ((1 - c) * (x / (1 - c))) with x by (field; lra).
  replace ((1 - c) * ((1 - c - x) / (1 - c))) with (1 - c - x) by (field; lra).
  assert (x < x / (1 - c)) as L.
  { apply (Rmult_lt_reg_r (1 - c)); [lra|]. replace (x / (1 - c) * (1 - c)) with x by (field; lra).
    assert (0 < x * c) by (apply Rmult_lt_0_compat; lra). lra. }
  assert (0 < (1 - c - x) / (1 - c)) by (apply Rmult_lt_0_compat; [lra|apply Rinv_0_lt_compat; lra]).
  rewrite !(Rmin_left 0) by lra. rewrite !(Rmin_right c) by lra. rewrite (Rmin_right (1 - c) (x + c * 0)) by lra.
  assert (x + c * 0 < Rmin (1 - c) ((1 - 0) * (x / (1 - c)) + 0 * 0)) by (apply Rmin_glb_lt; lra). lra.
Qed.

(** The largest loss is attained: all that the target emits is kept, and a quarter of the draft is not. *)
Theorem largest_loss_attained :
  at_weight 2 (point 0) (fun t => match t with O => 3 / 4 | _ => / 4 end) (point 1)
    (fun t => match t with O => false | _ => true end) (/ 4) 0 -
  at_weight 2 (point 0) (fun t => match t with O => 3 / 4 | _ => / 4 end) (point 1)
    (fun t => match t with O => false | _ => true end) (/ 4) (/ 4) = / 4.
Proof. unfold at_weight, restricted, alpha, sum, point. simpl. cases. Qed.
