(** Tokens a target call: the mean of the geometric law cut off at the draft length is the geometric series. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity lossless block_verification.
Open Scope R_scope.

(** k accepted and then a rejection, for k < g, emits k + 1 tokens; all g accepted emits g + 1. *)
Definition mean_tokens (a : R) (g : nat) : R :=
  sum g (fun k => INR (S k) * (a ^ k * (1 - a))) + INR (S g) * a ^ g.

Theorem series a g : mean_tokens a g = sum (S g) (fun k => a ^ k).
Proof.
  unfold mean_tokens. induction g as [|g IH]; [simpl; ring|].
  cbn [sum] in *.
  replace (sum g (fun k => INR (S k) * (a ^ k * (1 - a))))
    with (sum g (fun k => a ^ k) + a ^ g - INR (S g) * a ^ g) by (rewrite <- IH; ring).
  rewrite !S_INR. simpl. ring.
Qed.

Theorem closed_form a g : (1 - a) * sum (S g) (fun k => a ^ k) = 1 - a ^ S g.
Proof.
  induction g as [|g IH]; [simpl; ring|].
  cbn [sum] in *. rewrite Rmult_plus_distr_l, IH. simpl. ring.
Qed.

(** Rates that vary between calls help: powers are convex. *)
Lemma tangent x c k : 0 <= x -> 0 <= c -> c ^ S k + INR (S k) * c ^ k * (x - c) <= x ^ S k.
Proof.
  intros X C. induction k as [|k IH]; [simpl; lra|].
  assert (x * (c ^ S k + INR (S k) * c ^ k * (x - c)) <= x * x ^ S k) as M by (apply Rmult_le_compat_l; assumption).
  assert (0 <= INR (S k) * c ^ k * ((x - c) * (x - c))) as Sq.
  { apply Rmult_le_pos; [apply Rmult_le_pos; [apply pos_INR|apply pow_le, C]|apply Rle_0_sqr]. }
  change (x ^ S (S k)) with (x * x ^ S k). change (c ^ S (S k)) with (c * (c * c ^ k)).
  change (c ^ S k) with (c * c ^ k) in *. rewrite (S_INR (S k)). lra.
Qed.

Theorem varying_rates m w a g : law m w -> (forall c, (c < m)%nat -> 0 <= a c) ->
  sum (S g) (fun k => sum m (fun c => w c * a c) ^ k) <= sum m (fun c => w c * sum (S g) (fun k => a c ^ k)).
Proof.
  intros [W0 W1] A. set (mean := sum m (fun c => w c * a c)).
  assert (0 <= mean) as M by (apply sum_nonneg; intros c C; apply Rmult_le_pos; auto).
  rewrite (sum_ext m _ (fun c => sum (S g) (fun k => w c * a c ^ k))) by (intros; rewrite sum_scale; reflexivity).
  rewrite sum_swap. apply sum_le. intros k _. destruct k as [|k].
  - rewrite (sum_ext m _ w) by (intros; simpl; ring). rewrite W1. simpl. lra.
  - assert (sum m (fun c => w c * (mean ^ S k + INR (S k) * mean ^ k * (a c - mean))) <= sum m (fun c => w c * a c ^
    S k)) as L.
    { apply sum_le. intros c C. apply Rmult_le_compat_l; [auto|]. apply tangent; auto. }
    rewrite (sum_ext m (fun c => w c * (mean ^ S k + INR (S k) * mean ^ k * (a c - mean)))
      (fun c => (mean ^ S k - INR (S k) * mean ^ k * mean) * w c + INR (S k) * mean ^ k * (w c * a c))) in L
      by (intros; ring).
    rewrite sum_plus, !sum_scale, W1 in L. fold mean in L. lra.
Qed.

(** One call with laws that depend on the prefix (the latest token first), verified token by token. *)
Theorem one_call n p r g : (forall pre, law n (p pre)) -> (forall pre, law n (r pre)) ->
  length_tokens n p r g nil 0 = products n p r g nil 1.
Proof. intros P Q. apply tokens_accept; assumption. Qed.

(** Rejections over the next j positions, every position drafted: accepted tokens go on, replaced ones count. *)
Section Trajectory.
  Variables (n : nat) (p r : list nat -> nat -> R).
  Hypothesis p_law : forall pre, law n (p pre).
  Hypothesis r_law : forall pre, law n (r pre).

  Fixpoint rejections (j : nat) (pre : list nat) : R :=
    match j with
    | O => 0
    | S j' =>
        sum n (fun x => r pre x * Rmin 1 (p pre x / r pre x) * rejections j' (cons x pre)) +
        (1 - accepted n (p pre) (r pre)) *
        sum n (fun y => residual n (p pre) (r pre) y * (1 + rejections j' (cons y pre)))
    end.

  (** The sum over the target's own trajectories. *)
  Fixpoint distances (j : nat) (pre : list nat) : R :=
    match j with
    | O => 0
    | S j' => TV n (p pre) (r pre) + sum n (fun x => p pre x * distances j' (cons x pre))
    end.

  (** One drafted position, whatever follows costs [u]. *)
  Lemma position pre u :
    sum n (fun x => r pre x * Rmin 1 (p pre x / r pre x) * u x) +
    (1 - accepted n (p pre) (r pre)) * sum n (fun y => residual n (p pre) (r pre) y * (1 + u y)) =
    TV n (p pre) (r pre) + sum n (fun x => p pre x * u x).
  Proof.
    rewrite (rejected_is_deficit n _ _ (p_law pre) (r_law pre)), <- sum_scale.
    rewrite (sum_ext n (fun y => deficit n (p pre) (r pre) * (residual n (p pre) (r pre) y * (1 + u y)))
      (fun y => pos (p pre y - r pre y) + pos (p pre y - r pre y) * u y)).
    - rewrite sum_plus, (TV_under n _ _ (p_law pre) (r_law pre)).
      rewrite <- (Rplus_assoc _ (sum n (fun y => pos (p pre y - r pre y)))).
      rewrite (Rplus_comm _ (sum n (fun y => pos (p pre y - r pre y)))), Rplus_assoc. f_equal.
      rewrite <- sum_plus. apply sum_ext. intros x X.
      rewrite accepted_term by (apply (p_law pre) || apply (r_law pre); exact X).
      rewrite <- Rmult_plus_distr_r. f_equal. cases.
    - intros y Y. rewrite <- Rmult_assoc, (rejected_residual n _ _ y Y). ring.
  Qed.

  Theorem trajectory j : forall pre, rejections j pre = distances j pre.
  Proof.
    induction j as [|j IH]; intros pre; [reflexivity|]. cbn [rejections distances].
    rewrite (position pre (fun x => rejections j (cons x pre))). f_equal. apply sum_ext. intros x _.
    rewrite IH. reflexivity.
  Qed.

  (** With a bonus token after every [block] accepted ones, [d] of which are still to be drafted: its position is not
      drafted, and cannot be rejected. *)
  Fixpoint with_bonus (block j : nat) (pre : list nat) (d : nat) : R :=
    match j with
    | O => 0
    | S j' =>
        match d with
        | O => sum n (fun y => p pre y * with_bonus block j' (cons y pre) block)
        | S d' =>
            sum n (fun x => r pre x * Rmin 1 (p pre x / r pre x) * with_bonus block j' (cons x pre) d') +
            (1 - accepted n (p pre) (r pre)) *
            sum n (fun y => residual n (p pre) (r pre) y * (1 + with_bonus block j' (cons y pre) block))
        end
    end.

  Theorem trajectory_with_bonus block j : forall pre d, with_bonus block j pre d <= distances j pre.
  Proof.
    induction j as [|j IH]; intros pre d; [simpl; lra|].
    assert (0 <= TV n (p pre) (r pre)) as T0.
    { rewrite (TV_under n _ _ (p_law pre) (r_law pre)). apply sum_nonneg. intros; cases. }
    cbn [with_bonus distances]. destruct d as [|d].
    - assert (sum n (fun y => p pre y * with_bonus block j (cons y pre) block) <=
              sum n (fun x => p pre x * distances j (cons x pre))); [|lra].
      apply sum_le. intros y Y. apply Rmult_le_compat_l; [apply (p_law pre), Y|apply IH].
    - rewrite <- (position pre (fun x => distances j (cons x pre))).
      pose proof (rejected_is_deficit n _ _ (p_law pre) (r_law pre)) as E.
      assert (0 <= deficit n (p pre) (r pre)) as D0 by (apply sum_nonneg; intros; cases).
      apply Rplus_le_compat.
      + apply sum_le. intros x X. apply Rmult_le_compat_l; [|apply IH].
        rewrite accepted_term by (apply (p_law pre) || apply (r_law pre); exact X).
        assert (0 <= p pre x) by (apply (p_law pre), X). assert (0 <= r pre x) by (apply (r_law pre), X). cases.
      + rewrite E. rewrite <- !sum_scale. apply sum_le. intros y Y.
        rewrite <- !Rmult_assoc, (rejected_residual n _ _ y Y). apply Rmult_le_compat_l; [cases|].
        pose proof (IH (cons y pre) block). lra.
  Qed.
End Trajectory.
