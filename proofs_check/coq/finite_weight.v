(** What a finite weight wins at least, when it wins no more, and what it wins exactly. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Section OneContext.
  Variables (n : nat) (p q r : nat -> R) (cold : nat -> bool) (x : R).
  Hypothesis p_law : law n p.
  Hypothesis q_law : law n q.
  Hypothesis r_law : law n r.
  Hypothesis q_kept : forall t, (t < n)%nat -> cold t = true -> q t = 0.
  Hypothesis x_range : 0 <= x <= 1.

  Definition mixed (y : R) : nat -> R := fun t => (1 - y) * q t + y * r t.

  Definition restored : R := sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0).
  Definition exposed : R := sum n (fun t => if Rlt_dec ((1 - x) * q t) (p t) then q t else 0).
  Definition crossed : R :=
    sum n (fun t => if Rlt_dec ((1 - x) * q t) (p t) then (if Rlt_dec (p t) (q t) then q t - p t else 0) else 0).

  Definition gain : R := alpha n p (mixed x) - alpha n p (mixed 0).

  (** What one token wins, and its floor. *)
  Definition won (t : nat) : R := Rmin (p t) (mixed x t) - Rmin (p t) (q t).
  Definition floor (t : nat) : R :=
    (if cold t then Rmin (p t) (x * r t) else 0) - x * (if Rlt_dec ((1 - x) * q t) (p t) then q t else 0).

  Lemma signs t : (t < n)%nat -> 0 <= p t /\ 0 <= q t /\ 0 <= r t /\ 0 <= x * q t /\ 0 <= x * r t.
  Proof.
    intros T. assert (0 <= q t) by (apply q_law, T). assert (0 <= r t) by (apply r_law, T).
    repeat split; try assumption; try (apply p_law, T); apply Rmult_le_pos; lra.
  Qed.

  Lemma floor_below t : (t < n)%nat -> floor t <= won t.
  Proof.
    intros T. unfold floor, won, mixed. destruct (signs t T) as [P [Q [S [XQ XS]]]].
    destruct (cold t) eqn:C.
    - rewrite (q_kept t T C). rewrite !Rmult_0_r, Rplus_0_l. destruct (Rlt_dec 0 (p t)); cases.
    - destruct (Rlt_dec ((1 - x) * q t) (p t)); cases.
  Qed.

  Lemma gain_as_sum : gain = sum n won.
  Proof.
    unfold gain, alpha, won. rewrite <- sum_minus. apply sum_ext. intros t _.
    replace (mixed 0 t) with (q t) by (unfold mixed; ring). reflexivity.
  Qed.

  Lemma floor_as_sum : restored - x * exposed = sum n floor.
  Proof. unfold restored, exposed, floor. rewrite <- sum_scale, <- sum_minus. reflexivity. Qed.

  Theorem finite_weight : restored - x * exposed <= gain.
  Proof. rewrite gain_as_sum, floor_as_sum. apply sum_le. apply floor_below. Qed.

  (** One token adds nothing to its floor iff it is cold, or is not under the target after mixing, or is neither
      over the target before nor reached by the prior. *)
  Lemma floor_met t : (t < n)%nat ->
    (won t = floor t <-> ~ (cold t = false /\ (1 - x) * q t < p t /\ (p t < q t \/ 0 < x * r t))).
  Proof.
    intros T. unfold floor, won, mixed. destruct (signs t T) as [P [Q [S [XQ XS]]]].
    destruct (cold t) eqn:C.
    - rewrite (q_kept t T C). rewrite !Rmult_0_r, Rplus_0_l.
      split; [intros _ [H _]; discriminate|intros _; destruct (Rlt_dec 0 (p t)); cases].
    - split.
      + intros E [_ [L U]]. destruct (Rlt_dec ((1 - x) * q t) (p t)); [|lra]. destruct U; cases.
      + intros H. destruct (Rlt_dec ((1 - x) * q t) (p t)) as [L|L]; [|cases].
        destruct (Rlt_dec (p t) (q t)); [exfalso; apply H; auto|].
        destruct (Rlt_dec 0 (x * r t)); [exfalso; apply H; auto|]. cases.
  Qed.

  Theorem equality_iff :
    gain = restored - x * exposed <->
    forall t, (t < n)%nat -> ~ (cold t = false /\ (1 - x) * q t < p t /\ (p t < q t \/ 0 < x * r t)).
  Proof.
    rewrite gain_as_sum, floor_as_sum. split.
    - intros E t T. apply (floor_met t T).
      assert (won t - floor t = 0); [|lra].
      apply (sum_zero_terms n (fun u => won u - floor u)); [|rewrite sum_minus; lra|exact T].
      intros u U. pose proof (floor_below u U). lra.
    - intros H. apply sum_ext. intros t T. apply (floor_met t T), H, T.
  Qed.

  Theorem dominance : x * exposed < restored -> alpha n p (mixed 0) < alpha n p (mixed x).
  Proof. intros D. pose proof finite_weight as F. unfold gain in F. lra. Qed.

  (** With a prior on cold tokens only, the gain itself. *)
  Theorem exact_gain : (forall t, (t < n)%nat -> cold t = false -> r t = 0) ->
    gain = restored - x * exposed + crossed.
  Proof.
    intros r_cold. rewrite gain_as_sum, floor_as_sum. unfold crossed. rewrite <- sum_plus. apply sum_ext.
    intros t T. unfold floor, won, mixed. destruct (signs t T) as [P [Q [S [XQ XS]]]].
    destruct (cold t) eqn:C.
    - rewrite (q_kept t T C). rewrite !Rmult_0_r, Rplus_0_l.
      destruct (Rlt_dec 0 (p t)), (Rlt_dec (p t) 0); cases.
    - rewrite (r_cold t T C), !Rmult_0_r, Rplus_0_r.
      destruct (Rlt_dec ((1 - x) * q t) (p t)), (Rlt_dec (p t) (q t)); cases.
  Qed.
End OneContext.

(** The bound is not necessary: one kept token, target (1 - y, y), weight 3y/2: it is -y/2, and the gain is y/2. *)
Theorem not_necessary y : 0 < y < / 2 ->
  let p := fun t => match t with O => 1 - y | _ => y end in
  let cold := fun t => match t with O => false | _ => true end in
  law 2 p /\ 0 <= 3 * y / 2 <= 1 /\
  restored 2 p (point 1) cold (3 * y / 2) - 3 * y / 2 * exposed 2 p (point 0) (3 * y / 2) = - (y / 2) /\
  gain 2 p (point 0) (point 1) (3 * y / 2) = y / 2.
Proof.
  intros Y p cold. split; [|split; [|split]]; [|lra| |].
  - split; [intros [|[|t]] T; try lia; unfold p; lra | simpl; lra].
  - unfold restored, exposed, sum, point, p, cold. simpl.
    destruct (Rlt_dec ((1 - 3 * y / 2) * 1) (1 - y)), (Rlt_dec ((1 - 3 * y / 2) * 0) y); cases.
  - unfold gain, alpha, mixed, sum, point, p. simpl. cases.
Qed.
