(** Bounds on the log-mass of the cold logits: Jensen's from below, the chord's and its worst case from above. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Definition mean (n : nat) (z : nat -> R) : R := sum n z / INR n.

Definition log_mass (n : nat) (z : nat -> R) : R := ln (sum n (fun i => exp (z i))).

Definition between (n : nat) (z : nat -> R) (a b : R) : Prop := forall i, (i < n)%nat -> a <= z i <= b.

(** [(e^s - 1)/s] *)
Definition ratio (s : R) : R := (exp s - 1) / s.

Definition gap (s : R) : R := ln (ratio s) + / ratio s - 1.

Lemma tangent x y : exp x * (1 + (y - x)) <= exp y.
Proof.
  replace (exp y) with (exp x * exp (y - x)) by (rewrite <- exp_plus; f_equal; ring).
  apply Rmult_le_compat_l; [left; apply exp_pos | apply exp_ineq1_le].
Qed.

Lemma log_tangent x c : 0 < x -> 0 < c -> ln x <= x / c - 1 + ln c.
Proof.
  intros X C. assert (0 < x / c) as Q by (apply Rdiv_lt_0_compat; assumption).
  generalize (exp_ineq1_le (ln (x / c))). rewrite exp_ln by exact Q. unfold Rdiv at 1.
  rewrite ln_mult, ln_Rinv by (try apply Rinv_0_lt_compat; assumption). lra.
Qed.

Lemma log_scale n y : (0 < n)%nat -> 0 < y -> ln (INR n * y) = ln (INR n) + ln y.
Proof. intros N Y. apply ln_mult; [apply lt_0_INR, N | exact Y]. Qed.

Lemma log_le x y : 0 < x -> x <= y -> ln x <= ln y.
Proof. intros X [H|<-]; [left; apply ln_increasing|]; lra. Qed.

Lemma sum_mean n z : (0 < n)%nat -> sum n z = INR n * mean n z.
Proof. intros N. apply lt_0_INR in N. unfold mean. field. lra. Qed.

Lemma mass_pos n z : (0 < n)%nat -> 0 < sum n (fun i => exp (z i)).
Proof.
  intros N. apply Rlt_le_trans with (exp (z O)); [apply exp_pos|].
  apply (sum_term n (fun i => exp (z i))); [|exact N]. intros; left; apply exp_pos.
Qed.

Theorem jensen_cold_mass n z : (0 < n)%nat -> ln (INR n) + mean n z <= log_mass n z.
Proof.
  intros N. rewrite <- (ln_exp (mean n z)), <- log_scale by (try apply exp_pos; exact N).
  apply log_le; [apply Rmult_lt_0_compat; [apply lt_0_INR, N | apply exp_pos]|].
  apply Rle_trans with (sum n (fun i => exp (mean n z) * (1 + (z i - mean n z)))); [|apply sum_le; intros; apply tangent].
  rewrite sum_scale, sum_plus, sum_minus, !sum_const, (sum_mean n z N). lra.
Qed.

(** Mean exponential of the law on [a] and [b] with mean [m]. *)
Definition on_chord (a b m : R) : R := ((b - m) * exp a + (m - a) * exp b) / (b - a).

Lemma below_chord a b z : a < b -> a <= z <= b -> exp z <= on_chord a b z.
Proof.
  intros L [A B]. unfold on_chord. apply Rmult_le_reg_r with (b - a); [lra|]. unfold Rdiv.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  assert ((b - z) * (exp z * (1 + (a - z))) <= (b - z) * exp a) by (apply Rmult_le_compat_l; [lra|apply tangent]).
  assert ((z - a) * (exp z * (1 + (b - z))) <= (z - a) * exp b) by (apply Rmult_le_compat_l; [lra|apply tangent]).
  replace (exp z * (b - a)) with ((b - z) * (exp z * (1 + (a - z))) + (z - a) * (exp z * (1 + (b - z)))) by ring. lra.
Qed.

Lemma sum_chord n z a b : (0 < n)%nat -> a < b ->
  sum n (fun i => on_chord a b (z i)) = INR n * on_chord a b (mean n z).
Proof.
  intros N L.
  rewrite (sum_ext n _ (fun i => (b * exp a - a * exp b) / (b - a) + (exp b - exp a) / (b - a) * z i))
    by (intros; unfold on_chord; field; lra).
  rewrite sum_plus, sum_const, sum_scale, (sum_mean n z N). unfold on_chord. field. lra.
Qed.

Theorem chord n z a b : (0 < n)%nat -> a < b -> between n z a b ->
  log_mass n z <= ln (INR n) + ln (on_chord a b (mean n z)).
Proof.
  intros N L Z.
  assert (sum n (fun i => exp (z i)) <= INR n * on_chord a b (mean n z)) as H.
  { rewrite <- sum_chord by assumption. apply sum_le. intros i I. apply below_chord; [exact L|]. apply Z, I. }
  assert (0 < on_chord a b (mean n z)) as P.
  { apply Rmult_lt_reg_l with (INR n); [apply lt_0_INR, N|]. rewrite Rmult_0_r.
    apply Rlt_le_trans with (2 := H). apply mass_pos, N. }
  rewrite <- log_scale by assumption. apply log_le; [apply mass_pos, N | exact H].
Qed.

Lemma ratio_pos s : 0 < s -> 0 < ratio s.
Proof. intros S. apply Rdiv_lt_0_compat; [|exact S]. generalize (exp_ineq1 s). lra. Qed.

(** The chord over [e^a] is [1 + (m - a) ratio]. *)
Lemma chord_ratio a b m : a < b -> on_chord a b m = exp a * (1 + (m - a) * ratio (b - a)).
Proof.
  intros L. unfold on_chord, ratio. replace (exp b) with (exp a * exp (b - a)) by (rewrite <- exp_plus; f_equal; ring).
  field. lra.
Qed.

Lemma mean_between n z a b : (0 < n)%nat -> between n z a b -> a <= mean n z <= b.
Proof.
  intros N Z. assert (0 < INR n) as P by (apply lt_0_INR, N).
  split; apply Rmult_le_reg_l with (INR n); try exact P; rewrite <- (sum_mean n z N), <- sum_const;
    apply sum_le; intros i I; apply Z, I.
Qed.

Theorem jensen_upper n z a b : (0 < n)%nat -> a < b -> between n z a b ->
  log_mass n z <= ln (INR n) + mean n z + gap (b - a).
Proof.
  intros N L Z. apply Rle_trans with (1 := chord n z a b N L Z).
  assert (0 < ratio (b - a)) as P by (apply ratio_pos; lra).
  assert (0 < 1 + (mean n z - a) * ratio (b - a)) as Q.
  { destruct (mean_between n z a b N Z) as [M _]. generalize (Rmult_le_pos (mean n z - a) (ratio (b - a))). lra. }
  rewrite chord_ratio, ln_mult, ln_exp by (try apply exp_pos; assumption).
  generalize (log_tangent _ _ Q P). unfold gap, Rdiv.
  replace ((1 + (mean n z - a) * ratio (b - a)) * / ratio (b - a)) with (/ ratio (b - a) + (mean n z - a)) by (field; lra).
  lra.
Qed.

(** Logits of two values whose mean lies where [1 + (mean - a) ratio = ratio]. *)
Theorem jensen_upper_attained n z a b : (0 < n)%nat -> a < b ->
  (forall i, (i < n)%nat -> z i = a \/ z i = b) -> mean n z = a + 1 - / ratio (b - a) ->
  log_mass n z = ln (INR n) + mean n z + gap (b - a).
Proof.
  intros N L Z M. assert (0 < ratio (b - a)) as P by (apply ratio_pos; lra). unfold log_mass.
  rewrite (sum_ext n _ (fun i => on_chord a b (z i)))
    by (intros i I; unfold on_chord; destruct (Z i I) as [E|E]; rewrite E; field; lra).
  rewrite sum_chord, chord_ratio by assumption. rewrite M.
  replace (1 + (a + 1 - / ratio (b - a) - a) * ratio (b - a)) with (ratio (b - a)) by (field; lra).
  rewrite log_scale by (first [exact N | apply Rmult_lt_0_compat; [apply exp_pos | exact P]]).
  rewrite ln_mult, ln_exp by (try apply exp_pos; exact P). unfold gap. lra.
Qed.
