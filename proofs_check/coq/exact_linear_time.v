(** Drawing the residual by proposing from the target: the law of the loop, with any number of tries before a
    fall-back. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity lossless.
Open Scope R_scope.

Section Loop.
  Variables (n : nat) (p r : nat -> R).
  Hypothesis p_law : law n p.
  Hypothesis r_law : law n r.

  (** One try: y is proposed with probability p y and kept with probability (1 - r y / p y)_+. *)
  Definition kept (y : nat) : R := p y * pos (1 - r y / p y).

  Lemma kept_is_positive_part y : (y < n)%nat -> kept y = pos (p y - r y).
  Proof.
    intros Y. unfold kept. assert (0 <= p y) by (apply p_law, Y). assert (0 <= r y) by (apply r_law, Y).
    destruct (Req_dec (p y) 0) as [->|N].
    - rewrite Rmult_0_l. cases.
    - assert (p y * (1 - r y / p y) = p y - r y) as E by (field; exact N).
      unfold pos, Rmax. destruct (Rle_dec (1 - r y / p y) 0) as [L|L], (Rle_dec (p y - r y) 0) as [M|M]; try lra.
      + assert (p y * (1 - r y / p y) <= p y * 0) by (apply Rmult_le_compat_l; assumption). lra.
      + assert (p y * 0 < p y * (1 - r y / p y)) by (apply Rmult_lt_compat_l; lra). lra.
  Qed.

  (** A try succeeds with the probability of a rejection. *)
  Lemma success : sum n kept = deficit n p r.
  Proof. apply sum_ext. intros y Y. apply kept_is_positive_part, Y. Qed.

  (** Any law that reproduces itself under one more try is the residual. *)
  Theorem fixed_point_is_residual (L : nat -> R) : deficit n p r <> 0 ->
    (forall y, (y < n)%nat -> L y = kept y + (1 - sum n kept) * L y) ->
    forall y, (y < n)%nat -> L y = residual n p r y.
  Proof.
    intros D F y Y. specialize (F y Y). rewrite success, (kept_is_positive_part y Y) in F.
    unfold residual. apply (Rmult_eq_reg_l (deficit n p r)); [|exact D].
    replace (deficit n p r * (pos (p y - r y) / deficit n p r)) with (pos (p y - r y)) by (field; exact D). lra.
  Qed.

  (** The loop with m tries and the full residual as fall-back. *)
  Fixpoint loop (m : nat) : nat -> R :=
    match m with
    | O => residual n p r
    | S m' => fun y => kept y + (1 - sum n kept) * loop m' y
    end.

  Lemma loop_is_residual m y : (y < n)%nat -> deficit n p r * loop m y = pos (p y - r y).
  Proof.
    intros Y. induction m as [|m IH]; simpl.
    - apply rejected_residual, Y.
    - rewrite success, (kept_is_positive_part y Y), Rmult_plus_distr_l.
      replace (deficit n p r * ((1 - deficit n p r) * loop m y)) with ((1 - deficit n p r) * (deficit n p r * loop m y))
        by ring.
      rewrite IH. ring.
  Qed.

  (** Whatever the number of tries, the emitted token has the target's law. *)
  Theorem law_is_target m y : (y < n)%nat ->
    r y * Rmin 1 (p y / r y) + (1 - accepted n p r) * loop m y = p y.
  Proof.
    intros Y. rewrite (rejected_is_deficit n p r p_law r_law), (loop_is_residual m y Y).
    rewrite accepted_term by (apply p_law || apply r_law; exact Y). cases.
  Qed.

  (** Probability that every one of m tries fails, given a rejection. *)
  Fixpoint failed (m : nat) : R := match m with O => 1 | S m' => (1 - sum n kept) * failed m' end.

  Theorem fall_back_probability m :
    (1 - accepted n p r) * failed m = (1 - alpha n p r) * alpha n p r ^ m.
  Proof.
    assert (1 - sum n kept = alpha n p r) as E.
    { rewrite success, (alpha_under n p r p_law). unfold deficit. lra. }
    destruct (acceptance_identity n p r p_law r_law) as [-> _]. f_equal.
    induction m as [|m IH]; simpl; [reflexivity|]. rewrite E, IH. reflexivity.
  Qed.

  (** Tries counted for each drafted token, fall-back or not: the expectation is 1 - alpha ^ m, so never above 1. *)
  Fixpoint tries (m : nat) : R := match m with O => 0 | S m' => 1 + (1 - sum n kept) * tries m' end.

  Theorem expected_tries m : (1 - accepted n p r) * tries m = 1 - alpha n p r ^ m.
  Proof.
    assert (1 - sum n kept = alpha n p r) as E.
    { rewrite success, (alpha_under n p r p_law). unfold deficit. lra. }
    destruct (acceptance_identity n p r p_law r_law) as [-> _].
    induction m as [|m IH]; simpl; [lra|]. rewrite E.
    replace ((1 - alpha n p r) * (1 + alpha n p r * tries m))
      with ((1 - alpha n p r) + alpha n p r * ((1 - alpha n p r) * tries m)) by ring.
    rewrite IH. ring.
  Qed.
End Loop.
