(** A drafter that errs only by its missing tokens loses nothing at any weight up to the cold mass. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Section OneContext.
  Variables (n : nat) (p r : nat -> R) (cold : nat -> bool) (m : R).
  Hypothesis p_law : law n p.
  Hypothesis r_law : law n r.
  Hypothesis m_kept : m = sum n (fun t => if cold t then 0 else p t).
  Hypothesis m_positive : 0 < m.

  (** The target given the kept tokens, and what weight x wins on cold ones. *)
  Definition perfect : nat -> R := fun t => if cold t then 0 else p t / m.
  Definition won (x : R) : R := sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0).
  Definition value (x : R) (q : nat -> R) : R := alpha n p (fun t => (1 - x) * q t + x * r t).

  Lemma m_le_one : m <= 1.
  Proof.
    rewrite m_kept, <- (proj2 p_law). apply sum_le. intros t T. assert (0 <= p t) by (apply p_law, T).
    destruct (cold t); lra.
  Qed.

  Lemma unit_of_m t : p t = p t / m * m.
  Proof. field. lra. Qed.

  Lemma perfect_nonneg t : (t < n)%nat -> 0 <= p t / m.
  Proof.
    intros T. apply Rmult_le_pos; [apply p_law, T|]. left. apply Rinv_0_lt_compat, m_positive.
  Qed.

  (** Value where every kept token is accepted as often as a common factor g of its share says. *)
  Lemma value_of_factor x q g :
    (forall t, (t < n)%nat -> cold t = true -> q t = 0) ->
    (forall t, (t < n)%nat -> cold t = false -> Rmin (p t) ((1 - x) * q t + x * r t) = p t / m * g) ->
    value x q = g + won x.
  Proof.
    intros Q G. unfold value, alpha, won.
    replace g with (g * / m * sum n (fun t => if cold t then 0 else p t)) by (rewrite <- m_kept; field; lra).
    rewrite <- sum_scale, <- sum_plus. apply sum_ext. intros t T. destruct (cold t) eqn:C.
    - rewrite (Q t T C), !Rmult_0_r, !Rplus_0_l. reflexivity.
    - rewrite (G t T C). field. lra.
  Qed.

  Theorem value_of_weight x : (forall t, (t < n)%nat -> cold t = false -> r t = 0) -> 0 <= x <= 1 ->
    value x perfect = Rmin m (1 - x) + won x.
  Proof.
    intros K X. apply value_of_factor; unfold perfect; intros t T C; rewrite C; [reflexivity|].
    rewrite (K t T C), Rmult_0_r, Rplus_0_r. rewrite (unit_of_m t) at 1. pose proof (perfect_nonneg t T) as S.
    replace ((1 - x) * (p t / m)) with (p t / m * (1 - x)) by ring. unfold Rmin at 1 2.
    destruct (Rle_dec (p t / m * m) (p t / m * (1 - x))) as [L|L], (Rle_dec m (1 - x)) as [M|M]; try reflexivity.
    + assert (p t / m * (1 - x) <= p t / m * m) by (apply Rmult_le_compat_l; lra). lra.
    + exfalso. apply L. apply Rmult_le_compat_l; assumption.
  Qed.

  (** Enough mass left on every kept token, whatever the prior adds. *)
  Lemma covered x q : 0 <= x ->
    (forall t, (t < n)%nat -> cold t = true -> q t = 0) ->
    (forall t, (t < n)%nat -> cold t = false -> p t <= (1 - x) * q t) -> value x q = m + won x.
  Proof.
    intros X Q G. apply value_of_factor; [exact Q|]. intros t T C. rewrite <- unit_of_m. specialize (G t T C).
    assert (0 <= x * r t) by (apply Rmult_le_pos; [lra|apply r_law, T]). cases.
  Qed.

  Lemma won_zero : won 0 = 0.
  Proof.
    transitivity (sum n (fun _ => 0)); [|apply sum_zero]. apply sum_ext. intros t T.
    assert (0 <= p t) by (apply p_law, T).
    replace (0 * r t) with 0 by ring. destruct (cold t); [cases|reflexivity].
  Qed.

  (** Any prior, kept tokens or not. *)
  Theorem free_weights x : 0 <= x <= 1 - m -> value x perfect - value 0 perfect = won x.
  Proof.
    intros X.
    assert (forall y, 0 <= y <= 1 - m -> value y perfect = m + won y) as V.
    { intros y Y. apply covered; [lra | |]; unfold perfect; intros t T C; rewrite C; [reflexivity|].
      rewrite (unit_of_m t) at 1. rewrite (Rmult_comm (1 - y)).
      apply Rmult_le_compat_l; [apply perfect_nonneg, T|lra]. }
    rewrite (V x), (V 0) by lra. rewrite won_zero. lra.
  Qed.

  Theorem best_weight x : (forall t, (t < n)%nat -> cold t = false -> r t = 0) -> 0 <= x <= 1 ->
    value x perfect <= value (1 - m) perfect.
  Proof.
    intros K X. pose proof m_le_one. rewrite !value_of_weight by (assumption || lra).
    replace (1 - (1 - m)) with m by ring. rewrite (Rmin_left m m) by lra.
    destruct (Rle_dec x (1 - m)) as [L|L].
    - assert (won x <= won (1 - m)); [|cases].
      apply sum_le. intros t T. destruct (cold t); [|lra].
      assert (x * r t <= (1 - m) * r t) by (apply Rmult_le_compat_r; [apply r_law, T|lra]). cases.
    - assert (won x <= won (1 - m) + (x - (1 - m)) * sum n r) as W.
      { unfold won. rewrite <- sum_scale, <- sum_plus. apply sum_le. intros t T.
        assert (0 <= (x - (1 - m)) * r t) by (apply Rmult_le_pos; [lra|apply r_law, T]).
        replace (x * r t) with ((1 - m) * r t + (x - (1 - m)) * r t) by ring. destruct (cold t); cases. }
      rewrite (proj2 r_law) in W. cases.
  Qed.

  (** A share e of the draft is noise v on kept tokens. *)
  Definition noisy (e : R) (v : nat -> R) : nat -> R := fun t => if cold t then 0 else (1 - e) * (p t / m) + e * v t.

  Theorem free_weights_of_noise e v x : 0 <= e < 1 -> (forall t, (t < n)%nat -> 0 <= v t) ->
    0 <= x <= (1 - m - e) / (1 - e) -> value x (noisy e v) = m + won x.
  Proof.
    intros E V [X0 X1].
    assert (m <= (1 - x) * (1 - e)) as Room.
    { assert (x * (1 - e) <= (1 - m - e) / (1 - e) * (1 - e)) as H by (apply Rmult_le_compat_r; lra).
      replace ((1 - m - e) / (1 - e) * (1 - e)) with (1 - m - e) in H by (field; lra). lra. }
    assert (0 <= 1 - x) as X2.
    { destruct (Rle_dec 0 (1 - x)); [assumption|]. exfalso.
      assert (0 <= (x - 1) * (1 - e)) by (apply Rmult_le_pos; lra). lra. }
    apply covered; [lra| |]; unfold noisy; intros t T C; rewrite C; [reflexivity|].
    pose proof (perfect_nonneg t T) as S.
    assert (0 <= (1 - x) * (e * v t)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; [lra|apply V, T]]).
    assert (p t / m * m <= p t / m * ((1 - x) * (1 - e))) by (apply Rmult_le_compat_l; assumption).
    rewrite (unit_of_m t) at 1. lra.
  Qed.
End OneContext.

(** Beyond that weight some target with cold mass c, noise and prior lose: p = (1 - c, 0, c, 0), the noise on the
    second token, the prior on the fourth. *)
Theorem no_larger_weight c e x : 0 < c < 1 -> 0 < e < 1 -> pos (c - e) / (1 - e) < x <= 1 ->
  exists p v r cold, law 4 p /\ law 4 v /\ law 4 r /\
    (forall t, (t < 4)%nat -> cold t = true -> v t = 0) /\ (forall t, (t < 4)%nat -> cold t = false -> r t = 0) /\
    sum 4 (fun t => if cold t then p t else 0) = c /\
    value 4 p r x (noisy p cold (1 - c) e v) < value 4 p r 0 (noisy p cold (1 - c) e v).
Proof.
  intros C E [X0 X1].
  exists (fun t => match t with O => 1 - c | 2%nat => c | _ => 0 end), (point 1), (point 3),
    (fun t => match t with O => false | 1%nat => false | _ => true end).
  repeat split; try (apply point_law; lia); try (apply sum_point_one; lia);
    try (intros [|[|[|[|i]]]] I; try lia; unfold point; simpl; try lra; try discriminate);
    try (unfold sum; simpl; lra).
  unfold value, noisy, alpha, sum, point. simpl.
  replace ((1 - c) / (1 - c)) with 1 by (field; lra). replace (0 / (1 - c)) with 0 by (field; lra).
  assert ((1 - x) * (1 - e) < 1 - c /\ (1 - x) * (1 - e) < 1 - e) as [A B].
  { assert (pos (c - e) / (1 - e) * (1 - e) < x * (1 - e)) as H by (apply Rmult_lt_compat_r; lra).
    replace (pos (c - e) / (1 - e) * (1 - e)) with (pos (c - e)) in H by (field; lra).
    unfold pos in H. assert (c - e <= Rmax (c - e) 0) by apply Rmax_l. assert (0 <= Rmax (c - e) 0) by apply Rmax_r.
    split; lra. }
  assert (0 <= (1 - x) * (1 - e)) by (apply Rmult_le_pos; lra). assert (0 <= (1 - x) * e) by (apply Rmult_le_pos; lra).
  assert (0 <= x).
  { assert (0 <= pos (c - e) / (1 - e)); [|lra].
    apply Rmult_le_pos; [apply Rmax_r|left; apply Rinv_0_lt_compat; lra]. }
  rewrite !(Rmin_left 0) by lra. rewrite !(Rmin_right c) by lra.
  rewrite (Rmin_right (1 - c) ((1 - x) * ((1 - e) * 1 + e * 0) + x * 0)) by lra.
  assert ((1 - x) * ((1 - e) * 1 + e * 0) + x * 0 <
          Rmin (1 - c) ((1 - 0) * ((1 - e) * 1 + e * 0) + 0 * 0)) by (apply Rmin_glb_lt; lra). lra.
Qed.
