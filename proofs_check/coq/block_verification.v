(** Verifying a chain of any length as a block: what is emitted has the target's law, and at least as many tokens are
    accepted in expectation as token by token.

    A prefix is a list of tokens, the latest first; target and draft give a law after each. *)

From Coq Require Import Reals Lra Lia List.
From Rdk Require Import Sums acceptance_identity lossless.
Import ListNotations.
Open Scope R_scope.

Section Chain.
  Variables (n : nat) (p r : list nat -> nat -> R).
  Hypothesis p_law : forall pre, law n (p pre).
  Hypothesis r_law : forall pre, law n (r pre).

  (** Probability that the target goes on with these tokens. *)
  Fixpoint target (pre ys : list nat) : R :=
    match ys with [] => 1 | y :: l => p pre y * target (y :: pre) l end.

  (** Weight of a prefix that is longer by x, mass of the residual, and the probability that the prefix passes. *)
  Definition next (pre : list nat) (w : R) (x : nat) : R := Rmin 1 (w * p pre x / r pre x).
  Definition excess (pre : list nat) (w : R) : R := sum n (fun t => pos (w * p pre t - r pre t)).
  Definition passes (pre : list nat) (w : R) : R := excess pre w / (excess pre w + 1 - w).

  (** The draft has reached [pre], of weight w, and j more tokens follow. Probability that neither this prefix nor a
      longer one passes: the prefixes pass independently of each other, given the chain, the whole chain with its
      weight. *)
  Fixpoint missed (j : nat) (pre : list nat) (w : R) : R :=
    match j with
    | O => 1 - w
    | S j' => (1 - passes pre w) * sum n (fun x => r pre x * missed j' (x :: pre) (next pre w x))
    end.

  (** Probability that no longer prefix passes. *)
  Definition missed_below (j : nat) (pre : list nat) (w : R) : R :=
    sum n (fun x => r pre x * missed j (x :: pre) (next pre w x)).

  (** Probability that this prefix or a longer one is accepted, and that what is emitted after it, then gone on with
      by the target, is ys: either the draft goes on with the first of ys and a longer prefix is accepted, or this one
      is the longest that passes, and the next token is drawn from the residual. *)
  Fixpoint emitted_block (j : nat) (pre : list nat) (w : R) (ys : list nat) : R :=
    match j, ys with
    | _, [] => 0
    | O, y :: l => w * (p pre y * target (y :: pre) l)
    | S j', y :: l =>
        r pre y * emitted_block j' (y :: pre) (next pre w y) l +
        missed_below j' pre w * passes pre w * (pos (w * p pre y - r pre y) / excess pre w) * target (y :: pre) l
    end.

  (** Expected number of accepted tokens, on the event that this prefix, of i tokens, or a longer one is accepted. *)
  Fixpoint length_block (j : nat) (pre : list nat) (w : R) (i : nat) : R :=
    match j with
    | O => w * INR i
    | S j' => sum n (fun x => r pre x * length_block j' (x :: pre) (next pre w x) (S i)) +
              missed_below j' pre w * passes pre w * INR i
    end.

  (** The closed form: W of the prefixes that are longer by 1, ..., j tokens, summed; d is the draft's probability of
      the prefix, W that of its acceptance. *)
  Fixpoint weights (j : nat) (pre : list nat) (d W : R) : R :=
    match j with
    | O => 0
    | S j' => sum n (fun x => Rmin (d * r pre x) (W * p pre x) +
                              weights j' (x :: pre) (d * r pre x) (Rmin (d * r pre x) (W * p pre x)))
    end.

  (** Token by token: law, expected number, and the products of overlaps summed. *)
  Fixpoint emitted_tokens (j : nat) (pre ys : list nat) : R :=
    match j, ys with
    | _, [] => 0
    | O, y :: l => p pre y * target (y :: pre) l
    | S j', y :: l => r pre y * Rmin 1 (p pre y / r pre y) * emitted_tokens j' (y :: pre) l +
                      (1 - accepted n (p pre) (r pre)) * residual n (p pre) (r pre) y * target (y :: pre) l
    end.

  Fixpoint length_tokens (j : nat) (pre : list nat) (i : nat) : R :=
    match j with
    | O => INR i
    | S j' => sum n (fun x => r pre x * Rmin 1 (p pre x / r pre x) * length_tokens j' (x :: pre) (S i)) +
              (1 - accepted n (p pre) (r pre)) * INR i
    end.

  Fixpoint products (j : nat) (pre : list nat) (m : R) : R :=
    match j with
    | O => 0
    | S j' => sum n (fun x => m * Rmin (p pre x) (r pre x) + products j' (x :: pre) (m * Rmin (p pre x) (r pre x)))
    end.

  Lemma signs pre t : (t < n)%nat -> 0 <= p pre t /\ 0 <= r pre t.
  Proof. intros T. split; [apply (p_law pre), T | apply (r_law pre), T]. Qed.

  Lemma next_mass pre w x : 0 <= w -> (x < n)%nat -> r pre x * next pre w x = Rmin (r pre x) (w * p pre x).
  Proof.
    intros W X. destruct (signs pre x X). unfold next. rewrite accepted_term; [apply Rmin_comm| |assumption].
    apply Rmult_le_pos; assumption.
  Qed.

  Lemma next_range pre w x : 0 <= w -> (x < n)%nat -> 0 <= next pre w x <= 1.
  Proof.
    intros W X. destruct (signs pre x X) as [P Q]. unfold next.
    assert (0 <= w * p pre x / r pre x).
    { apply Rmult_le_pos; [apply Rmult_le_pos; assumption|]. destruct (Req_dec (r pre x) 0) as [->|N].
      - rewrite Rinv_0. lra.
      - left. apply Rinv_0_lt_compat. lra. }
    cases.
  Qed.

  Lemma excess_nonneg pre w : 0 <= excess pre w.
  Proof. apply sum_nonneg. intros; cases. Qed.

  Lemma overlap_and_excess pre w : sum n (fun x => Rmin (r pre x) (w * p pre x)) = w - excess pre w.
  Proof.
    unfold excess. transitivity (sum n (fun x => w * p pre x - pos (w * p pre x - r pre x))).
    - apply sum_ext. intros; cases.
    - rewrite sum_minus, sum_scale, (proj2 (p_law pre)). ring.
  Qed.

  (** A prefix and all longer ones fail with probability 1 - w. *)
  Lemma missed_is j : forall pre w, 0 <= w <= 1 -> missed j pre w = 1 - w.
  Proof.
    induction j as [|j IH]; intros pre w W; [reflexivity|]. simpl.
    rewrite (sum_ext n _ (fun x => r pre x - Rmin (r pre x) (w * p pre x))).
    - rewrite sum_minus, overlap_and_excess, (proj2 (r_law pre)). unfold passes. pose proof (excess_nonneg pre w).
      destruct (Req_dec (excess pre w + 1 - w) 0) as [Z|N]; [|field; exact N].
      replace (1 - (w - excess pre w)) with (excess pre w + 1 - w) by ring. rewrite Z. lra.
    - intros x X. rewrite IH by (apply next_range; [lra|exact X]).
      rewrite <- (next_mass pre w x) by (lra || exact X). ring.
  Qed.

  Lemma missed_below_is j pre w : 0 <= w <= 1 -> missed_below j pre w = excess pre w + 1 - w.
  Proof.
    intros W. unfold missed_below. rewrite (sum_ext n _ (fun x => r pre x - Rmin (r pre x) (w * p pre x))).
    - rewrite sum_minus, overlap_and_excess, (proj2 (r_law pre)). ring.
    - intros x X. rewrite missed_is by (apply next_range; [lra|exact X]).
      rewrite <- (next_mass pre w x) by (lra || exact X). ring.
  Qed.

  Lemma stopped j pre w : 0 <= w <= 1 -> missed_below j pre w * passes pre w = excess pre w.
  Proof.
    intros W. rewrite (missed_below_is j pre w W). unfold passes. pose proof (excess_nonneg pre w).
    destruct (Req_dec (excess pre w + 1 - w) 0) as [Z|N]; [|field; exact N]. rewrite Z. lra.
  Qed.

  Lemma block_law j : forall pre w ys, 0 <= w <= 1 -> length ys = S j -> Forall (fun y => (y < n)%nat) ys ->
    emitted_block j pre w ys = w * target pre ys.
  Proof.
    induction j as [|j IH]; intros pre w ys W L F; destruct ys as [|y l]; try discriminate; simpl; [reflexivity|].
    pose proof (Forall_inv F) as Y. pose proof (Forall_inv_tail F) as F'. simpl in Y.
    rewrite IH; [|apply next_range; [lra|exact Y]|simpl in L; lia|exact F'].
    rewrite (stopped j pre w W).
    assert (excess pre w * (pos (w * p pre y - r pre y) / excess pre w) = pos (w * p pre y - r pre y)) as ->.
    { destruct (Req_dec (excess pre w) 0) as [Z|N]; [|field; exact N]. rewrite Z, Rmult_0_l. symmetry.
      apply (sum_zero_terms n (fun t => pos (w * p pre t - r pre t))); [intros; cases|exact Z|exact Y]. }
    rewrite <- Rmult_assoc, next_mass by (lra || exact Y). rewrite <- Rmult_plus_distr_r, <- Rmult_assoc. f_equal.
    cases.
  Qed.

  Theorem block_is_lossless g ys : length ys = S g -> Forall (fun y => (y < n)%nat) ys ->
    emitted_block g [] 1 ys = target [] ys.
  Proof. intros L F. rewrite block_law by (lra || assumption). ring. Qed.

  (** Some prefix, if only the empty one, is always accepted. *)
  Theorem block_ends g : missed g [] 1 = 0.
  Proof. rewrite missed_is by lra. ring. Qed.

  Lemma scaled_min d a b : 0 <= d -> d * Rmin a b = Rmin (d * a) (d * b).
  Proof.
    intros D. destruct (Rle_dec a b) as [L|L].
    - assert (d * a <= d * b) by (apply Rmult_le_compat_l; assumption). rewrite !Rmin_left by assumption. reflexivity.
    - assert (d * b <= d * a) by (apply Rmult_le_compat_l; lra). rewrite !Rmin_right by lra. reflexivity.
  Qed.

  Lemma block_length j : forall pre w i d, 0 <= w <= 1 -> 0 <= d ->
    d * length_block j pre w i = d * w * INR i + weights j pre d (d * w).
  Proof.
    induction j as [|j IH]; intros pre w i d W D; [simpl; ring|]. cbn [length_block weights].
    rewrite (stopped j pre w W), Rmult_plus_distr_l, <- sum_scale.
    rewrite (sum_ext n (fun x => d * (r pre x * length_block j (x :: pre) (next pre w x) (S i)))
      (fun x => (INR i * d) * Rmin (r pre x) (w * p pre x) +
                (Rmin (d * r pre x) (d * w * p pre x) +
                 weights j (x :: pre) (d * r pre x) (Rmin (d * r pre x) (d * w * p pre x))))).
    - rewrite sum_plus, sum_scale, overlap_and_excess. ring.
    - intros x X. destruct (signs pre x X) as [_ Q].
      rewrite <- Rmult_assoc, IH; [|apply next_range; [lra|exact X]|apply Rmult_le_pos; assumption].
      assert (Rmin (d * r pre x) (d * w * p pre x) = d * Rmin (r pre x) (w * p pre x)) as ->.
      { rewrite (scaled_min d) by assumption. f_equal. ring. }
      rewrite <- (next_mass pre w x) by (lra || exact X). rewrite S_INR.
      replace (d * r pre x * next pre w x) with (d * (r pre x * next pre w x)) by ring. ring.
  Qed.

  Theorem block_accepts g : length_block g [] 1 0 = weights g [] 1 1.
  Proof. pose proof (block_length g [] 1 0 1) as H. rewrite !Rmult_1_l in H. rewrite H by lra. simpl. ring. Qed.

  Theorem tokens_are_lossless g : forall pre ys, length ys = S g -> Forall (fun y => (y < n)%nat) ys ->
    emitted_tokens g pre ys = target pre ys.
  Proof.
    induction g as [|g IH]; intros pre ys L F; destruct ys as [|y l]; try discriminate; simpl; [reflexivity|].
    pose proof (Forall_inv F) as Y. pose proof (Forall_inv_tail F) as F'. simpl in Y.
    rewrite IH by (simpl in L; lia || exact F'). rewrite <- Rmult_plus_distr_r. f_equal.
    apply (lossless n (p pre) (r pre) (p_law pre) (r_law pre) y Y).
  Qed.

  Lemma tokens_length j : forall pre i m, m * length_tokens j pre i = m * INR i + products j pre m.
  Proof.
    induction j as [|j IH]; intros pre i m; [simpl; ring|]. cbn [length_tokens products].
    rewrite Rmult_plus_distr_l, <- sum_scale.
    rewrite (sum_ext n (fun x => m * (r pre x * Rmin 1 (p pre x / r pre x) * length_tokens j (x :: pre) (S i)))
      (fun x => (INR i * m) * Rmin (p pre x) (r pre x) +
                (m * Rmin (p pre x) (r pre x) + products j (x :: pre) (m * Rmin (p pre x) (r pre x))))).
    - rewrite sum_plus, sum_scale. destruct (acceptance_identity n (p pre) (r pre) (p_law pre) (r_law pre)) as [-> _].
      unfold alpha. ring.
    - intros x X. destruct (signs pre x X) as [P Q]. rewrite accepted_term by assumption.
      rewrite <- Rmult_assoc, IH, S_INR. ring.
  Qed.

  Theorem tokens_accept g : length_tokens g [] 0 = products g [] 1.
  Proof. pose proof (tokens_length g [] 0 1) as H. rewrite !Rmult_1_l in H. rewrite H. simpl. ring. Qed.

  Lemma one_step pre d W m x : (x < n)%nat -> 0 <= m <= W -> W <= d ->
    0 <= m * Rmin (p pre x) (r pre x) <= Rmin (d * r pre x) (W * p pre x) /\
    Rmin (d * r pre x) (W * p pre x) <= d * r pre x.
  Proof.
    intros X M D. destruct (signs pre x X) as [P Q]. assert (0 <= Rmin (p pre x) (r pre x)) by cases.
    split; [split; [apply Rmult_le_pos; lra|]|apply Rmin_l]. apply Rmin_glb.
    - apply Rmult_le_compat; [lra|assumption|lra|apply Rmin_r].
    - apply Rmult_le_compat; [lra|assumption|lra|apply Rmin_l].
  Qed.

  Lemma block_above j : forall pre d W m, 0 <= m <= W -> W <= d -> products j pre m <= weights j pre d W.
  Proof.
    induction j as [|j IH]; intros pre d W m M D; simpl; [lra|]. apply sum_le. intros x X.
    destruct (one_step pre d W m x X M D) as [A B]. pose proof (IH (x :: pre) _ _ _ A B). lra.
  Qed.

  Theorem block_accepts_at_least g : length_tokens g [] 0 <= length_block g [] 1 0.
  Proof. rewrite tokens_accept, block_accepts. apply block_above; lra. Qed.

  (** Within j tokens after a prefix of weight w that the draft reaches with probability d: a prefix of weight between
      0 and 1, and then a token that the draft can draw and the target likes better. *)
  Fixpoint gains (j : nat) (pre : list nat) (d w : R) : Prop :=
    match j with
    | O => False
    | S j' => exists x, (x < n)%nat /\ ((0 < d * r pre x /\ 0 < w < 1 /\ r pre x < p pre x) \/
                                       gains j' (x :: pre) (d * r pre x) (next pre w x))
    end.

  Lemma weight_of_next pre d w x : (x < n)%nat -> 0 <= w -> 0 <= d ->
    Rmin (d * r pre x) (d * w * p pre x) = d * r pre x * next pre w x.
  Proof.
    intros X W D. replace (d * r pre x * next pre w x) with (d * (r pre x * next pre w x)) by ring.
    rewrite next_mass, (scaled_min d) by assumption. f_equal. ring.
  Qed.

  Lemma gain_is_strict j : forall pre d w m, 0 <= w <= 1 -> 0 <= d -> 0 <= m <= d * w -> gains j pre d w ->
    m < d * w \/ products j pre m < weights j pre d (d * w).
  Proof.
    induction j as [|j IH]; intros pre d w m W D M G; simpl in G; [contradiction|]. destruct G as [x [X G]].
    destruct (Rlt_dec m (d * w)) as [|N]; [left; assumption|]. right. assert (m = d * w) as -> by lra. simpl.
    assert (d * w <= d) as U.
    { rewrite <- (Rmult_1_r d) at 2. apply Rmult_le_compat_l; lra. }
    assert (forall t, (t < n)%nat ->
      d * w * Rmin (p pre t) (r pre t) + products j (t :: pre) (d * w * Rmin (p pre t) (r pre t)) <=
      Rmin (d * r pre t) (d * w * p pre t) + weights j (t :: pre) (d * r pre t) (Rmin (d * r pre t) (d * w * p pre
        t))) as Le.
    { intros t T. destruct (one_step pre d (d * w) (d * w) t T M U) as [A B].
      pose proof (block_above j (t :: pre) _ _ _ A B). lra. }
    apply (sum_lt n _ _ x); [exact Le|exact X|].
    destruct (one_step pre d (d * w) (d * w) x X M U) as [A B]. pose proof (block_above j (x :: pre) _ _ _ A B) as Up.
    destruct (signs pre x X) as [P Q].
    destruct G as [[R0 [W0 L]]|G].
    - assert (d * w * Rmin (p pre x) (r pre x) < Rmin (d * r pre x) (d * w * p pre x)); [|lra].
      rewrite Rmin_right by lra.
      assert (0 < d) by (destruct (Req_dec d 0) as [Z|]; [rewrite Z in R0; lra|lra]).
      assert (0 < r pre x) by (destruct (Req_dec (r pre x) 0) as [Z|]; [rewrite Z in R0; lra|lra]).
      assert (d * r pre x * w < d * r pre x * 1) by (apply Rmult_lt_compat_l; lra).
      assert (d * w * r pre x < d * w * p pre x).
      { apply Rmult_lt_compat_l; [apply Rmult_lt_0_compat; lra|assumption]. }
      apply Rmin_glb_lt; lra.
    - assert (0 <= d * r pre x) as D' by (apply Rmult_le_pos; assumption).
      rewrite weight_of_next in * by (lra || assumption).
      destruct (IH (x :: pre) (d * r pre x) (next pre w x) (d * w * Rmin (p pre x) (r pre x))) as [S|S];
        [apply next_range; [lra|exact X]|exact D'|exact A|exact G|lra|lra].
  Qed.

  Lemma strict_is_gain j : forall pre d w, 0 <= w <= 1 -> 0 <= d ->
    products j pre (d * w) < weights j pre d (d * w) -> gains j pre d w.
  Proof.
    induction j as [|j IH]; intros pre d w W D L; simpl in *; [lra|].
    assert (d * w <= d) as U.
    { rewrite <- (Rmult_1_r d) at 2. apply Rmult_le_compat_l; lra. }
    assert (0 <= d * w <= d * w) as M by (split; [apply Rmult_le_pos; lra|lra]).
    apply sum_lt_exists in L.
    - destruct L as [x [X L]]. exists x. split; [exact X|]. destruct (signs pre x X) as [P Q].
      destruct (one_step pre d (d * w) (d * w) x X M U) as [A B].
      destruct (Req_dec (d * w * Rmin (p pre x) (r pre x)) (Rmin (d * r pre x) (d * w * p pre x))) as [E|N].
      + right. rewrite <- E in L. rewrite E in L. rewrite weight_of_next in L by (lra || assumption).
        apply IH; [apply next_range; [lra|exact X]|apply Rmult_le_pos; assumption|lra].
      + left. assert (d * w * Rmin (p pre x) (r pre x) < Rmin (d * r pre x) (d * w * p pre x)) as S by lra.
        assert (0 < d * r pre x) as R0 by (pose proof (Rmin_l (d * r pre x) (d * w * p pre x)); lra).
        assert (r pre x < p pre x) as Better.
        { destruct (Rlt_dec (r pre x) (p pre x)) as [|F]; [assumption|]. exfalso.
          rewrite (Rmin_left (p pre x)) in S by lra. pose proof (Rmin_r (d * r pre x) (d * w * p pre x)). lra. }
        rewrite (Rmin_right (p pre x)) in S by lra.
        split; [exact R0|]. split; [|exact Better]. split.
        * destruct (Req_dec w 0) as [Z|]; [|lra]. exfalso. pose proof (Rmin_r (d * r pre x) (d * w * p pre x)) as V.
          rewrite Z in *. rewrite Rmult_0_r, !Rmult_0_l in *. lra.
        * destruct (Req_dec w 1) as [Z|]; [|lra]. exfalso. pose proof (Rmin_l (d * r pre x) (d * w * p pre x)) as V.
          rewrite Z in *. rewrite Rmult_1_r in *. lra.
    - intros x X. destruct (one_step pre d (d * w) (d * w) x X M U) as [A B].
      pose proof (block_above j (x :: pre) _ _ _ A B). lra.
  Qed.

  Theorem strict_iff g : length_tokens g [] 0 < length_block g [] 1 0 <-> gains g [] 1 1.
  Proof.
    rewrite tokens_accept, block_accepts. split.
    - intros L. apply strict_is_gain; [lra|lra|]. rewrite Rmult_1_r. exact L.
    - intros G. destruct (gain_is_strict g [] 1 1 1) as [S|S]; try assumption; try lra. rewrite Rmult_1_r in S. exact S.
  Qed.
  (** Any verifier of g drafts, seen from outside: [A pre] is the probability that the draft begins with [pre] and
      all of it is accepted, [J pre y] that exactly [pre] is accepted and y is emitted next. *)
  Fixpoint drafted (pre : list nat) : R :=
    match pre with [] => 1 | x :: l => drafted l * r l x end.

  Fixpoint wanted (pre : list nat) : R :=
    match pre with [] => 1 | x :: l => wanted l * p l x end.

  Definition known (pre : list nat) : Prop := Forall (fun x => (x < n)%nat) pre.

  Definition verifier (g : nat) (A : list nat -> R) (J : list nat -> nat -> R) : Prop :=
    A [] = 1 /\
    (forall pre y, known pre -> (y < n)%nat -> (length pre <= g)%nat -> 0 <= A pre <= drafted pre /\ 0 <= J pre y) /\
    (forall pre, known pre -> (length pre < g)%nat -> A pre = sum n (J pre) + sum n (fun x => A (x :: pre))) /\
    (forall pre, known pre -> length pre = g -> A pre = sum n (J pre)).

  (** Probability that [pre] is what is emitted and then gone on with by the target, its last token emitted or later. *)
  Fixpoint completed (J : list nat -> nat -> R) (pre : list nat) : R :=
    match pre with [] => 0 | x :: l => J l x + completed J l * p l x end.

  Definition lossless_verifier (g : nat) (A : list nat -> R) (J : list nat -> nat -> R) : Prop :=
    verifier g A J /\ forall ys, known ys -> length ys = S g -> completed J ys = wanted ys.

  (** Expected number of accepted tokens beyond [pre], of j that may follow: probabilities of acceptance, summed. *)
  Fixpoint accepted_length (A : list nat -> R) (j : nat) (pre : list nat) : R :=
    match j with
    | O => 0
    | S j' => sum n (fun x => A (x :: pre) + accepted_length A j' (x :: pre))
    end.

  Lemma wanted_sum pre : sum n (fun y => wanted (y :: pre)) = wanted pre.
  Proof. simpl. rewrite sum_scale, (proj2 (p_law pre)). ring. Qed.

  Lemma completed_sum J pre : sum n (fun y => completed J (y :: pre)) = sum n (J pre) + completed J pre.
  Proof. simpl. rewrite sum_plus, sum_scale, (proj2 (p_law pre)). ring. Qed.

  (** What begins with [pre] was accepted up to there, or is already past the draft. *)
  Lemma balance g A J : lossless_verifier g A J -> forall j pre, (j + length pre = g)%nat -> known pre ->
    A pre + completed J pre = wanted pre.
  Proof.
    intros [[_ [_ [Step End]]] L] j. induction j as [|j IH]; intros pre G K.
    - rewrite (End pre K) by (simpl in G; lia). rewrite <- completed_sum, <- wanted_sum. apply sum_ext. intros y Y.
      apply L; [constructor; assumption|simpl in *; lia].
    - rewrite (Step pre K) by lia. rewrite (Rplus_comm (sum n (J pre))), Rplus_assoc, <- completed_sum, <- sum_plus.
      rewrite <- wanted_sum. apply sum_ext. intros x X. apply IH; [simpl; lia|constructor; assumption].
  Qed.

  Lemma accepted_step g A J pre x : lossless_verifier g A J -> known pre -> (x < n)%nat -> (length pre < g)%nat ->
    A (x :: pre) <= Rmin (drafted pre * r pre x) (A pre * p pre x).
  Proof.
    intros V K X G. assert (known (x :: pre)) as K' by (constructor; assumption).
    pose proof (balance g A J V (g - length pre) pre ltac:(lia) K) as B.
    pose proof (balance g A J V (g - S (length pre)) (x :: pre) ltac:(simpl; lia) K') as B'.
    destruct V as [[_ [Pos _]] _]. destruct (Pos pre x K X ltac:(lia)) as [_ J0].
    destruct (Pos (x :: pre) x K' X ltac:(simpl; lia)) as [[_ D] _]. simpl in B', D. apply Rmin_glb; [exact D|].
    assert (A pre * p pre x + completed J pre * p pre x = wanted pre * p pre x) by (rewrite <- B; ring). lra.
  Qed.

  Lemma weights_monotone j : forall pre d W W', W <= W' -> weights j pre d W <= weights j pre d W'.
  Proof.
    induction j as [|j IH]; intros pre d W W' L; simpl; [lra|]. apply sum_le. intros x X.
    destruct (signs pre x X) as [P _]. assert (W * p pre x <= W' * p pre x) by (apply Rmult_le_compat_r; assumption).
    assert (Rmin (d * r pre x) (W * p pre x) <= Rmin (d * r pre x) (W' * p pre x)) as M by cases.
    pose proof (IH (x :: pre) (d * r pre x) _ _ M). lra.
  Qed.

  Lemma accepted_below g A J : lossless_verifier g A J -> forall j pre, (j + length pre <= g)%nat -> known pre ->
    accepted_length A j pre <= weights j pre (drafted pre) (A pre).
  Proof.
    intros V j. induction j as [|j IH]; intros pre G K; simpl; [lra|]. apply sum_le. intros x X.
    pose proof (accepted_step g A J pre x V K X ltac:(lia)) as S.
    pose proof (IH (x :: pre) ltac:(simpl; lia) ltac:(constructor; assumption)) as I. simpl in I.
    pose proof (weights_monotone j (x :: pre) (drafted pre * r pre x) _ _ S). lra.
  Qed.

  Theorem no_lossless_verifier_accepts_more g A J : lossless_verifier g A J ->
    accepted_length A g [] <= length_block g [] 1 0.
  Proof.
    intros V. rewrite block_accepts. pose proof (accepted_below g A J V g [] ltac:(simpl; lia) ltac:(constructor)) as B.
    simpl in B. destruct V as [[A1 _] _]. rewrite A1 in B. exact B.
  Qed.

  (** Block verification seen from outside: the weight of a prefix times the draft's probability of it, and what the
      target wants beyond it. *)
  Fixpoint block_accepted (pre : list nat) : R :=
    match pre with [] => 1 | x :: l => Rmin (drafted l * r l x) (block_accepted l * p l x) end.

  Definition block_stopped (g : nat) (pre : list nat) (y : nat) : R :=
    block_accepted pre * p pre y - (if le_lt_dec g (length pre) then 0 else block_accepted (y :: pre)).

  Lemma block_range pre : known pre -> 0 <= block_accepted pre <= drafted pre.
  Proof.
    induction pre as [|x l IH]; intros K; [simpl; lra|]. simpl.
    pose proof (Forall_inv K) as X. pose proof (Forall_inv_tail K) as K'. simpl in X. destruct (signs l x X) as [P Q].
    destruct (IH K') as [B0 B1]. split; [|apply Rmin_l]. apply Rmin_glb; apply Rmult_le_pos; lra.
  Qed.

  Lemma block_completed g ys : (length ys <= g)%nat -> completed (block_stopped g) ys = wanted ys - block_accepted ys.
  Proof.
    induction ys as [|y l IH]; intros G; [simpl; ring|]. cbn [completed wanted]. simpl in G. rewrite IH by lia.
    unfold block_stopped. destruct (le_lt_dec g (length l)); [lia|]. ring.
  Qed.

  Lemma block_is_verifier g : lossless_verifier g block_accepted (block_stopped g).
  Proof.
    split; [split; [reflexivity|split; [|split]]|].
    - intros pre y K Y G. split; [apply block_range, K|]. unfold block_stopped. pose proof (block_range pre K) as B.
      destruct (signs pre y Y) as [P _]. assert (0 <= block_accepted pre * p pre y) by (apply Rmult_le_pos; lra).
      destruct (le_lt_dec g (length pre)); [lra|]. simpl.
      pose proof (Rmin_r (drafted pre * r pre y) (block_accepted pre * p pre y)). lra.
    - intros pre K G. rewrite <- sum_plus. transitivity (sum n (fun x => block_accepted pre * p pre x)).
      + rewrite sum_scale, (proj2 (p_law pre)). ring.
      + apply sum_ext. intros x X. unfold block_stopped. destruct (le_lt_dec g (length pre)); [lia|]. ring.
    - intros pre K G. transitivity (sum n (fun x => block_accepted pre * p pre x)).
      + rewrite sum_scale, (proj2 (p_law pre)). ring.
      + apply sum_ext. intros x X. unfold block_stopped. destruct (le_lt_dec g (length pre)); [ring|lia].
    - intros ys K G. destruct ys as [|y l]; [discriminate|]. simpl in G. cbn [completed wanted].
      rewrite block_completed by lia. unfold block_stopped. destruct (le_lt_dec g (length l)); [ring|lia].
  Qed.

  Lemma block_accepted_length j : forall pre, accepted_length block_accepted j pre =
    weights j pre (drafted pre) (block_accepted pre).
  Proof.
    induction j as [|j IH]; intros pre; simpl; [reflexivity|]. apply sum_ext. intros x X. rewrite IH. reflexivity.
  Qed.

  Theorem block_is_best g : lossless_verifier g block_accepted (block_stopped g) /\
    accepted_length block_accepted g [] = length_block g [] 1 0.
  Proof.
    split; [apply block_is_verifier|]. rewrite block_accepts, block_accepted_length. reflexivity.
  Qed.
End Chain.

(** Two tokens, two drafts: 11/9 against 10/9. *)
Theorem two_tokens :
  let p := fun (_ : list nat) t => match t with O => / 3 | _ => 2 / 3 end in
  let r := fun (_ : list nat) t => match t with O => 2 / 3 | _ => / 3 end in
  length_block 2 p r 2 [] 1 0 = 11 / 9 /\ length_tokens 2 p r 2 [] 0 = 10 / 9.
Proof.
  intros p r.
  assert (forall pre, law 2 (p pre)) as P by (intros pre; split; [intros [|[|t]] T; try lia; unfold p; lra|unfold p,
    sum; lra]).
  assert (forall pre, law 2 (r pre)) as Q by (intros pre; split; [intros [|[|t]] T; try lia; unfold r; lra|unfold r,
    sum; lra]).
  rewrite (block_accepts 2 p r P Q), (tokens_accept 2 p r P Q).
  unfold weights, products, sum, p, r. simpl.
  rewrite (Rmin_right (1 * (2 / 3)) (1 * / 3)), (Rmin_left (1 * / 3) (1 * (2 / 3))) by lra.
  rewrite (Rmin_left (/ 3) (2 / 3)), (Rmin_right (2 / 3) (/ 3)) by lra.
  repeat match goal with |- context [Rmin ?a ?b] => (rewrite (Rmin_left a b) by lra) || (rewrite (Rmin_right a b) by
    lra) end.
  split; lra.
Qed.
