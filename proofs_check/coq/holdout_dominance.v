(** A lower bound on a mean, from a gambler who cannot win if the mean is as small as is claimed; for any number of
    documents, and any finite law of a document's gain.

    Documents are drawn one after another; a document that has gain [x i] is outcome [i < k]. A history is the list of
    the outcomes so far, the last one first. The law of the next outcome may depend on the history. *)
From Coq Require Import Reals Lra Lia List.
From Rdk Require Import Sums lipschitz no_free_dominance.
Open Scope R_scope.

Definition history : Set := list nat.

Definition possible (k : nat) (h : history) : Prop := Forall (fun i => (i < k)%nat) h.

(** The mean of [F] at the end, [n] draws after [h]. *)
Fixpoint mean (k n : nat) (p : history -> nat -> R) (F : history -> R) (h : history) : R :=
  match n with
  | O => F h
  | S m => sum k (fun i => p h i * mean k m p F (cons i h))
  end.

Definition drawn (k : nat) (p : history -> nat -> R) : Prop := forall h, law k (p h).

Definition next_mean (k : nat) (p : history -> nat -> R) (F : history -> R) (h : history) : R :=
  sum k (fun i => p h i * F (cons i h)).

(** The mean of the next gain, given the draws so far. *)
Definition next_gain (k : nat) (p : history -> nat -> R) (x : nat -> R) (h : history) : R :=
  sum k (fun i => p h i * x i).

(** Capital against the mean [m]: the bet on a draw depends on the draws before it only. *)
Fixpoint capital (x : nat -> R) (m : R) (bet : history -> R) (h : history) : R :=
  match h with
  | nil => 1
  | cons i t => capital x m bet t * (1 + bet t * (x i - m))
  end.

(** No more is bet than can be lost, with gains not below [low]. *)
Definition affordable (low m : R) (bet : history -> R) : Prop := forall h, 0 <= bet h /\ bet h * (m - low) <= 1.

(** The highest value on the way. *)
Fixpoint best (F : history -> R) (h : history) : R :=
  match h with
  | nil => F nil
  | cons _ t => Rmax (best F t) (F h)
  end.

Definition at_least (c v : R) : R := if Rle_dec c v then 1 else 0.

Definition exceeds (v c : R) : R := if Rlt_dec c v then 1 else 0.

(** Constant bets, as shares of the capital, and a first capital that is split over several. *)
Fixpoint staked (x : nat -> R) (low m c : R) (h : history) : R :=
  match h with
  | nil => 1
  | cons i t => staked x low m c t * (1 - c + c * ((x i - low) / (m - low)))
  end.

Definition mixture (j : nat) (w c x : nat -> R) (low m : R) (h : history) : R :=
  sum j (fun a => w a * staked x low m (c a) h).

Lemma mean_le k p F G (P : history -> Prop) : drawn k p ->
  (forall h i, P h -> (i < k)%nat -> 0 < p h i -> P (cons i h)) -> (forall h, P h -> F h <= G h) ->
  forall n h, P h -> mean k n p F h <= mean k n p G h.
Proof.
  intros D step L n. induction n as [|n IH]; intros h H; simpl; [apply L, H|].
  apply sum_le. intros i I. destruct (D h) as [D0 _]. specialize (D0 i I).
  destruct (Rle_lt_or_eq_dec 0 (p h i) D0) as [pos_i|zero].
  - apply Rmult_le_compat_l; [exact D0|]. apply IH, step; assumption.
  - rewrite <- zero. lra.
Qed.

Lemma mean_scale k p F c : forall n h, mean k n p (fun g => c * F g) h = c * mean k n p F h.
Proof.
  induction n as [|n IH]; intros h; simpl; [reflexivity|].
  rewrite <- sum_scale. apply sum_ext. intros i _. rewrite IH. ring.
Qed.

Lemma mean_sum k p j (F : nat -> history -> R) : forall n h,
  mean k n p (fun g => sum j (fun a => F a g)) h = sum j (fun a => mean k n p (F a) h).
Proof.
  induction n as [|n IH]; intros h; simpl; [reflexivity|].
  transitivity (sum k (fun i => sum j (fun a => p h i * mean k n p (F a) (cons i h)))).
  - apply sum_ext. intros i _. rewrite IH, sum_scale. reflexivity.
  - rewrite sum_swap. reflexivity.
Qed.

Lemma mean_ext k p F G : (forall h, F h = G h) -> forall n h, mean k n p F h = mean k n p G h.
Proof.
  intros E. induction n as [|n IH]; intros h; simpl; [apply E|].
  apply sum_ext. intros i _. rewrite IH. reflexivity.
Qed.

Lemma next_mean_capital k p x m bet h : drawn k p ->
  next_mean k p (capital x m bet) h = capital x m bet h * (1 + bet h * (next_gain k p x h - m)).
Proof.
  intros D. unfold next_mean, next_gain. simpl. destruct (D h) as [_ one].
  transitivity (capital x m bet h * (sum k (p h) + bet h * (sum k (fun i => p h i * x i) - m * sum k (p h)))).
  - rewrite <- !sum_scale, <- sum_minus, <- sum_scale, <- sum_plus, <- sum_scale.
    apply sum_ext. intros i _. ring.
  - rewrite one. ring.
Qed.

(** At the true mean the capital neither grows nor falls on average, however one bets. *)
Theorem fair k n p x m bet : drawn k p -> (forall h, next_gain k p x h = m) ->
  mean k n p (capital x m bet) nil = 1.
Proof.
  intros D M.
  assert (forall h, mean k n p (capital x m bet) h = capital x m bet h) as H; [|apply (H nil)].
  induction n as [|n IH]; intros h; [reflexivity|]. cbn [mean].
  transitivity (next_mean k p (capital x m bet) h).
  - unfold next_mean. apply sum_ext. intros i _. rewrite IH. reflexivity.
  - rewrite (next_mean_capital k p x m bet h D), M. ring.
Qed.

(** Ville's inequality: what does not grow on average and is never negative seldom grows much, at any time. *)
Theorem ville k n p F d : drawn k p -> 0 < d -> (forall h, possible k h -> 0 <= F h) ->
  (forall h, possible k h -> next_mean k p F h <= F h) ->
  mean k n p (fun h => at_least (/ d) (best F h)) nil <= d * F nil.
Proof.
  intros D dpos F0 down.
  assert (forall h, possible k h -> at_least (/ d) (F h) <= d * F h) as markov.
  { intros h H. specialize (F0 h H). unfold at_least. destruct (Rle_dec (/ d) (F h)) as [L|L].
    - apply (Rmult_le_compat_l d) in L; [|lra]. rewrite Rinv_r in L by lra. exact L.
    - apply Rmult_le_pos; lra. }
  assert (forall m h, mean k m p (fun g => at_least (/ d) (best F g)) h <= 1) as atmost.
  { induction m as [|m IH]; intros h; simpl.
    - unfold at_least. destruct (Rle_dec _ _); lra.
    - destruct (D h) as [D0 D1]. rewrite <- D1. apply sum_le. intros i I. specialize (D0 i I).
      specialize (IH (cons i h)). nra. }
  assert (forall m h, possible k h -> best F h < / d ->
    mean k m p (fun g => at_least (/ d) (best F g)) h <= d * F h) as H.
  { induction m as [|m IH]; intros h H B; cbn [mean].
    - unfold at_least. destruct (Rle_dec (/ d) (best F h)); [lra|].
      apply Rmult_le_pos; [lra|apply F0, H].
    - apply Rle_trans with (d * next_mean k p F h).
      2: { apply Rmult_le_compat_l; [lra|apply down, H]. }
      unfold next_mean. rewrite <- sum_scale. apply sum_le. intros i I.
      destruct (D h) as [D0 _]. specialize (D0 i I).
      assert (possible k (cons i h)) as Hi by (constructor; [exact I|exact H]).
      replace (d * (p h i * F (cons i h))) with (p h i * (d * F (cons i h))) by ring.
      apply Rmult_le_compat_l; [exact D0|].
      destruct (Rle_dec (/ d) (F (cons i h))) as [L|L].
      + apply Rle_trans with 1; [apply atmost|].
        apply (Rmult_le_compat_l d) in L; [|lra]. rewrite Rinv_r in L by lra. exact L.
      + apply IH; [exact Hi|]. simpl. apply Rmax_lub_lt; lra. }
  destruct (Rlt_dec (best F nil) (/ d)) as [B|B].
  - apply H; [constructor|exact B].
  - apply Rle_trans with 1; [apply atmost|]. simpl in B.
    assert (/ d <= F nil) as L by lra.
    apply (Rmult_le_compat_l d) in L; [|lra]. rewrite Rinv_r in L by lra. exact L.
Qed.

Lemma capital_nonneg k x low m bet h : (forall i, (i < k)%nat -> low <= x i) -> affordable low m bet ->
  possible k h -> 0 <= capital x m bet h.
Proof.
  intros X A H. induction H as [|i t I H IH]; simpl; [lra|].
  apply Rmult_le_pos; [exact IH|]. destruct (A t) as [A0 A1]. specialize (X i I). nra.
Qed.

(** Against a mean that is not too small, a capital seldom reaches [1/d], at any time, however one bets. *)
Theorem reach k n p x low m bet d : drawn k p -> 0 < d -> (forall i, (i < k)%nat -> low <= x i) ->
  affordable low m bet -> (forall h, next_gain k p x h <= m) ->
  mean k n p (fun h => at_least (/ d) (best (capital x m bet) h)) nil <= d.
Proof.
  intros D dpos X A M. apply Rle_trans with (d * capital x m bet nil); [|simpl; lra].
  apply (ville k n p (capital x m bet) d D dpos).
  - intros h H. apply (capital_nonneg k x low m bet h X A H).
  - intros h H. rewrite (next_mean_capital k p x m bet h D).
    specialize (M h). destruct (A h) as [A0 _].
    pose proof (capital_nonneg k x low m bet h X A H) as C.
    assert (bet h * (next_gain k p x h - m) <= 0) as N by nra.
    apply (Rmult_le_compat_l _ _ _ C) in N. lra.
Qed.

(** Sharp: a gain of [low] but for a probability [d] of the one that makes the mean [m]. *)
Theorem reach_sharp low m d : low < m -> 0 < d < 1 ->
  exists p x bet, drawn 2 p /\ (forall i, (i < 2)%nat -> low <= x i) /\ affordable low m bet /\
    (forall h, next_gain 2 p x h = m) /\
    mean 2 1 p (fun h => at_least (/ d) (best (capital x m bet) h)) nil = d.
Proof.
  intros L [d0 d1].
  exists (fun _ i => if Nat.eq_dec i 0 then 1 - d else d),
    (fun i => if Nat.eq_dec i 0 then low else low + (m - low) / d), (fun _ => / (m - low)).
  assert (0 < / d) by (apply Rinv_0_lt_compat; exact d0).
  assert (1 < / d) by (rewrite <- Rinv_1; apply Rinv_lt_contravar; lra).
  assert (/ (m - low) * (m - low) = 1) as one by (apply Rinv_l; lra).
  repeat split.
  - intros i _. simpl. destruct (Nat.eq_dec i 0); lra.
  - unfold sum. simpl. lra.
  - intros i _. destruct (Nat.eq_dec i 0); [lra|]. unfold Rdiv. nra.
  - left. apply Rinv_0_lt_compat. lra.
  - lra.
  - intros h. unfold next_gain, sum. simpl. field. lra.
  - unfold mean, sum. simpl.
    replace (1 * (1 + / (m - low) * (low - m))) with 0 by (field; lra).
    replace (1 * (1 + / (m - low) * (low + (m - low) / d - m))) with (/ d) by (field; lra).
    unfold at_least, Rmax. destruct (Rle_dec 1 0); [lra|]. destruct (Rle_dec 1 (/ d)); [|lra].
    destruct (Rle_dec (/ d) 1); [lra|]. destruct (Rle_dec (/ d) (/ d)); lra.
Qed.

(** The mean capital of constant bets, for independent documents of one law: 1 at the true mean. *)
Theorem constant_bets k n p x j w c low m : law k p -> low < m ->
  mean k n (fun _ => p) (mixture j w c x low m) nil =
  sum j (fun a => w a * (1 - c a + c a * ((sum k (fun i => p i * x i) - low) / (m - low))) ^ n).
Proof.
  intros [P0 P1] L. unfold mixture. rewrite mean_sum. apply sum_ext. intros a _.
  rewrite (mean_scale k (fun _ => p) (staked x low m (c a)) (w a)). f_equal.
  set (g := 1 - c a + c a * ((sum k (fun i => p i * x i) - low) / (m - low))).
  assert (forall h, mean k n (fun _ => p) (staked x low m (c a)) h = staked x low m (c a) h * g ^ n) as H.
  2: { rewrite H. simpl. ring. }
  induction n as [|n IH]; intros h; [simpl; ring|]. cbn [mean].
  transitivity (sum k (fun i => (staked x low m (c a) h * g ^ n) *
    ((1 - c a - c a * low / (m - low)) * p i + (c a / (m - low)) * (p i * x i)))).
  - apply sum_ext. intros i _. rewrite IH. simpl. field. lra.
  - rewrite sum_scale, sum_plus, !sum_scale, P1. unfold g. simpl. field. lra.
Qed.

Lemma staked_nonneg k x low m c h : low < m -> 0 <= c <= 1 -> (forall i, (i < k)%nat -> low <= x i) ->
  possible k h -> 0 <= staked x low m c h.
Proof.
  intros L C X H. induction H as [|i t I H IH]; simpl; [lra|]. apply Rmult_le_pos; [exact IH|].
  specialize (X i I).
  assert (0 <= (x i - low) / (m - low)) by (apply Rle_mult_inv_pos; lra). nra.
Qed.

Lemma staked_falls k x low m u c h : low < m <= u -> 0 <= c <= 1 -> (forall i, (i < k)%nat -> low <= x i) ->
  possible k h -> staked x low u c h <= staked x low m c h.
Proof.
  intros [L U] C X H. induction H as [|i t I H IH]; simpl; [lra|]. pose proof (X i I) as Xi.
  assert (0 <= (x i - low) / (u - low)) by (apply Rle_mult_inv_pos; lra).
  assert ((x i - low) / (u - low) <= (x i - low) / (m - low)).
  { unfold Rdiv. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
  apply Rmult_le_compat; [|nra|exact IH|nra].
  apply (staked_nonneg k x low u c t); [lra|exact C|exact X|exact H].
Qed.

(** The capital falls as the mean that it is held against grows. *)
Theorem falls k j w c x low m u h : law j w -> (forall a, (a < j)%nat -> 0 <= c a <= 1) ->
  (forall i, (i < k)%nat -> low <= x i) -> possible k h -> low < m <= u ->
  mixture j w c x low u h <= mixture j w c x low m h.
Proof.
  intros [W0 _] C X H U. apply sum_le. intros a A. apply Rmult_le_compat_l; [apply W0, A|].
  apply (staked_falls k); auto.
Qed.

(** With gains of [low] only, nothing is won. *)
Lemma staked_low x low m c h : low < m -> 0 <= c <= 1 -> Forall (fun i => x i = low) h ->
  0 <= staked x low m c h <= 1.
Proof.
  intros L C H. induction H as [|i t E H IH]; simpl; [lra|]. rewrite E.
  replace ((low - low) / (m - low)) with 0 by (field; lra). nra.
Qed.

(** The bound: any number against which the capital reaches [1/d], or else no more than [low]. It exceeds the true mean
    with probability [d] at most. *)
Theorem coverage k n p x j w c low d (bound : history -> R) :
  law k p -> (forall i, (i < k)%nat -> low <= x i) ->
  law j w -> (forall a, (a < j)%nat -> 0 <= c a <= 1) -> 0 < d < 1 ->
  (forall h, possible k h -> bound h <= low \/ / d <= mixture j w c x low (bound h) h) ->
  mean k n (fun _ => p) (fun h => exceeds (bound h) (sum k (fun i => p i * x i))) nil <= d.
Proof.
  intros P X W C [d0 d1] B. set (mu := sum k (fun i => p i * x i)).
  assert (1 < / d) as big by (rewrite <- Rinv_1; apply Rinv_lt_contravar; lra).
  assert (low <= mu) as M.
  { destruct P as [P0 P1]. unfold mu. replace low with (sum k (fun i => p i * low)).
    - apply sum_le. intros i I. apply Rmult_le_compat_l; [apply P0, I|apply X, I].
    - transitivity (sum k (fun i => low * p i)); [apply sum_ext; intros; ring|]. rewrite sum_scale, P1. ring. }
  assert (drawn k (fun _ => p)) as D by (intros _; exact P).
  destruct (Rle_lt_or_eq_dec low mu M) as [above|at_low].
  - apply Rle_trans with (mean k n (fun _ => p) (fun h => d * mixture j w c x low mu h) nil).
    + apply (mean_le k (fun _ => p) _ _ (possible k) D); [|
      |constructor].
      * intros h i H I _. constructor; assumption.
      * intros h H. unfold exceeds.
        assert (0 <= mixture j w c x low mu h) as pos_m.
        { apply sum_nonneg. intros a A. apply Rmult_le_pos; [apply W, A|].
          apply (staked_nonneg k); auto. }
        destruct (Rlt_dec mu (bound h)) as [E|E]; [|apply Rmult_le_pos; lra].
        destruct (B h H) as [F|F]; [lra|].
        assert (mixture j w c x low (bound h) h <= mixture j w c x low mu h) as G by (apply (falls k); auto; lra).
        assert (/ d <= mixture j w c x low mu h) as R1 by lra.
        apply (Rmult_le_compat_l d) in R1; [|lra]. rewrite Rinv_r in R1 by lra. exact R1.
    + rewrite (mean_scale k (fun _ => p) (mixture j w c x low mu) d n nil).
      rewrite (constant_bets k n p x j w c low mu P above). fold mu.
      replace (sum j (fun a => w a * (1 - c a + c a * ((mu - low) / (mu - low))) ^ n)) with 1; [lra|].
      destruct W as [_ W1]. symmetry. transitivity (sum j w); [|exact W1]. apply sum_ext. intros a _.
      replace ((mu - low) / (mu - low)) with 1 by (field; lra).
      replace (1 - c a + c a * 1) with 1 by ring. rewrite pow1. ring.
  - assert (forall i, (i < k)%nat -> 0 < p i -> x i = low) as E.
    { intros i I pos_i. destruct P as [P0 P1].
      assert (p i * (x i - low) = 0) as Z.
      { apply (sum_zero_terms k (fun a => p a * (x a - low))); [|
        |exact I].
        - intros a A. apply Rmult_le_pos; [apply P0, A|]. specialize (X a A). lra.
        - transitivity (sum k (fun a => p a * x a - low * p a)); [apply sum_ext; intros; ring|].
          rewrite sum_minus, sum_scale, P1. fold mu. lra. }
      apply Rmult_integral in Z. lra. }
    apply Rle_trans with (mean k n (fun _ => p) (fun _ => 0 * 1) nil).
    + apply (mean_le k (fun _ => p) _ _ (fun h => possible k h /\ Forall (fun i => x i = low) h) D);
        [| |split; constructor].
      * intros h i [H L] I pos_i. split; constructor; auto.
      * intros h [H L]. unfold exceeds. destruct (Rlt_dec mu (bound h)) as [A|A]; [|lra].
        exfalso. destruct (B h H) as [F|F]; [lra|].
        assert (mixture j w c x low (bound h) h <= 1); [|lra].
        destruct W as [W0 W1]. rewrite <- W1. apply sum_le. intros a Aj. specialize (W0 a Aj).
        destruct (staked_low x low (bound h) (c a) h) as [_ S]; [lra|auto|exact L|]. nra.
    + rewrite (mean_scale k (fun _ => p) (fun _ => 1) 0). lra.
Qed.

(** The gain of a kernel is bounded, either way, by the largest share of a row that leaves home. *)
Theorem range k n p q M kept g : law k q -> stochastic k n M -> law n p ->
  (forall i, (i < k)%nat -> (kept i < n)%nat) -> (forall i, (i < k)%nat -> 1 - M i (kept i) <= g) ->
  Rabs (alpha n p (moved k q M) - alpha n p (moved k q (fun i => point (kept i)))) <= g.
Proof.
  intros Q HM P K G.
  assert (stochastic k n (fun i => point (kept i))) as HE by (intros i I; apply point_law, K, I).
  pose proof (moved_law k n q M Q HM) as L. pose proof (moved_law k n q _ Q HE) as E.
  apply Rle_trans with (TV n (moved k q M) (moved k q (fun i => point (kept i)))); [apply lipschitz; assumption|].
  rewrite TV_sym, (TV_under n _ _ E L). destruct Q as [Q0 Q1].
  apply Rle_trans with (sum n (fun t => sum k (fun i => q i * pos (point (kept i) t - M i t)))).
  - apply sum_le. intros t T. unfold moved. rewrite <- sum_minus.
    assert (sum k (fun i => q i * point (kept i) t - q i * M i t) <=
            sum k (fun i => q i * pos (point (kept i) t - M i t))) as one.
    { apply sum_le. intros i I. specialize (Q0 i I). unfold pos.
      pose proof (Rmax_l (point (kept i) t - M i t) 0). nra. }
    assert (0 <= sum k (fun i => q i * pos (point (kept i) t - M i t))) as two.
    { apply sum_nonneg. intros i I. apply Rmult_le_pos; [apply Q0, I|apply Rmax_r]. }
    unfold pos at 1. apply Rmax_lub; assumption.
  - rewrite sum_swap. apply Rle_trans with (sum k (fun i => q i * g)).
    + apply sum_le. intros i I. rewrite sum_scale. apply Rmult_le_compat_l; [apply Q0, I|].
      apply Rle_trans with (1 - M i (kept i)); [|apply G, I]. right.
      rewrite <- (sum_point n (kept i) (fun t => 1 - M i t) (K i I)). apply sum_ext. intros t T.
      destruct (HM i I) as [M0 M1]. pose proof (M0 t T).
      assert (M i t <= 1) by (rewrite <- M1; apply sum_term; assumption).
      unfold point. destruct (Nat.eq_dec t (kept i)); cases.
    + right. transitivity (sum k (fun i => g * q i)); [apply sum_ext; intros; ring|]. rewrite sum_scale, Q1. ring.
Qed.

(** Sharp: where the token that leaves most is drawn, and wanted. *)
Theorem range_sharp k n M kept i : stochastic k n M -> (i < k)%nat -> (kept i < n)%nat ->
  alpha n (point (kept i)) (moved k (point i) M) -
  alpha n (point (kept i)) (moved k (point i) (fun a => point (kept a))) = - (1 - M i (kept i)).
Proof.
  intros HM I J.
  assert (alpha n (point (kept i)) (moved k (point i) M) = M i (kept i)) as ->.
  { rewrite (alpha_point n _ (kept i)); [apply moved_point, I | | exact J].
    apply moved_law; [apply point_law, I | exact HM]. }
  assert (alpha n (point (kept i)) (moved k (point i) (fun a => point (kept a))) = 1) as ->; [|ring].
  rewrite <- (sum_point_one n (kept i) J). unfold alpha. apply sum_ext. intros t _.
  rewrite (moved_point k _ i t I). cases.
Qed.

(** Two outcomes: a gain of [low], and with probability [s] one of [g]. *)
Definition coin (s : R) : nat -> R := fun i => if Nat.eq_dec i 0 then 1 - s else s.

(** The history that goes on with the second outcome only. *)
Fixpoint always (n : nat) (h : history) : history :=
  match n with
  | O => h
  | S m => always m (cons 1%nat h)
  end.

Lemma mean_always s n F : 0 <= s <= 1 -> (forall h, 0 <= F h) ->
  forall h, s ^ n * F (always n h) <= mean 2 n (fun _ => coin s) F h.
Proof.
  intros U F0. induction n as [|n IH]; intros h; [simpl; lra|]. cbn [mean always]. unfold sum.
  assert (forall m h, 0 <= mean 2 m (fun _ => coin s) F h) as M0.
  { induction m as [|m IHm]; intros g; [apply F0|]. cbn [mean]. apply sum_nonneg. intros i _.
    apply Rmult_le_pos; [unfold coin; destruct (Nat.eq_dec i 0); lra | apply IHm]. }
  specialize (M0 n (cons 0%nat h)). specialize (IH (cons 1%nat h)).
  change (coin s 0) with (1 - s). change (coin s 1) with s. change (s ^ S n) with (s * s ^ n).
  assert (0 <= (1 - s) * mean 2 n (fun _ => coin s) F (cons 0%nat h)) by (apply Rmult_le_pos; lra).
  apply (Rmult_le_compat_l s) in IH; lra.
Qed.

Lemma pow_lt_strict r s n : 0 <= r -> r < s -> (0 < n)%nat -> r ^ n < s ^ n.
Proof.
  intros r0 rs N. destruct n as [|n]; [lia|]. clear N. induction n as [|n IH]; [simpl; lra|].
  change (r ^ S (S n)) with (r * r ^ S n). change (s ^ S (S n)) with (s * s ^ S n).
  assert (0 <= r ^ S n) by (apply pow_le; exact r0).
  apply Rle_lt_trans with (s * r ^ S n); [apply Rmult_le_compat_r; lra | apply Rmult_lt_compat_l; lra].
Qed.

(** No valid bound is larger where every document gains the same: a law with a lower mean gives that sample too often. *)
Theorem no_better n r low g d (bound : history -> R) : 0 <= r < 1 -> (0 < n)%nat -> r ^ n = d -> low < g ->
  (forall s, 0 <= s <= 1 -> mean 2 n (fun _ => coin s) (fun h => exceeds (bound h) (low + s * (g - low))) nil <= d) ->
  bound (always n nil) <= low + r * (g - low).
Proof.
  intros [r0 r1] N E L V. apply Rnot_lt_le. intros T. set (b := bound (always n nil)) in *.
  set (s := Rmin 1 ((r + (b - low) / (g - low)) / 2)).
  assert ((b - low) / (g - low) * (g - low) = b - low) as Q by (field; lra).
  assert (r < (b - low) / (g - low)) as R1 by (apply (Rmult_lt_reg_r (g - low)); lra).
  assert (r < s) as rs by (unfold s; apply Rmin_glb_lt; lra).
  assert (s <= 1) as s1 by apply Rmin_l.
  assert (s < (b - low) / (g - low)) as sb.
  { apply Rle_lt_trans with ((r + (b - low) / (g - low)) / 2); [apply Rmin_r|lra]. }
  assert (low + s * (g - low) < b) as above.
  { apply (Rmult_lt_compat_r (g - low)) in sb; lra. }
  specialize (V s (conj (Rlt_le _ _ (Rle_lt_trans _ _ _ r0 rs)) s1)).
  assert (s ^ n * 1 <= d) as W.
  { apply Rle_trans with (2 := V).
    pose proof (mean_always s n (fun h => exceeds (bound h) (low + s * (g - low)))) as A.
    assert (exceeds (bound (always n nil)) (low + s * (g - low)) = 1) as X.
    { unfold exceeds. fold b. destruct (Rlt_dec _ _); [reflexivity|contradiction]. }
    rewrite <- X. apply A; [lra|]. intros h. unfold exceeds. destruct (Rlt_dec _ _); lra. }
  pose proof (pow_lt_strict r s n r0 rs N). lra.
Qed.
