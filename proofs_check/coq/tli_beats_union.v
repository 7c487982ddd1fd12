(** Restricting the drafter to the kept tokens never lowers acceptance; it raises it iff some token gains. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity.
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

  (** The gain is at most the mass that is not kept. *)
  Lemma kept_and_foreign : sum n (fun t => tli t - q t) = 1 - m.
  Proof. rewrite sum_minus, (proj2 tli_law), q_mass. reflexivity. Qed.

  Theorem at_most_the_foreign_mass : alpha n p tli - alpha n p q <= 1 - m.
  Proof.
    rewrite <- kept_and_foreign. unfold alpha. rewrite <- sum_minus. apply sum_le. intros t T.
    pose proof (tli_ge t T). cases.
  Qed.

  Theorem all_foreign_mass_iff : (forall t, (t < n)%nat -> 0 <= p t) ->
    (alpha n p tli - alpha n p q = 1 - m <-> m = 1 \/ forall t, (t < n)%nat -> tli t <= p t).
  Proof.
    intros P. rewrite <- kept_and_foreign at 1. unfold alpha. rewrite <- sum_minus. split.
    - intros E. destruct (Req_dec m 1) as [|N]; [left; assumption|right]. intros t T.
      pose proof (tli_ge t T) as G. specialize (P t T).
      assert (tli t - q t - (Rmin (p t) (tli t) - Rmin (p t) (q t)) = 0) as Z.
      { apply (sum_zero_terms n (fun u => tli u - q u - (Rmin (p u) (tli u) - Rmin (p u) (q u))));
          [intros u U; pose proof (tli_ge u U); cases|rewrite (sum_minus n (fun u => tli u - q u)); lra|exact T]. }
      destruct (Rle_dec (tli t) (p t)) as [|B]; [assumption|]. exfalso.
      assert (tli t = q t) as F by cases.
      assert (q t = 0) as Q.
      { unfold tli in F. apply (Rmult_eq_reg_r (1 - m)); [|lra].
        assert (q t / m * m = q t) as D by (field; lra). rewrite F in D. lra. }
      rewrite F, Q in B. lra.
    - intros [M|H]; apply sum_ext; intros t T.
      + assert (tli t = q t) as -> by (unfold tli; rewrite M; field). ring.
      + specialize (H t T). pose proof (tli_ge t T). cases.
  Qed.

  Theorem at_most_in_proportion : (forall t, (t < n)%nat -> 0 <= p t) -> m * alpha n p tli <= alpha n p q.
  Proof.
    intros P. unfold alpha. rewrite <- sum_scale. apply sum_le. intros t T. specialize (P t T).
    assert (m * tli t = q t) by (unfold tli; field; lra). apply Rmin_glb.
    - assert (m * Rmin (p t) (tli t) <= m * p t) by (apply Rmult_le_compat_l; [lra|apply Rmin_l]).
      assert (m * p t <= 1 * p t) by (apply Rmult_le_compat_r; lra). lra.
    - assert (m * Rmin (p t) (tli t) <= m * tli t) by (apply Rmult_le_compat_l; [lra|apply Rmin_r]). lra.
  Qed.
End Restriction.

(** Both samplers played out: TLI drafts from the restricted law; the union drafts from q and accepts nothing that is
    not kept. *)
Theorem played_out n p q m : law n p -> (forall t, (t < n)%nat -> 0 <= q t) -> sum n q = m -> 0 < m <= 1 ->
  accepted n p (tli q m) = alpha n p (tli q m) /\ accepted n p q = alpha n p q.
Proof.
  intros P Q E M. split.
  - apply (acceptance_identity n p (tli q m) P). apply (tli_law n q m); assumption.
  - apply sum_ext. intros t T. apply accepted_term; [apply P, T|apply Q, T].
Qed.
