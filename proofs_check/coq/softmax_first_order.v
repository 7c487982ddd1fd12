(** Two laws whose ratio varies by at most a factor rho differ by at most (sqrt rho - 1) / (sqrt rho + 1);
    for the softmax kernel against its first-order form the ratio is e^x / (1 + x), up to a constant. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Lemma odds (x y s : R) : 0 <= x <= 1 -> 0 <= y <= 1 -> 1 <= s ->
  x * (1 - y) <= s * s * (y * (1 - x)) -> (s + 1) * (x - y) <= s - 1.
Proof.
  intros X Y S H.
  assert (0 <= y * (1 - x)) as U0 by (apply Rmult_le_pos; lra).
  assert (0 <= x * (1 - y)) as V0 by (apply Rmult_le_pos; lra).
  set (u := sqrt (y * (1 - x))). set (v := sqrt (x * (1 - y))).
  assert (u * u = y * (1 - x)) as UU by (apply sqrt_sqrt, U0).
  assert (v * v = x * (1 - y)) as VV by (apply sqrt_sqrt, V0).
  assert (0 <= u) by apply sqrt_pos. assert (0 <= v) by apply sqrt_pos.
  assert (v <= s * u) as VS.
  { apply Rsqr_incr_0; unfold Rsqr; [rewrite VV|assumption|apply Rmult_le_pos; lra].
    replace (s * u * (s * u)) with (s * s * (u * u)) by ring. rewrite UU. exact H. }
  assert (u + v <= 1) as One.
  { assert (0 <= x * y) by (apply Rmult_le_pos; lra).
    assert (0 <= (1 - x) * (1 - y)) by (apply Rmult_le_pos; lra).
    assert (2 * (u * v) <= x * y + (1 - x) * (1 - y)) as AM.
    { apply Rsqr_incr_0; unfold Rsqr;
        [| apply Rmult_le_pos; [lra|apply Rmult_le_pos; assumption] | lra].
      replace (2 * (u * v) * (2 * (u * v))) with (4 * ((u * u) * (v * v))) by ring. rewrite UU, VV.
      assert (0 <= (x * y - (1 - x) * (1 - y)) * (x * y - (1 - x) * (1 - y))) by apply Rle_0_sqr.
      lra. }
    apply Rsqr_incr_0; unfold Rsqr; [|lra|lra].
    replace ((u + v) * (u + v)) with (u * u + v * v + 2 * (u * v)) by ring. rewrite UU, VV. lra. }
  replace (x - y) with (v * v - u * u) by (rewrite UU, VV; ring).
  destruct (Rle_dec v u) as [L|L].
  - assert (v * v <= u * u) by (apply Rmult_le_compat; assumption).
    assert (0 <= (s + 1) * (u * u - v * v)) by (apply Rmult_le_pos; lra). lra.
  - assert ((s + 1) * (v - u) <= (s - 1) * (v + u)) as D by lra.
    assert ((s + 1) * (v - u) * (v + u) <= (s - 1) * (v + u) * (v + u)) by (apply Rmult_le_compat_r; lra).
    assert ((v + u) * (v + u) <= 1 * 1) by (apply Rmult_le_compat; lra).
    assert ((s - 1) * ((v + u) * (v + u)) <= (s - 1) * (1 * 1)) by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

(** Masses of a law on the set where it is the smaller of two. *)
Definition below (n : nat) (p q f : nat -> R) : R := sum n (fun t => if Rlt_dec (p t) (q t) then f t else 0).

Lemma below_range n p q f : law n f -> 0 <= below n p q f <= 1.
Proof.
  intros [F0 F1]. split.
  - apply sum_nonneg. intros t T. specialize (F0 t T). destruct (Rlt_dec (p t) (q t)); lra.
  - rewrite <- F1. apply sum_le. intros t T. specialize (F0 t T). destruct (Rlt_dec (p t) (q t)); lra.
Qed.

Theorem ratio_bound n p q a s : law n p -> law n q -> 0 < a -> 1 <= s ->
  (forall t, (t < n)%nat -> a * q t <= p t <= a * (s * s) * q t) ->
  (s + 1) * TV n p q <= s - 1.
Proof.
  intros P Q A S H.
  assert (TV n p q = below n p q q - below n p q p) as ->.
  { rewrite TV_sym, (TV_under n q p Q P). unfold below. rewrite <- sum_minus. apply sum_ext. intros t _.
    destruct (Rlt_dec (p t) (q t)); cases. }
  set (x := below n p q q). set (y := below n p q p).
  apply odds; [apply below_range, Q | apply below_range, P | exact S |].
  assert (a * x <= y) as Low.
  { unfold x, y, below. rewrite <- sum_scale. apply sum_le. intros t T. specialize (H t T).
    destruct (Rlt_dec (p t) (q t)); lra. }
  assert (1 - y <= a * (s * s) * (1 - x)) as High.
  { assert (forall f, law n f -> 1 - below n p q f = sum n (fun t => if Rlt_dec (p t) (q t) then 0 else f t)) as C.
    { intros f [_ F]. rewrite <- F. unfold below. rewrite <- sum_minus. apply sum_ext. intros t _.
      destruct (Rlt_dec (p t) (q t)); lra. }
    unfold x, y. rewrite (C p P), (C q Q), <- sum_scale. apply sum_le.
    intros t T. specialize (H t T). destruct (Rlt_dec (p t) (q t)); lra. }
  assert (0 <= x <= 1) as X by apply below_range, Q. assert (0 <= y <= 1) as Y by apply below_range, P.
  assert (x * (1 - y) <= x * (a * (s * s) * (1 - x))) by (apply Rmult_le_compat_l; lra).
  assert (0 <= s * s * (1 - x)) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  assert (a * x * (s * s * (1 - x)) <= y * (s * s * (1 - x))) by (apply Rmult_le_compat_r; assumption).
  replace (x * (a * (s * s) * (1 - x))) with (a * x * (s * s * (1 - x))) in * by ring.
  replace (s * s * (y * (1 - x))) with (y * (s * s * (1 - x))) by ring. lra.
Qed.

(** The kernel's row, its first-order form, and the bound: x has sum 0, and s * s bounds e^x / (1 + x). *)
Theorem softmax_first_order n x s : (0 < n)%nat -> sum n x = 0 -> 1 <= s ->
  (forall j, (j < n)%nat -> 0 <= 1 + x j /\ exp (x j) <= s * s * (1 + x j)) ->
  (s + 1) * TV n (fun j => exp (x j) / sum n (fun i => exp (x i))) (fun j => (1 + x j) / INR n) <= s - 1.
Proof.
  intros N Z S H. set (W := sum n (fun i => exp (x i))).
  assert (0 < INR n) as IN by (apply lt_0_INR, N).
  assert (forall j, (j < n)%nat -> 1 + x j <= exp (x j)) as E.
  { intros j _. destruct (Req_dec (x j) 0) as [->|D]; [rewrite exp_0; lra|left; apply exp_ineq1, D]. }
  assert (sum n (fun j => 1 + x j) = INR n) as One by (rewrite sum_plus, sum_const, Z; ring).
  assert (0 < W) as WP.
  { apply (Rlt_le_trans _ (INR n)); [exact IN|]. rewrite <- One. apply sum_le. exact E. }
  assert (0 < / W) by (apply Rinv_0_lt_compat, WP). assert (0 < / INR n) by (apply Rinv_0_lt_compat, IN).
  apply (ratio_bound n _ _ (INR n / W) s); [| | apply Rmult_lt_0_compat; assumption | exact S |].
  - split; [intros j _; apply Rmult_le_pos; [left; apply exp_pos|lra]|].
    unfold Rdiv. rewrite (sum_ext n _ (fun j => / W * exp (x j))) by (intros; ring).
    rewrite sum_scale. fold W. field. lra.
  - split; [intros j J; apply Rmult_le_pos; [apply H, J|lra]|].
    unfold Rdiv. rewrite (sum_ext n _ (fun j => / INR n * (1 + x j))) by (intros; ring).
    rewrite sum_scale, One. field. lra.
  - intros j J. specialize (E j J). destruct (H j J) as [_ B].
    replace (INR n / W * ((1 + x j) / INR n)) with ((1 + x j) * / W) by (field; lra).
    replace (INR n / W * (s * s) * ((1 + x j) / INR n)) with (s * s * (1 + x j) * / W) by (field; lra).
    unfold Rdiv. split; apply Rmult_le_compat_r; lra.
Qed.

(** The scores are a covariance of laws over the temperature: the rows of the first-order form then sum to 1, and are
    laws where no score is below -1. Contexts c have weights w. *)
Definition covariance (m : nat) (w : nat -> R) (a : nat -> nat -> R) (i j : nat) : R :=
  sum m (fun c => w c * (a c i * a c j)) - sum m (fun c => w c * a c i) * sum m (fun c => w c * a c j).

Theorem rows m n w a tau i : (0 < n)%nat -> law m w -> (forall c, (c < m)%nat -> law n (a c)) -> 0 < tau ->
  (forall j, (j < n)%nat -> - tau <= covariance m w a i j) ->
  law n (fun j => (1 + covariance m w a i j / tau) / INR n).
Proof.
  intros N [W0 W1] A T B. assert (0 < INR n) as P by (apply lt_0_INR, N).
  assert (sum n (covariance m w a i) = 0) as Z.
  { unfold covariance. rewrite sum_minus, sum_scale.
    rewrite sum_swap. rewrite (sum_ext m _ (fun c => w c * a c i)).
    - rewrite sum_swap. rewrite (sum_ext m (fun c => sum n (fun j => w c * a c j)) w); [rewrite W1; ring|].
      intros c C. rewrite sum_scale, (proj2 (A c C)). ring.
    - intros c C. rewrite (sum_ext n _ (fun j => w c * a c i * a c j)) by (intros; ring).
      rewrite sum_scale, (proj2 (A c C)). ring. }
  split.
  - intros j J. specialize (B j J). apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat, P].
    apply (Rmult_le_reg_r tau); [exact T|]. rewrite Rmult_0_l.
    replace ((1 + covariance m w a i j / tau) * tau) with (tau + covariance m w a i j) by (field; lra). lra.
  - rewrite (sum_ext n _ (fun j => / INR n * (1 + / tau * covariance m w a i j))) by (intros; field; lra).
    rewrite sum_scale, sum_plus, sum_scale, Z, sum_const. field. lra.
Qed.
