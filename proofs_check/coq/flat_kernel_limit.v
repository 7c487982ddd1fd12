(** Every entry of a softmax kernel with centred scores is at most e^s / n, and acceptance with it. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
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

Theorem flat_kernel_limit k n p q X s : (0 < n)%nat -> law k q ->
  (forall i, (i < k)%nat -> sum n (X i) = 0) ->
  (forall i j, (i < k)%nat -> (j < n)%nat -> X i j <= s) ->
  alpha n p (moved k q (fun i => softmax n (X i))) <= sum n (fun t => Rmin (p t) (exp s / INR n)).
Proof.
  intros N [Q0 Q1] Z B. apply sum_le. intros t T.
  assert (moved k q (fun i => softmax n (X i)) t <= exp s / INR n); [|cases].
  rewrite <- (Rmult_1_r (exp s / INR n)), <- Q1, <- sum_scale. apply sum_le. intros i I.
  rewrite (Rmult_comm (exp s / INR n)). apply Rmult_le_compat_l; [apply Q0, I|].
  apply entry_bound; auto.
Qed.
