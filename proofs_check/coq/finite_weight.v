(** What a finite weight on a cold prior wins at least, and when it wins no more. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Section OneContext.
  Variables (n : nat) (p q r : nat -> R) (cold : nat -> bool) (x : R).
  Hypothesis p_law : law n p.
  Hypothesis q_law : law n q.
  Hypothesis r_law : law n r.
  Hypothesis q_kept : forall t, (t < n)%nat -> cold t = true -> q t = 0.
  Hypothesis r_cold : forall t, (t < n)%nat -> cold t = false -> r t = 0.
  Hypothesis x_range : 0 <= x <= 1.

  Definition mixed : nat -> R := fun t => (1 - x) * q t + x * r t.

  Definition restored : R := sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0).
  Definition exposed : R := sum n (fun t => if Rlt_dec ((1 - x) * q t) (p t) then q t else 0).

  (** What one token wins, and its floor. *)
  Definition won (t : nat) : R := Rmin (p t) (mixed t) - Rmin (p t) (q t).
  Definition floor (t : nat) : R :=
    (if cold t then Rmin (p t) (x * r t) else 0) - x * (if Rlt_dec ((1 - x) * q t) (p t) then q t else 0).

  Lemma floor_below t : (t < n)%nat -> floor t <= won t.
  Proof.
    intros T. unfold floor, won, mixed.
    assert (0 <= p t) by (apply p_law, T). assert (0 <= q t) by (apply q_law, T). assert (0 <= r t) by (apply r_law, T).
    assert (0 <= x * q t) by (apply Rmult_le_pos; lra). assert (0 <= x * r t) by (apply Rmult_le_pos; lra).
    destruct (cold t) eqn:C.
    - rewrite (q_kept t T C). rewrite !Rmult_0_r, Rplus_0_l.
      destruct (Rlt_dec 0 (p t)); cases.
    - rewrite (r_cold t T C). rewrite !Rmult_0_r, Rplus_0_r.
      destruct (Rlt_dec ((1 - x) * q t) (p t)); cases.
  Qed.

  Lemma gain_as_sum : alpha n p mixed - alpha n p q = sum n won.
  Proof. unfold alpha, won. rewrite <- sum_minus. reflexivity. Qed.

  Lemma floor_as_sum : restored - x * exposed = sum n floor.
  Proof. unfold restored, exposed, floor. rewrite <- sum_scale, <- sum_minus. reflexivity. Qed.

  Theorem finite_weight : restored - x * exposed <= alpha n p mixed - alpha n p q.
  Proof. rewrite gain_as_sum, floor_as_sum. apply sum_le. apply floor_below. Qed.

  (** Equality iff no kept token falls through the target: (1 - x) q < p < q. *)
  Theorem equality_iff : 0 < x ->
    (alpha n p mixed - alpha n p q = restored - x * exposed <->
     forall t, (t < n)%nat -> ~ ((1 - x) * q t < p t < q t)).
  Proof.
    intros X. rewrite gain_as_sum, floor_as_sum. split.
    - intros E t T [L U].
      assert (sum n floor < sum n won); [|lra].
      apply (sum_lt n _ _ t); [apply floor_below | exact T |].
      unfold floor, won, mixed. assert (0 <= p t) by (apply p_law, T).
      destruct (cold t) eqn:C; [rewrite (q_kept t T C) in *; lra|].
      rewrite (r_cold t T C), !Rmult_0_r, Rplus_0_r. destruct (Rlt_dec ((1 - x) * q t) (p t)); cases.
    - intros H. apply sum_ext. intros t T. specialize (H t T). unfold floor, won, mixed.
      assert (0 <= p t) by (apply p_law, T). assert (0 <= q t) by (apply q_law, T).
      assert (0 <= r t) by (apply r_law, T).
      assert (0 <= x * q t) by (apply Rmult_le_pos; lra). assert (0 <= x * r t) by (apply Rmult_le_pos; lra).
      destruct (cold t) eqn:C.
      + rewrite (q_kept t T C). rewrite !Rmult_0_r, Rplus_0_l. destruct (Rlt_dec 0 (p t)); cases.
      + rewrite (r_cold t T C), !Rmult_0_r, Rplus_0_r. destruct (Rlt_dec ((1 - x) * q t) (p t)); cases.
  Qed.
End OneContext.
