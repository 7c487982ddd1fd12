(** A drafter that errs only by its missing tokens loses nothing at any weight up to the cold mass. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Theorem perfect_drafter n p r (cold : nat -> bool) x m :
  law n p -> law n r ->
  (forall t, (t < n)%nat -> cold t = false -> r t = 0) ->
  m = sum n (fun t => if cold t then 0 else p t) -> 0 < m ->
  0 <= x <= 1 - m ->
  let q := fun t => if cold t then 0 else p t / m in
  alpha n p (fun t => (1 - x) * q t + x * r t) = m + sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0) /\
  alpha n p q <= alpha n p (fun t => (1 - x) * q t + x * r t).
Proof.
  intros P Q K E M X q.
  assert (alpha n p (fun t => (1 - x) * q t + x * r t) =
          m + sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0)) as A.
  { transitivity (sum n (fun t => if cold t then 0 else p t) +
                  sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0)); [|rewrite <- E; reflexivity].
    unfold alpha. rewrite <- sum_plus. apply sum_ext. intros t T.
    assert (0 <= p t) by (apply P, T). unfold q. destruct (cold t) eqn:C.
    - rewrite Rmult_0_r, !Rplus_0_l. reflexivity.
    - rewrite (K t T C), Rmult_0_r, !Rplus_0_r.
      assert (p t <= (1 - x) * (p t / m)); [|cases].
      assert (m * / m = 1) by (field; lra). assert (0 < / m) by (apply Rinv_0_lt_compat, M).
      replace ((1 - x) * (p t / m)) with (p t * ((1 - x) * / m)) by (unfold Rdiv; ring).
      rewrite <- (Rmult_1_r (p t)) at 1. apply Rmult_le_compat_l; [assumption|].
      assert (m * / m <= (1 - x) * / m) by (apply Rmult_le_compat_r; lra). lra. }
  split; [exact A|]. rewrite A.
  assert (0 <= sum n (fun t => if cold t then Rmin (p t) (x * r t) else 0)).
  { apply sum_nonneg. intros t T. assert (0 <= p t) by (apply P, T). assert (0 <= r t) by (apply Q, T).
    assert (0 <= x * r t) by (apply Rmult_le_pos; lra). destruct (cold t); cases. }
  assert (alpha n p q <= m); [|lra].
  rewrite E. apply sum_le. intros t T. assert (0 <= p t) by (apply P, T).
  unfold q. destruct (cold t); cases.
Qed.
