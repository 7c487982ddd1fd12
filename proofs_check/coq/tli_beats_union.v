(** Restricting the drafter to the kept tokens never lowers acceptance; it raises it iff some token gains. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** [q] is the part of the draft law on the n target tokens (0 on tokens that are not shared); its mass m may be
    below 1, the rest being on tokens that the target lacks or that were pruned. *)
Section Restriction.
  Variables (n : nat) (p q : nat -> R) (m : R).
  Hypothesis q_nonneg : forall t, (t < n)%nat -> 0 <= q t.
  Hypothesis q_mass : sum n q = m.
  Hypothesis m_range : 0 < m <= 1.

  Definition tli : nat -> R := fun t => q t / m.

  Lemma tli_law : law n tli.
  Proof.
    split.
    - intros t T. unfold tli. apply Rmult_le_pos; [apply q_nonneg, T|]. left. apply Rinv_0_lt_compat. lra.
    - unfold tli, Rdiv. rewrite (sum_ext n _ (fun t => / m * q t)) by (intros; lra).
      rewrite sum_scale, q_mass. field. lra.
  Qed.

  Lemma tli_ge t : (t < n)%nat -> q t <= tli t.
  Proof.
    intros T. unfold tli. apply (Rmult_le_reg_r m); [lra|].
    replace (q t / m * m) with (q t) by (field; lra).
    rewrite <- (Rmult_1_r (q t)) at 2. apply Rmult_le_compat_l; [apply q_nonneg, T|lra].
  Qed.

  Theorem tli_beats_union : alpha n p q <= alpha n p tli.
  Proof. apply sum_le. intros t T. pose proof (tli_ge t T). cases. Qed.

  (** Strict iff mass was lost and some drafted token is under-covered. *)
  Theorem strict_iff : alpha n p q < alpha n p tli <-> m < 1 /\ exists t, (t < n)%nat /\ 0 < q t < p t.
  Proof.
    split.
    - intros L. apply sum_lt_exists in L; [|intros t T; pose proof (tli_ge t T); cases].
      destruct L as [t [T S]]. pose proof (q_nonneg t T). pose proof (tli_ge t T).
      assert (q t < p t) by cases. assert (q t < tli t) as G by cases.
      assert (0 < q t) as Z.
      { destruct (Req_dec (q t) 0) as [Z|]; [|lra]. unfold tli in G. rewrite Z in G. unfold Rdiv in G. lra. }
      split; [|exists t; auto].
      destruct (Rlt_dec m 1) as [|M]; [assumption|]. exfalso.
      assert (m = 1) as E by lra. unfold tli in G. rewrite E in G. unfold Rdiv in G. rewrite Rinv_1 in G. lra.
    - intros [M [t [T [Z S]]]]. apply (sum_lt n _ _ t); [|exact T|].
      + intros u U. pose proof (tli_ge u U). cases.
      + assert (q t < tli t); [|cases].
        unfold tli. apply (Rmult_lt_reg_r m); [lra|].
        replace (q t / m * m) with (q t) by (field; lra).
        rewrite <- (Rmult_1_r (q t)) at 2. apply Rmult_lt_compat_l; lra.
  Qed.
End Restriction.
