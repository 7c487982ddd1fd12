(** Every entry of a softmax kernel with centred scores is at most e^s / n, and acceptance with it. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums softmax_first_order.
Open Scope R_scope.

Definition softmax (n : nat) (x : nat -> R) : nat -> R := fun j => exp (x j) / sum n (fun i => exp (x i)).

Lemma entry_bound n x s j : (0 < n)%nat -> sum n x = 0 -> (j < n)%nat -> x j <= s ->
  softmax n x j <= exp s / INR n.
Proof.
  intros N Z J B. assert (0 < INR n) as IN by (apply lt_0_INR, N).
  assert (INR n <= sum n (fun i => exp (x i))) as W.
  { replace (INR n) with (sum n (fun i => 1 + x i)) by (rewrite sum_plus, sum_const, Z; ring).
    apply sum_le. intros i _. destruct (Req_dec (x i) 0) as [->|D]; [rewrite exp_0; lra|left; apply exp_ineq1, D]. }
  unfold softmax, Rdiv. apply Rmult_le_compat; [left; apply exp_pos | left; apply Rinv_0_lt_compat; lra | |].
  - destruct B as [B| ->]; [left; apply exp_increasing, B | lra].
  - apply Rinv_le_contravar; assumption.
Qed.

Theorem entry n x s j : (0 < n)%nat -> sum n x = 0 -> (j < n)%nat -> x j <= s -> softmax n x j <= exp s / INR n.
Proof. apply entry_bound. Qed.

(** A mean of exponentials is at least the exponential of the mean. *)
Lemma jensen n x : INR n * exp (sum n x / INR n) <= sum n (fun i => exp (x i)).
Proof.
  destruct n as [|n]; [simpl; lra|]. set (N := S n). assert (0 < INR N) as P by (apply lt_0_INR; unfold N; lia).
  set (mean := sum N x / INR N).
  assert (sum N (fun i => exp mean * (1 + (x i - mean))) <= sum N (fun i => exp (x i))) as T.
  { apply sum_le. intros i I. replace (exp (x i)) with (exp mean * exp (x i - mean)).
    - apply Rmult_le_compat_l; [left; apply exp_pos|].
      destruct (Req_dec (x i - mean) 0) as [->|D]; [rewrite exp_0; lra|left; apply exp_ineq1, D].
    - rewrite <- exp_plus. f_equal. ring. }
  rewrite sum_scale, sum_plus, sum_minus, !sum_const in T.
  replace (sum N x) with (INR N * mean) in T by (unfold mean; field; lra). lra.
Qed.

(** The other tokens hold at least what they hold when they are equal. *)
Theorem sharp_entry n x s j : sum (S (S n)) x = 0 -> (j < S (S n))%nat -> x j <= s ->
  softmax (S (S n)) x j <= / (1 + INR (S n) * exp (- (s * INR (S (S n)) / INR (S n)))).
Proof.
  intros Z J B. set (N := S (S n)) in *. assert (0 < INR (S n)) as P by (apply lt_0_INR; lia).
  assert (INR N = INR (S n) + 1) as EN by (unfold N; rewrite (S_INR (S n)); reflexivity).
  (* the row with x j moved out: the others sum to - x j *)
  assert (exp (x j) * (1 + INR (S n) * exp (- (s * INR N / INR (S n)))) <= sum N (fun i => exp (x i))) as W.
  { set (u := - x j / INR (S n)).
    assert (sum N (fun i => exp u * (1 + (x i - u)) + point j i * (exp (x j) - exp u * (1 + (x j - u)))) <=
            sum N (fun i => exp (x i))) as T.
    { apply sum_le. intros i I. unfold point. destruct (Nat.eq_dec i j) as [->|D]; [lra|].
      assert (exp u * (1 + (x i - u)) <= exp (x i)); [|lra].
      replace (exp (x i)) with (exp u * exp (x i - u)) by (rewrite <- exp_plus; f_equal; ring).
      apply Rmult_le_compat_l; [left; apply exp_pos|].
      destruct (Req_dec (x i - u) 0) as [->|E]; [rewrite exp_0; lra|left; apply exp_ineq1, E]. }
    rewrite sum_plus, sum_scale, sum_plus, sum_minus, !sum_const, Z in T.
    rewrite (sum_point N j (fun _ => exp (x j) - exp u * (1 + (x j - u))) J) in T. rewrite EN in T.
    replace (exp u * ((INR (S n) + 1) * 1 + (0 - (INR (S n) + 1) * u)) + (exp (x j) - exp u * (1 + (x j - u))))
      with (exp (x j) + exp u * (INR (S n) - INR (S n) * u - x j)) in T by ring.
    replace (INR (S n) - INR (S n) * u - x j) with (INR (S n)) in T by (unfold u; field; lra).
    assert (exp (x j) * exp (- (s * INR N / INR (S n))) <= exp u) as E; [|].
    { rewrite <- exp_plus. assert (x j + - (s * INR N / INR (S n)) <= u) as L.
      { unfold u. apply (Rmult_le_reg_r (INR (S n))); [exact P|]. rewrite EN.
        replace ((x j + - (s * (INR (S n) + 1) / INR (S n))) * INR (S n)) with (x j * INR (S n) - s * (INR (S n) + 1))
          by (field; lra).
        replace (- x j / INR (S n) * INR (S n)) with (- x j) by (field; lra).
        assert (0 <= (s - x j) * (INR (S n) + 1)) by (apply Rmult_le_pos; lra). lra. }
      destruct L as [L|E]; [left; apply exp_increasing, L|rewrite E; lra]. }
    assert (INR (S n) * (exp (x j) * exp (- (s * INR N / INR (S n)))) <= INR (S n) * exp u)
      by (apply Rmult_le_compat_l; lra).
    lra. }
  assert (0 < 1 + INR (S n) * exp (- (s * INR N / INR (S n)))) as D.
  { assert (0 < INR (S n) * exp (- (s * INR N / INR (S n)))) by (apply Rmult_lt_0_compat; [exact P|apply exp_pos]).
    lra. }
  unfold softmax. apply (Rmult_le_reg_r (1 + INR (S n) * exp (- (s * INR N / INR (S n))))); [exact D|].
  rewrite Rinv_l by lra. assert (0 < sum N (fun i => exp (x i))) as WP.
  { eapply Rlt_le_trans; [|exact W]. apply Rmult_lt_0_compat; [apply exp_pos|exact D]. }
  apply (Rmult_le_reg_r (sum N (fun i => exp (x i)))); [exact WP|].
  replace (exp (x j) / sum N (fun i => exp (x i)) * (1 + INR (S n) * exp (- (s * INR N / INR (S n)))) *
    sum N (fun i => exp (x i))) with (exp (x j) * (1 + INR (S n) * exp (- (s * INR N / INR (S n))))) by (field; lra).
  lra.
Qed.

(** Attained: all tokens but one share the rest evenly. *)
Theorem sharp_entry_attained n s : let x := fun j => match j with O => s | _ => - (s / INR (S n)) end in
  sum (S (S n)) x = 0 /\
  softmax (S (S n)) x 0 = / (1 + INR (S n) * exp (- (s * INR (S (S n)) / INR (S n)))).
Proof.
  intros x. assert (0 < INR (S n)) as P by (apply lt_0_INR; lia).
  assert (forall (u : nat -> R) m, sum (S m) u = u O + sum m (fun i => u (S i))) as Head.
  { intros u m. induction m as [|m IH]; [simpl; ring|]. cbn [sum] in *. rewrite IH. ring. }
  split.
  - rewrite Head, (sum_ext (S n) _ (fun _ => - (s / INR (S n)))) by reflexivity. rewrite sum_const.
    change (x 0%nat) with s. field. lra.
  - unfold softmax. rewrite Head, (sum_ext (S n) _ (fun _ => exp (- (s / INR (S n))))) by reflexivity.
    rewrite sum_const. change (x 0%nat) with s.
    replace (exp (- (s * INR (S (S n)) / INR (S n)))) with (exp (- (s / INR (S n))) / exp s).
    + pose proof (exp_pos s). pose proof (exp_pos (- (s / INR (S n)))).
      assert (0 < INR (S n) * exp (- (s / INR (S n)))) by (apply Rmult_lt_0_compat; assumption). field. split; lra.
    + rewrite (S_INR (S n)).
      replace (- (s * (INR (S n) + 1) / INR (S n))) with (- (s / INR (S n)) + - s) by (field; lra).
      rewrite exp_plus, (exp_Ropp s). reflexivity.
Qed.

Theorem sharper n s :
  / (1 + INR (S n) * exp (- (s * INR (S (S n)) / INR (S n)))) <= exp s / INR (S (S n)).
Proof.
  assert (0 < INR (S n)) as P by (apply lt_0_INR; lia). set (N := INR (S (S n))).
  assert (N = INR (S n) + 1) as EN by (unfold N; rewrite (S_INR (S n)); reflexivity).
  pose proof (jensen (S (S n)) (fun i => match i with O => 0 | _ => - (s * N / INR (S n)) end)) as J. fold N in J.
  assert (forall (u : nat -> R) m, sum (S m) u = u O + sum m (fun i => u (S i))) as Head.
  { intros u m. induction m as [|m IH]; [simpl; ring|]. cbn [sum] in *. rewrite IH. ring. }
  rewrite (Head _ (S n)), (Head _ (S n)) in J.
  rewrite !sum_const, exp_0 in J.
  replace ((0 + INR (S n) * - (s * N / INR (S n))) / N) with (- s) in J by (field; lra).
  assert (0 < INR (S n) * exp (- (s * N / INR (S n)))) by (apply Rmult_lt_0_compat; [exact P|apply exp_pos]).
  replace (exp s / N) with (/ (N * exp (- s))).
  - apply Rinv_le_contravar; [apply Rmult_lt_0_compat; [lra|apply exp_pos]|exact J].
  - rewrite exp_Ropp. pose proof (exp_pos s). field. split; lra.
Qed.

(** Entries of a covariance are at most the largest variance: contexts c have weights w, tokens values a c t. *)
Theorem variances_suffice m w (a : nat -> nat -> R) v i j : (forall c, (c < m)%nat -> 0 <= w c) ->
  sum m (fun c => w c * (a c i * a c i)) <= v -> sum m (fun c => w c * (a c j * a c j)) <= v ->
  sum m (fun c => w c * (a c i * a c j)) <= v.
Proof.
  intros W I J. assert (0 <= sum m (fun c => w c * ((a c i - a c j) * (a c i - a c j)))) as S.
  { apply sum_nonneg. intros c C. apply Rmult_le_pos; [auto|apply Rle_0_sqr]. }
  rewrite (sum_ext m _ (fun c => w c * (a c i * a c i) + w c * (a c j * a c j) - 2 * (w c * (a c i * a c j)))) in S
    by (intros; ring).
  rewrite (sum_minus m (fun c => w c * (a c i * a c i) + w c * (a c j * a c j))), sum_plus, sum_scale in S. lra.
Qed.

(** A row is within tanh(s/2) of the uniform law. *)
Theorem distance_from_uniform n x s : (0 < n)%nat -> 0 <= s -> (forall j, (j < n)%nat -> - s <= x j <= s) ->
  (exp s + 1) * TV n (softmax n x) (fun _ => / INR n) <= exp s - 1.
Proof.
  intros N S B. assert (0 < INR n) as P by (apply lt_0_INR, N).
  assert (0 < sum n (fun i => exp (x i))) as W.
  { apply (Rlt_le_trans _ (exp (x 0%nat))); [apply exp_pos|].
    apply (sum_term n (fun i => exp (x i)) 0); [intros i _; left; apply exp_pos|exact N]. }
  set (Z := sum n (fun i => exp (x i))) in *. assert (0 < / Z) as IZ by (apply Rinv_0_lt_compat, W).
  apply (ratio_bound n _ _ (INR n / Z * exp (- s)) (exp s)).
  - split; [intros j _; apply Rmult_le_pos; [left; apply exp_pos|fold Z; lra]|].
    unfold softmax, Rdiv. fold Z. rewrite (sum_ext n _ (fun j => / Z * exp (x j))) by (intros; ring).
    rewrite sum_scale. fold Z. field. lra.
  - split; [intros; left; apply Rinv_0_lt_compat, P|]. rewrite sum_const. field. lra.
  - apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra|apply exp_pos].
  - destruct (Req_dec s 0) as [->|D]; [rewrite exp_0; lra|]. pose proof (exp_ineq1 s D). lra.
  - intros j J. specialize (B j J). unfold softmax. fold Z.
    replace (INR n / Z * exp (- s) * / INR n) with (exp (- s) / Z) by (field; lra).
    replace (INR n / Z * exp (- s) * (exp s * exp s) * / INR n) with (exp s / Z).
    + split; apply Rmult_le_compat_r; try lra; (destruct (Req_dec (x j) s) as [E|E]; [|]).
      * rewrite E. destruct (Req_dec s 0) as [->|D]; [rewrite Ropp_0; lra|left; apply exp_increasing; lra].
      * destruct (Req_dec (- s) (x j)) as [<-|D]; [lra|left; apply exp_increasing; lra].
      * rewrite E. lra.
      * left. apply exp_increasing. lra.
    + rewrite exp_Ropp. pose proof (exp_pos s). field. repeat split; lra.
Qed.

(** Contexts c of weight w c, with targets p c and drafts q c; one kernel. *)
Theorem flat_kernel_limit m w k n p q X s : (forall c, (c < m)%nat -> 0 <= w c) -> (0 < n)%nat ->
  (forall c, (c < m)%nat -> law k (q c)) ->
  (forall i, (i < k)%nat -> sum n (X i) = 0) ->
  (forall i j, (i < k)%nat -> (j < n)%nat -> X i j <= s) ->
  sum m (fun c => w c * alpha n (p c) (moved k (q c) (fun i => softmax n (X i)))) <=
  sum m (fun c => w c * sum n (fun t => Rmin (p c t) (exp s / INR n))).
Proof.
  intros W N Q Z B. apply sum_le. intros c C. destruct (Q c C) as [Q0 Q1]. apply Rmult_le_compat_l; [auto|].
  apply sum_le. intros t T.
  assert (moved k (q c) (fun i => softmax n (X i)) t <= exp s / INR n); [|cases].
  rewrite <- (Rmult_1_r (exp s / INR n)), <- Q1, <- sum_scale. apply sum_le. intros i I.
  rewrite (Rmult_comm (exp s / INR n)). apply Rmult_le_compat_l; [apply Q0, I|].
  apply entry_bound; auto.
Qed.

(** The mean target is enough for the bound. *)
Theorem from_the_mean_target m w k n p q X s : law m w -> (0 < n)%nat ->
  (forall c, (c < m)%nat -> law k (q c)) ->
  (forall i, (i < k)%nat -> sum n (X i) = 0) ->
  (forall i j, (i < k)%nat -> (j < n)%nat -> X i j <= s) ->
  sum m (fun c => w c * alpha n (p c) (moved k (q c) (fun i => softmax n (X i)))) <=
  sum n (fun t => Rmin (sum m (fun c => w c * p c t)) (exp s / INR n)).
Proof.
  intros [W0 W1] N Q Z B. eapply Rle_trans; [apply (flat_kernel_limit m w k n p q X s); assumption|].
  rewrite (sum_ext m _ (fun c => sum n (fun t => w c * Rmin (p c t) (exp s / INR n))))
    by (intros; rewrite sum_scale; reflexivity).
  rewrite sum_swap. apply sum_le. intros t _. apply Rmin_glb.
  - apply sum_le. intros c C. apply Rmult_le_compat_l; [auto|apply Rmin_l].
  - apply (Rle_trans _ (sum m (fun c => w c * (exp s / INR n)))).
    2: { rewrite (sum_ext m _ (fun c => exp s / INR n * w c)) by (intros; ring). rewrite sum_scale, W1. lra. }
    apply sum_le. intros c C. apply Rmult_le_compat_l; [auto|apply Rmin_r].
Qed.
