(** A prior on cold tokens raises acceptance at small weights in every context that has cold mass. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums local_dominance.
Open Scope R_scope.

Section OneContext.
  Variables (n : nat) (p q r : nat -> R) (cold : nat -> bool).
  Hypothesis p_law : law n p.
  Hypothesis q_law : law n q.
  Hypothesis r_law : law n r.
  Hypothesis q_kept : forall t, (t < n)%nat -> cold t = true -> q t = 0.
  Hypothesis r_cold : forall t, (t < n)%nat -> cold t = false -> r t = 0.

  (** Draft mass on over-covered tokens, and prior mass on tokens that the target never emits. *)
  Definition over : R := sum n (fun t => if Rlt_dec (p t) (q t) then q t else 0).
  Definition waste : R := sum n (fun t => if Rlt_dec 0 (p t) then 0 else r t).

  Definition ones : nat -> R := fun _ => 1.

  Theorem slope_is_over_minus_waste : slope n ones p q r = over - waste.
  Proof.
    assert (slope n ones p q r = sum n (fun t => (r t - q t) + ((if Rlt_dec (p t) (q t) then q t else 0)
              - (if Rlt_dec 0 (p t) then 0 else r t)))) as ->.
    { apply sum_ext. intros t T. unfold ones, rise.
      assert (0 <= p t) by (apply p_law, T). assert (0 <= q t) by (apply q_law, T).
      assert (0 <= r t) by (apply r_law, T).
      destruct (cold t) eqn:C.
      - pose proof (q_kept t T C) as Z. rewrite Z in *.
        destruct (Rlt_dec 0 (p t)), (Rlt_dec (p t) 0); try lra. cases.
      - pose proof (r_cold t T C) as Z. rewrite Z in *.
        destruct (Rlt_dec (q t) (p t)), (Rlt_dec (p t) (q t)), (Rlt_dec 0 (p t)); try lra; cases. }
    rewrite sum_plus, !sum_minus. destruct q_law as [_ ->], r_law as [_ ->].
    unfold over, waste. lra.
  Qed.

  (** With cold mass in the target, some kept token is over-covered. *)
  Theorem cold_mass_means_over : (exists t, (t < n)%nat /\ cold t = true /\ 0 < p t) -> 0 < over.
  Proof.
    intros [c [Cn [Cc Cp]]].
    assert (forall t, (t < n)%nat -> 0 <= (if Rlt_dec (p t) (q t) then q t else 0)) as O.
    { intros t T. assert (0 <= q t) by (apply q_law, T). destruct (Rlt_dec (p t) (q t)); lra. }
    destruct (Rlt_dec 0 over) as [|N]; [assumption|]. exfalso.
    assert (over = 0) as Z by (pose proof (sum_nonneg n _ O); unfold over in *; lra).
    assert (forall t, (t < n)%nat -> q t <= p t) as Le.
    { intros t T. pose proof (sum_zero_terms n _ O Z t T) as E. simpl in E. assert (0 <= p t) by (apply p_law, T).
      destruct (Rlt_dec (p t) (q t)); lra. }
    assert (sum n q < sum n p).
    { apply (sum_lt n q p c); [exact Le | exact Cn |]. rewrite (q_kept c Cn Cc). exact Cp. }
    rewrite (proj2 q_law), (proj2 p_law) in *. lra.
  Qed.

  (** So a small enough weight beats the baseline whenever the prior wastes less than is over-covered. *)
  Theorem small_weight_wins_iff :
    (exists x, 0 < x <= 1 /\ f n ones p q r 0 < f n ones p q r x) <-> waste < over.
  Proof.
    rewrite some_weight_wins_iff by (intros; unfold ones; lra).
    rewrite slope_is_over_minus_waste. lra.
  Qed.

  (** Against the ceiling p(I) of drafts on kept tokens. *)
  Definition ceiling : R := sum n (fun t => if cold t then 0 else p t).

  Theorem above_the_ceiling x : 0 <= x <= 1 ->
    f n ones p q r x - ceiling =
    sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0) -
    sum n (fun t => if cold t then 0 else pos (p t - (1 - x) * q t)).
  Proof.
    intros X. unfold f, ceiling, ones. rewrite <- !sum_minus. apply sum_ext. intros t T. rewrite Rmult_1_l.
    destruct (cold t) eqn:C.
    - rewrite (q_kept t T C), Rmult_0_r, Rplus_0_l. lra.
    - rewrite (r_cold t T C), Rmult_0_r, Rplus_0_r. cases.
  Qed.

  Theorem ceiling_passed_iff : (forall t, (t < n)%nat -> cold t = false -> p t <= q t) ->
    ((exists x, 0 < x <= 1 /\ ceiling < f n ones p q r x) <-> waste < over).
  Proof.
    intros H. rewrite <- small_weight_wins_iff.
    assert (f n ones p q r 0 = ceiling) as ->; [|reflexivity].
    apply sum_ext. intros t T. assert (0 <= p t) by (apply p_law, T). unfold ones. rewrite Rmult_1_l.
    replace ((1 - 0) * q t + 0 * r t) with (q t) by ring. destruct (cold t) eqn:C.
    - rewrite (q_kept t T C). cases.
    - specialize (H t T C). cases.
  Qed.

  Theorem upper_bound x : 0 <= x <= 1 ->
    f n ones p q r x <= Rmin ceiling (1 - x) + Rmin (1 - ceiling) (x * (1 - waste)).
  Proof.
    intros X.
    assert (f n ones p q r x = sum n (fun t => if cold t then 0 else Rmin (p t) ((1 - x) * q t)) +
                               sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0)) as ->.
    { unfold f, ones. rewrite <- sum_plus. apply sum_ext. intros t T. rewrite Rmult_1_l. destruct (cold t) eqn:C.
      - rewrite (q_kept t T C), Rmult_0_r, !Rplus_0_l. reflexivity.
      - rewrite (r_cold t T C), Rmult_0_r, !Rplus_0_r. reflexivity. }
    apply Rplus_le_compat; apply Rmin_glb.
    - apply sum_le. intros t T. destruct (cold t); [lra|apply Rmin_l].
    - apply (Rle_trans _ (sum n (fun t => (1 - x) * q t))).
      + apply sum_le. intros t T. assert (0 <= q t) by (apply q_law, T).
        assert (0 <= (1 - x) * q t) by (apply Rmult_le_pos; lra). destruct (cold t); [lra|apply Rmin_r].
      + rewrite sum_scale, (proj2 q_law). lra.
    - unfold ceiling. rewrite <- (proj2 p_law), <- sum_minus. apply sum_le. intros t T.
      destruct (cold t); [pose proof (Rmin_l (p t) (x * r t)); lra|lra].
    - unfold waste. rewrite <- (proj2 r_law), <- sum_minus, <- sum_scale. apply sum_le. intros t T.
      assert (0 <= p t) by (apply p_law, T). assert (0 <= r t) by (apply r_law, T).
      assert (0 <= x * r t) by (apply Rmult_le_pos; lra).
      destruct (cold t) eqn:C; [|rewrite (r_cold t T C)]; destruct (Rlt_dec 0 (p t)); try lra; cases.
  Qed.
End OneContext.
