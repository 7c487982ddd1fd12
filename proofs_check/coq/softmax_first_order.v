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

(** Partial sums of the exponential's series are below it. *)
Lemma taylor x m : 0 <= x -> sum_f_R0 (fun i => / INR (fact i) * x ^ i) m <= exp x.
Proof.
  intros X. apply sum_incr.
  - unfold exp. destruct (exist_exp x) as [l H]. exact H.
  - intros i. apply Rmult_le_pos; [left; apply Rinv_0_lt_compat, INR_fact_lt_0|apply pow_le, X].
Qed.

Lemma taylor_2 x : 0 <= x -> 1 + x + x * x / 2 <= exp x.
Proof. intros X. pose proof (taylor x 2 X) as T. simpl in T. lra. Qed.

Lemma taylor_4 x : 0 <= x -> 1 + x + x * x / 2 + x * x * x / 6 + x * x * x * x / 24 <= exp x.
Proof. intros X. pose proof (taylor x 4 X) as T. simpl in T. lra. Qed.

(** 0 on half of the tokens, 1 on a quarter and -1 on a quarter. *)
Fixpoint shape (j : nat) : R :=
  match j with 0%nat => 0 | 1%nat => 1 | 2%nat => 0 | 3%nat => -1 | S (S (S (S i))) => shape i end.

Lemma sum_period k u : (forall i, u (4 + i)%nat = u i) -> sum (4 * k) u = INR k * sum 4 u.
Proof.
  intros P.
  assert (forall m, sum (4 + m) u = sum 4 u + sum m u) as Shift.
  { induction m as [|m IH]; [simpl; ring|]. replace (4 + S m)%nat with (S (4 + m)) by lia.
    change (sum (S (4 + m)) u) with (sum (4 + m) u + u (4 + m)%nat). rewrite IH, P. cbn [sum]. ring. }
  induction k as [|k IH]; [simpl; ring|]. replace (4 * S k)%nat with (4 + 4 * k)%nat by lia.
  rewrite Shift, IH, S_INR. ring.
Qed.

(** The sign of each term: the two outer tokens gain from the exponential, those at 0 lose. *)
Lemma outer_tokens_gain s : 0 <= s <= 1 ->
  (1 + s) * (2 + exp s + exp (- s)) <= 4 * exp s /\ (1 - s) * (2 + exp s + exp (- s)) <= 4 * exp (- s).
Proof.
  intros S. set (e := exp s). assert (0 < e) as E0 by apply exp_pos. rewrite exp_Ropp. fold e.
  assert (1 + s + s * s / 2 <= e) as Low by (apply taylor_2; lra).
  assert ((1 - s / 2) * (1 - s / 2) * e <= 1) as High.
  { assert (1 - s / 2 <= exp (- (s / 2))) as H.
    { destruct (Req_dec s 0) as [->|D]; [replace (- (0 / 2)) with 0 by lra; rewrite exp_0; lra|].
      pose proof (exp_ineq1 (- (s / 2)) ltac:(lra)). lra. }
    assert (e = exp (s / 2) * exp (s / 2)) as -> by (unfold e; rewrite <- exp_plus; f_equal; lra).
    assert (exp (- (s / 2)) * exp (s / 2) = 1) as I by (rewrite <- exp_plus; replace (- (s / 2) + s / 2) with 0 by
      ring; apply exp_0).
    assert (0 < exp (s / 2)) by apply exp_pos. set (h := exp (s / 2)) in *.
    assert (0 <= (1 - s / 2) * h) by (apply Rmult_le_pos; lra).
    assert ((1 - s / 2) * h <= exp (- (s / 2)) * h) by (apply Rmult_le_compat_r; lra).
    assert ((1 - s / 2) * h * ((1 - s / 2) * h) <= 1 * 1) by (apply Rmult_le_compat; lra). lra. }
  assert (0 <= s * s) by (apply Rmult_le_pos; lra). assert (0 <= s * s * s) by (apply Rmult_le_pos; lra).
  assert (0 <= s * s * (1 - s * s)) by (apply Rmult_le_pos; [lra|]; assert (s * s <= 1 * 1) by (apply
    Rmult_le_compat; lra); lra).
  split; apply (Rmult_le_reg_r e); try exact E0.
  - replace ((1 + s) * (2 + e + / e) * e) with ((1 + s) * ((e + 1) * (e + 1))) by (field; lra).
    set (l := 1 + s + s * s / 2) in *. assert (1 <= l) by (unfold l; lra).
    (* (1 + s) (e + 1)^2 <= 4 e^2 holds at l, and its root rises with e *)
    assert ((1 + s) * ((l + 1) * (l + 1)) <= 4 * (l * l)) as AtL.
    { unfold l. assert (s * s * (s * s) * s <= s * s * (s * s) * 1) by (apply Rmult_le_compat_l; [apply Rmult_le_pos;
      lra|lra]). lra. }
    assert ((l * (e + 1)) * (l * (e + 1)) <= (e * (l + 1)) * (e * (l + 1))) as Root.
    { assert (l * (e + 1) <= e * (l + 1)) by lra. apply Rmult_le_compat; try lra; apply Rmult_le_pos; lra. }
    apply (Rmult_le_reg_r (l * l)); [apply Rmult_lt_0_compat; lra|].
    assert ((1 + s) * (l * (e + 1) * (l * (e + 1))) <= (1 + s) * (e * (l + 1) * (e * (l + 1)))) by (apply
      Rmult_le_compat_l; lra).
    assert (e * e * ((1 + s) * ((l + 1) * (l + 1))) <= e * e * (4 * (l * l))) by (apply Rmult_le_compat_l; [apply
      Rmult_le_pos; lra|exact AtL]).
    lra.
  - replace ((1 - s) * (2 + e + / e) * e) with ((1 - s) * ((e + 1) * (e + 1))) by (field; lra).
    replace (4 * / e * e) with 4 by (field; lra). set (b := (1 - s / 2) * (1 - s / 2)) in *.
    assert (0 < b) by (apply Rmult_lt_0_compat; lra).
    assert ((1 - s) * ((1 + b) * (1 + b)) <= 4 * (b * b)) as AtB.
    { unfold b. assert (s * s * s * s <= s * s * s * 1) by (apply Rmult_le_compat_l; lra).
      assert (0 <= s * s * s * (s * s)) by (apply Rmult_le_pos; lra). lra. }
    assert (0 <= b * (e + 1) <= 1 + b) as M by (split; [apply Rmult_le_pos; lra|lra]).
    assert (b * (e + 1) * (b * (e + 1)) <= (1 + b) * (1 + b)) by (apply Rmult_le_compat; lra).
    assert ((1 - s) * (b * (e + 1) * (b * (e + 1))) <= (1 - s) * ((1 + b) * (1 + b))) by (apply Rmult_le_compat_l; lra).
    apply (Rmult_le_reg_r (b * b)); [apply Rmult_lt_0_compat; lra|]. lra.
Qed.

(** The worst case known: tanh(s/2)^2 / 2, at every number of tokens that 4 divides. *)
Theorem three_tokens k s : (0 < k)%nat -> 0 <= s <= 1 ->
  sum (4 * k) (fun j => s * shape j) = 0 /\
  TV (4 * k) (fun j => exp (s * shape j) / sum (4 * k) (fun i => exp (s * shape i)))
             (fun j => (1 + s * shape j) / INR (4 * k)) =
  / 2 * ((exp s - 1) / (exp s + 1)) ^ 2.
Proof.
  intros K S. assert (0 < INR k) as P by (apply lt_0_INR, K).
  split; [rewrite (sum_period k) by reflexivity; simpl; ring|].
  assert (sum (4 * k) (fun i => exp (s * shape i)) = INR k * (2 + exp s + exp (- s))) as ->.
  { rewrite (sum_period k) by reflexivity. unfold sum, shape.
    rewrite !Rmult_0_r, exp_0, Rmult_1_r. replace (s * -1) with (- s) by ring. ring. }
  replace (INR (4 * k)) with (4 * INR k) by (rewrite mult_INR; simpl; ring).
  unfold TV. f_equal. rewrite (sum_period k) by reflexivity. unfold sum, shape.
  rewrite !Rmult_0_r, exp_0, Rmult_1_r. replace (s * -1) with (- s) by ring.
  destruct (outer_tokens_gain s S) as [G1 G2].
  set (e := exp s) in *. set (g := exp (- s)) in *. assert (0 < e) as E0 by apply exp_pos.
  assert (0 < g) as G0 by apply exp_pos.
  assert (e * g = 1) as I by (unfold e, g; rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (2 <= e + g) as Z.
  { assert (0 <= (e - 1) * (e - 1) * g) by (apply Rmult_le_pos; [apply Rle_0_sqr|lra]).
    replace ((e - 1) * (e - 1) * g) with (e * (e * g) - 2 * (e * g) + g) in H by ring. rewrite I in H. lra. }
  set (W := INR k * (2 + e + g)). assert (0 < W) as W0 by (apply Rmult_lt_0_compat; lra).
  set (d := / (4 * (INR k * (2 + e + g)))).
  assert (0 < d) as D0 by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; [lra|exact W0]).
  assert (forall u v, u / W - v / (4 * INR k) = d * (4 * u - v * (2 + e + g))) as T.
  { intros u v. unfold W, d. field. split; lra. }
  rewrite !T, !Rabs_mult, (Rabs_right d) by lra.
  rewrite (Rabs_left1 (4 * 1 - (1 + 0) * (2 + e + g))) by lra.
  rewrite (Rabs_right (4 * e - (1 + s) * (2 + e + g))) by lra.
  rewrite (Rabs_right (4 * g - (1 + - s) * (2 + e + g))) by lra.
  unfold d. replace g with (/ e) by (apply (Rmult_eq_reg_l e); [rewrite I; field; lra|lra]).
  simpl. field. repeat split; try lra.
  apply Rgt_not_eq. assert (0 < e * e) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Theorem leading_constant s : 0 <= s <= 1 ->
  s ^ 2 / 8 - s ^ 4 / 48 <= / 2 * ((exp s - 1) / (exp s + 1)) ^ 2.
Proof.
  intros S. pose proof (taylor_4 s ltac:(lra)) as E. set (e := exp s) in *.
  assert (0 <= s * s) as S2 by (apply Rmult_le_pos; lra).
  assert (s * s <= 1) by (assert (s * s <= 1 * 1) by (apply Rmult_le_compat; lra); lra).
  assert (0 <= s * s * s) as S3 by (apply Rmult_le_pos; lra).
  assert (0 <= s * s * s * s) as S4 by (apply Rmult_le_pos; lra).
  set (t := s / 2 - s * s * s / 24).
  assert (s * s * s <= s * 1) by (replace (s * s * s) with (s * (s * s)) by ring; apply Rmult_le_compat_l; lra).
  assert (0 <= t < 1) as Tr by (unfold t; lra).
  assert (1 + t <= e * (1 - t)) as Pade.
  { assert ((1 + s + s * s / 2 + s * s * s / 6 + s * s * s * s / 24) * (1 - t) <= e * (1 - t)) as M
      by (apply Rmult_le_compat_r; lra).
    assert (0 <= s * s * s * s * s) as S5 by (apply Rmult_le_pos; lra).
    assert (0 <= s * s * s * s * s * s) by (apply Rmult_le_pos; lra).
    assert (0 <= s * s * s * s * s * s * s) by (apply Rmult_le_pos; lra).
    assert (s * s * s * s * s <= s * s * s * s * 1) by (apply Rmult_le_compat_l; lra).
    unfold t in *. lra. }
  assert (t <= (e - 1) / (e + 1)) as L.
  { apply (Rmult_le_reg_r (e + 1)); [lra|]. replace ((e - 1) / (e + 1) * (e + 1)) with (e - 1) by (field; lra). lra. }
  assert (t * t <= (e - 1) / (e + 1) * ((e - 1) / (e + 1))) by (apply Rmult_le_compat; lra).
  assert (s ^ 2 / 8 - s ^ 4 / 48 <= / 2 * (t * t)); [|simpl; lra].
  unfold t. assert (0 <= s * s * s * (s * s * s)) by (apply Rmult_le_pos; lra). simpl. lra.
Qed.
