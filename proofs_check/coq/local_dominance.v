(** Mixing with a prior beats the baseline at some weight iff acceptance rises at weight 0.

    All contexts and tokens are flattened into m terms: term k has weight w k (the probability of its context),
    target mass p k, baseline mass q k and prior mass r k. Nothing but w >= 0 is used. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Section Mixing.
  Variables (m : nat) (w p q r : nat -> R).
  Hypothesis w_nonneg : forall k, (k < m)%nat -> 0 <= w k.

  Definition f (x : R) : R := sum m (fun k => w k * Rmin (p k) ((1 - x) * q k + x * r k)).

  (** Slope of one term right of 0. *)
  Definition rise (k : nat) : R :=
    if Rlt_dec (q k) (p k) then r k - q k
    else if Rlt_dec (p k) (q k) then 0 else Rmin 0 (r k - q k).

  Definition slope : R := sum m (fun k => w k * rise k).

  Lemma term_below k x : 0 <= x ->
    Rmin (p k) ((1 - x) * q k + x * r k) <= Rmin (p k) (q k) + x * rise k.
  Proof.
    intros X. unfold rise. replace ((1 - x) * q k + x * r k) with (q k + x * (r k - q k)) by ring.
    destruct (Rlt_dec (q k) (p k)); [cases|]. destruct (Rlt_dec (p k) (q k)); [cases|].
    assert (p k = q k) as E by lra.
    destruct (Rle_dec 0 (r k - q k)) as [D|D].
    - rewrite (Rmin_left 0) by lra. cases.
    - rewrite (Rmin_right 0) by lra. cases.
  Qed.

  (** f lies below its tangent at 0. *)
  Lemma below_tangent x : 0 <= x -> f x <= f 0 + x * slope.
  Proof.
    intros X. unfold f, slope. rewrite <- sum_scale, <- sum_plus. apply sum_le. intros k K.
    pose proof (term_below k x X) as T. pose proof (w_nonneg k K) as W.
    replace ((1 - 0) * q k + 0 * r k) with (q k) by ring.
    assert (w k * Rmin (p k) ((1 - x) * q k + x * r k) <= w k * (Rmin (p k) (q k) + x * rise k))
      by (apply Rmult_le_compat_l; assumption).
    lra.
  Qed.

  (** Each term is linear up to some weight. *)
  Lemma term_linear k : exists e, 0 < e <= 1 /\ forall x, 0 <= x <= e ->
    Rmin (p k) ((1 - x) * q k + x * r k) = Rmin (p k) (q k) + x * rise k.
  Proof.
    assert (forall x, (1 - x) * q k + x * r k = q k + x * (r k - q k)) as E by (intros; ring).
    assert (forall g d, 0 < g -> exists e, 0 < e <= 1 /\ forall x, 0 <= x <= e -> x * d <= g) as Room.
    { intros g d G. destruct (Rle_dec d g) as [S|S].
      - exists 1. split; [lra|]. intros x X. destruct (Rle_dec d 0).
        + assert (0 <= x * - d) by (apply Rmult_le_pos; lra). lra.
        + assert (x * d <= 1 * d) by (apply Rmult_le_compat_r; lra). lra.
      - assert (0 < d) by lra. assert (0 < / d) by (apply Rinv_0_lt_compat; assumption).
        assert (d * / d = 1) by (field; lra).
        exists (g * / d). split; [split; [apply Rmult_lt_0_compat; lra|]|].
        + assert (g * / d <= d * / d) by (apply Rmult_le_compat_r; lra). lra.
        + intros x X. assert (x * d <= g * / d * d) by (apply Rmult_le_compat_r; lra).
          replace (g * / d * d) with (g * (d * / d)) in * by ring. rewrite H1 in *. lra. }
    unfold rise. destruct (Rlt_dec (q k) (p k)) as [L|L]; [|destruct (Rlt_dec (p k) (q k)) as [G|G]].
    - destruct (Room (p k - q k) (r k - q k)) as [e [He B]]; [lra|]. exists e. split; [exact He|].
      intros x X. rewrite E. specialize (B x X). cases.
    - destruct (Room (q k - p k) (q k - r k)) as [e [He B]]; [lra|]. exists e. split; [exact He|].
      intros x X. rewrite E. specialize (B x X).
      assert (x * (r k - q k) = - (x * (q k - r k))) by ring. cases.
    - assert (p k = q k) as S by lra. exists 1. split; [lra|]. intros x X. rewrite E, S.
      destruct (Rle_dec 0 (r k - q k)) as [D|D].
      + assert (0 <= x * (r k - q k)) by (apply Rmult_le_pos; lra). rewrite (Rmin_left 0) by lra. cases.
      + assert (0 <= x * - (r k - q k)) by (apply Rmult_le_pos; lra). rewrite (Rmin_right 0) by lra. cases.
  Qed.

  Lemma linear_near_zero : exists e, 0 < e <= 1 /\ forall x, 0 <= x <= e -> f x = f 0 + x * slope.
  Proof.
    assert (forall j, (j <= m)%nat -> exists e, 0 < e <= 1 /\ forall x, 0 <= x <= e ->
      sum j (fun k => w k * Rmin (p k) ((1 - x) * q k + x * r k)) =
      sum j (fun k => w k * Rmin (p k) ((1 - 0) * q k + 0 * r k)) + x * sum j (fun k => w k * rise k)) as H.
    { induction j as [|j IH]; intros J.
      - exists 1. split; [lra|]. intros; simpl; lra.
      - destruct IH as [e [He IH]]; [lia|]. destruct (term_linear j) as [d [Hd B]].
        exists (Rmin e d). split; [split; cases|]. intros x X. simpl.
        rewrite IH by (split; [lra|]; destruct X as [_ X]; cases).
        rewrite B by (split; [lra|]; destruct X as [_ X]; cases).
        replace ((1 - 0) * q j + 0 * r j) with (q j) by ring. lra. }
    apply (H m). lia.
  Qed.

  Theorem concave x y t : 0 <= t <= 1 -> t * f x + (1 - t) * f y <= f (t * x + (1 - t) * y).
  Proof.
    intros T. unfold f. rewrite <- !sum_scale, <- sum_plus. apply sum_le. intros k K.
    pose proof (w_nonneg k K) as W.
    set (a := (1 - x) * q k + x * r k). set (b := (1 - y) * q k + y * r k).
    replace ((1 - (t * x + (1 - t) * y)) * q k + (t * x + (1 - t) * y) * r k) with (t * a + (1 - t) * b)
      by (unfold a, b; ring).
    assert (t * Rmin (p k) a + (1 - t) * Rmin (p k) b <= Rmin (p k) (t * a + (1 - t) * b)) as M.
    { assert (t * Rmin (p k) a <= t * p k) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
      assert (t * Rmin (p k) a <= t * a) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]).
      assert ((1 - t) * Rmin (p k) b <= (1 - t) * p k) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
      assert ((1 - t) * Rmin (p k) b <= (1 - t) * b) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]).
      apply Rmin_glb; lra. }
    assert (w k * (t * Rmin (p k) a + (1 - t) * Rmin (p k) b) <= w k * Rmin (p k) (t * a + (1 - t) * b))
      by (apply Rmult_le_compat_l; assumption).
    lra.
  Qed.

  Theorem some_weight_wins_iff : (exists x, 0 < x <= 1 /\ f 0 < f x) <-> 0 < slope.
  Proof.
    split.
    - intros [x [X L]]. pose proof (below_tangent x) as B.
      destruct (Rlt_dec 0 slope) as [|N]; [assumption|]. exfalso.
      assert (0 <= x * - slope) by (apply Rmult_le_pos; lra). lra.
    - intros S. destruct linear_near_zero as [e [He B]]. exists e. split; [lra|].
      rewrite (B e) by lra. assert (0 < e * slope) by (apply Rmult_lt_0_compat; lra). lra.
  Qed.

  (** The slope is the right derivative. *)
  Theorem slope_is_right_derivative : exists e, 0 < e <= 1 /\ forall x, 0 < x <= e -> (f x - f 0) / x = slope.
  Proof.
    destruct linear_near_zero as [e [He B]]. exists e. split; [exact He|]. intros x X.
    rewrite (B x) by lra. field. lra.
  Qed.

  (** Weights at least as good as 0 form an interval that starts at 0. *)
  Theorem safe_weights_are_an_interval x y : 0 <= x <= y -> f 0 <= f y -> f 0 <= f x.
  Proof.
    intros X L. destruct (Req_dec y 0) as [Z|N]; [replace x with 0 by lra; lra|].
    assert (0 < y) as Y by lra. pose proof (concave y 0 (x / y)) as C.
    assert (0 <= x / y <= 1) as T.
    { split; [apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat, Y|].
      apply (Rmult_le_reg_r y); [exact Y|]. replace (x / y * y) with x by (field; lra). lra. }
    specialize (C T). replace (x / y * y + (1 - x / y) * 0) with x in C by (field; lra).
    assert (0 <= x / y * (f y - f 0)) by (apply Rmult_le_pos; lra). lra.
  Qed.
  (** The largest weight that loses nothing exists: f is continuous. *)
  Lemma term_steep k x y :
    Rabs (Rmin (p k) ((1 - x) * q k + x * r k) - Rmin (p k) ((1 - y) * q k + y * r k)) <=
    Rabs (r k - q k) * Rabs (x - y).
  Proof.
    rewrite <- Rabs_mult.
    replace ((r k - q k) * (x - y)) with ((1 - x) * q k + x * r k - ((1 - y) * q k + y * r k)) by ring. cases.
  Qed.

  Lemma steep x y : f x - f y <= sum m (fun k => w k * Rabs (r k - q k)) * Rabs (x - y).
  Proof.
    unfold f. rewrite <- sum_minus, Rmult_comm, <- sum_scale. apply sum_le. intros k K.
    rewrite <- Rmult_minus_distr_l, (Rmult_comm (Rabs (x - y))), Rmult_assoc.
    apply Rmult_le_compat_l; [apply w_nonneg, K|].
    pose proof (term_steep k x y).
    pose proof (Rle_abs (Rmin (p k) ((1 - x) * q k + x * r k) - Rmin (p k) ((1 - y) * q k + y * r k))).
    lra.
  Qed.

  Theorem largest_safe_weight : exists y, 0 <= y <= 1 /\ forall x, 0 <= x <= 1 -> (f 0 <= f x <-> x <= y).
  Proof.
    destruct (completeness (fun x => 0 <= x <= 1 /\ f 0 <= f x)) as [y [Up Least]].
    - exists 1. intros x [X _]. lra.
    - exists 0. split; lra.
    - assert (0 <= y) as Y0 by (apply Up; split; lra).
      assert (y <= 1) as Y1 by (apply Least; intros x [X _]; lra).
      exists y. split; [lra|].
      assert (f 0 <= f y) as Best.
      { destruct (Rle_dec (f 0) (f y)) as [|N]; [assumption|]. exfalso.
        set (L := sum m (fun k => w k * Rabs (r k - q k))).
        assert (0 <= L) as L0.
        { apply sum_nonneg. intros k K. apply Rmult_le_pos; [apply w_nonneg, K|apply Rabs_pos]. }
        set (e := (f 0 - f y) / (L + 1)).
        assert (0 < e) as E by (apply Rmult_lt_0_compat; [lra|apply Rinv_0_lt_compat; lra]).
        assert (y <= y - e); [|lra]. apply Least. intros x [X Gx].
        destruct (Rle_dec x (y - e)) as [|F]; [assumption|]. exfalso.
        assert (x <= y) by (apply Up; split; assumption). pose proof (steep x y) as S. fold L in S.
        assert (Rabs (x - y) <= e) as D by (unfold Rabs; destruct (Rcase_abs (x - y)); lra).
        assert (L * Rabs (x - y) <= L * e) by (apply Rmult_le_compat_l; assumption).
        assert ((L + 1) * e = f 0 - f y) by (unfold e; field; lra). lra. }
      intros x X. split.
      + intros G. apply Up. split; assumption.
      + intros L. apply (safe_weights_are_an_interval x y); [lra|exact Best].
  Qed.

  (** It is positive iff the slope is not negative. *)
  Theorem safe_weight_positive_iff y : 0 <= y <= 1 -> (forall x, 0 <= x <= 1 -> (f 0 <= f x <-> x <= y)) ->
    (0 < y <-> 0 <= slope).
  Proof.
    intros Y S. split.
    - intros P. pose proof (below_tangent y) as B. assert (f 0 <= f y) as G by (apply S; lra).
      destruct (Rle_dec 0 slope) as [|N]; [assumption|]. exfalso.
      assert (0 < y * - slope) by (apply Rmult_lt_0_compat; lra). lra.
    - intros G. destruct linear_near_zero as [e [He B]]. assert (0 <= e * slope) by (apply Rmult_le_pos; lra).
      assert (e <= y); [|lra]. apply S; [lra|]. rewrite (B e) by lra. lra.
  Qed.
End Mixing.
