(** Jensen's lower bound on the log-mass of the cold logits. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Theorem jensen_cold_mass n z : (0 < n)%nat ->
  ln (INR n) + sum n z / INR n <= ln (sum n (fun i => exp (z i))).
Proof.
  intros N. assert (0 < INR n) as P by (apply lt_0_INR, N). set (mean := sum n z / INR n).
  assert (INR n * exp mean <= sum n (fun i => exp (z i))) as H.
  { assert (sum n (fun i => exp mean * (1 + (z i - mean))) <= sum n (fun i => exp (z i))) as T.
    { apply sum_le. intros i I. replace (exp (z i)) with (exp mean * exp (z i - mean)).
      - apply Rmult_le_compat_l; [left; apply exp_pos|].
        destruct (Req_dec (z i - mean) 0) as [->|D]; [rewrite exp_0; lra|left; apply exp_ineq1, D].
      - rewrite <- exp_plus. f_equal. ring. }
    rewrite sum_scale, sum_plus, sum_minus, !sum_const in T.
    replace (sum n z) with (INR n * mean) in T by (unfold mean; field; lra). lra. }
  rewrite <- (ln_exp mean), <- ln_mult; [|exact P|apply exp_pos].
  destruct H as [H|H].
  - left. apply ln_increasing; [apply Rmult_lt_0_compat; [exact P|apply exp_pos] | exact H].
  - right. f_equal. exact H.
Qed.
