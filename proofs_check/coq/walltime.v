(** When drafting pays, for which draft length, and for which size of the drafter's head. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums expected_tokens.
Open Scope R_scope.

(** Tokens of a call with g drafts over its cost, when plain decoding makes one token in time 1. *)
Definition speedup (a c : R) (g : nat) : R := mean_tokens a g / (INR g * c + 1).

Lemma cost_positive c g : 0 <= c -> 0 < INR g * c + 1.
Proof. intros C. assert (0 <= INR g * c) by (apply Rmult_le_pos; [apply pos_INR|exact C]). lra. Qed.

Theorem speedup_closed a c g : a <> 1 -> 0 <= c ->
  speedup a c g = (1 - a ^ S g) / ((1 - a) * (INR g * c + 1)).
Proof.
  intros A C. pose proof (cost_positive c g C). unfold speedup. rewrite series, <- closed_form. field. lra.
Qed.

Theorem speedup_certain c g : speedup 1 c g = INR (S g) / (INR g * c + 1).
Proof.
  unfold speedup. rewrite series. f_equal. rewrite (sum_ext _ _ (fun _ => 1)) by (intros; apply pow1).
  rewrite sum_const. ring.
Qed.

Lemma power_le_one a g : 0 <= a <= 1 -> 0 <= a ^ g <= 1.
Proof.
  intros A. induction g as [|g IH]; simpl; [lra|].
  assert (0 <= a * a ^ g) by (apply Rmult_le_pos; lra).
  assert (a * a ^ g <= 1 * a ^ g) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma series_below a g : 0 <= a <= 1 -> sum (S g) (fun k => a ^ k) <= 1 + INR g * a.
Proof.
  intros A. induction g as [|g IH]; [simpl; lra|].
  cbn [sum] in *. rewrite S_INR. pose proof (power_le_one a g A).
  assert (a ^ S g <= a); [|lra].
  simpl. rewrite <- (Rmult_1_r a) at 3. apply Rmult_le_compat_l; lra.
Qed.

Lemma quotient_le x y d : 0 < d -> x <= y -> x / d <= y / d.
Proof. intros D L. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, D|exact L]. Qed.

Lemma quotient_lt_iff x d y e : 0 < d -> 0 < e -> (x / d < y / e <-> x * e < y * d).
Proof.
  intros D E. assert (0 < d * e) by (apply Rmult_lt_0_compat; assumption). split; intros L.
  - assert (x / d * (d * e) < y / e * (d * e)) as M by (apply Rmult_lt_compat_r; assumption).
    replace (x / d * (d * e)) with (x * e) in M by (field; lra).
    replace (y / e * (d * e)) with (y * d) in M by (field; lra). exact M.
  - apply (Rmult_lt_reg_r (d * e)); [assumption|].
    replace (x / d * (d * e)) with (x * e) by (field; lra). replace (y / e * (d * e)) with (y * d) by (field; lra).
    exact L.
Qed.

Theorem upper_bound a c g : 0 <= a <= 1 -> 0 <= c -> speedup a c g <= (1 + INR g * a) / (INR g * c + 1).
Proof.
  intros A C. unfold speedup. rewrite series. apply quotient_le; [apply cost_positive, C|apply series_below, A].
Qed.

Theorem upper_bound_attained c g : 0 <= c -> speedup 1 c g = (1 + INR g * 1) / (INR g * c + 1).
Proof. intros C. rewrite speedup_certain, S_INR. f_equal. ring. Qed.

Lemma gains a c g : 0 <= c -> (1 < speedup a c g <-> INR g * c + 1 < sum (S g) (fun k => a ^ k)).
Proof.
  intros C. pose proof (cost_positive c g C). unfold speedup. rewrite series.
  rewrite <- (Rinv_1), <- (Rmult_1_l (/ 1)). rewrite (quotient_lt_iff 1 1 _ _) by lra. lra.
Qed.

(** Some draft length gains iff acceptance exceeds the cost of a draft step, and then one token already does. *)
Theorem gain_iff a c : 0 <= a <= 1 -> 0 <= c ->
  ((exists g, (1 <= g)%nat /\ 1 < speedup a c g) <-> c < a) /\ (1 < speedup a c 1 <-> c < a).
Proof.
  intros A C. assert (1 < speedup a c 1 <-> c < a) as One by (rewrite (gains a c 1 C); simpl; lra).
  split; [|exact One]. split.
  - intros [g [G P]]. apply (gains a c g C) in P. pose proof (series_below a g A).
    destruct (Rlt_dec c a) as [|N]; [assumption|]. exfalso.
    assert (INR g * a <= INR g * c) by (apply Rmult_le_compat_l; [apply pos_INR|lra]). lra.
  - intros L. exists 1%nat. split; [lia|]. apply One, L.
Qed.

(** A sum of falling terms over a cost that grows evenly has one hill: it climbs while the next term is worth more
    than the ratio so far, and after that never again. *)
Section Hill.
  Variables (d : nat -> R) (base c b : R).
  Hypothesis d_falls : forall k, d (S k) <= d k.
  Hypothesis c_nonneg : 0 <= c.
  Hypothesis b_positive : 0 < b.

  Definition top (k : nat) : R := base + sum k d.
  Definition cost (k : nat) : R := b + INR k * c.
  Definition ratio (k : nat) : R := top k / cost k.

  Lemma cost_pos k : 0 < cost k.
  Proof. unfold cost. assert (0 <= INR k * c) by (apply Rmult_le_pos; [apply pos_INR|exact c_nonneg]). lra. Qed.

  Lemma climbs k : ratio k < ratio (S k) <-> c * top k < d k * cost k.
  Proof.
    pose proof (cost_pos k). pose proof (cost_pos (S k)). unfold ratio. rewrite quotient_lt_iff by assumption.
    unfold top, cost. cbn [sum]. rewrite S_INR.
    split; intros L; lra.
  Qed.

  Lemma climbs_by_ratio k : ratio k < ratio (S k) <-> c * ratio k < d k.
  Proof.
    rewrite climbs. pose proof (cost_pos k). unfold ratio. split; intros L.
    - apply (Rmult_lt_reg_r (cost k)); [assumption|].
      replace (c * (top k / cost k) * cost k) with (c * top k) by (field; lra).
      exact L.
    - assert (c * (top k / cost k) * cost k < d k * cost k) as M by (apply Rmult_lt_compat_r; assumption).
      replace (c * (top k / cost k) * cost k) with (c * top k) in M by (field; lra). exact M.
  Qed.

  Lemma stays_down k : ~ ratio k < ratio (S k) -> ~ ratio (S k) < ratio (S (S k)).
  Proof.
    rewrite !climbs. intros N L. apply N. pose proof (cost_pos k). pose proof (cost_pos (S k)). pose proof (d_falls k).
    assert (d (S k) * cost (S k) <= d k * cost (S k)) by (apply Rmult_le_compat_r; lra).
    assert (c * top (S k) = c * top k + c * d k) as E by (unfold top; cbn [sum]; ring).
    assert (d k * cost (S k) = d k * cost k + c * d k) as F by (unfold cost; rewrite S_INR; ring).
    lra.
  Qed.

  Lemma down_from k j : ~ ratio k < ratio (S k) -> ratio (k + j) <= ratio k.
  Proof.
    intros N. assert (~ ratio (k + j) < ratio (S (k + j)) /\ ratio (k + j) <= ratio k) as [_ H]; [|exact H].
    induction j as [|j [IH H]].
    - rewrite Nat.add_0_r. split; [exact N|lra].
    - rewrite Nat.add_succ_r. split; [apply stays_down, IH|lra].
  Qed.

  Lemma up_to i k : (forall j, (i <= j < k)%nat -> ratio j < ratio (S j)) ->
    forall j, (i <= j <= k)%nat -> ratio j <= ratio k.
  Proof.
    induction k as [|k IH]; intros U j J.
    - replace j with 0%nat by lia. lra.
    - destruct (Nat.eq_dec j (S k)) as [->|D]; [lra|].
      assert (ratio j <= ratio k) by (apply IH; [intros; apply U; lia|lia]).
      assert (ratio k < ratio (S k)) by (apply U; lia). lra.
  Qed.

  (** The first place from which the next step does not climb, or the last place, is best from i to n. *)
  Lemma first_stop_is_best i k n : (i <= k <= n)%nat ->
    (forall j, (i <= j < k)%nat -> ratio j < ratio (S j)) -> (k = n \/ ~ ratio k < ratio (S k)) ->
    forall j, (i <= j <= n)%nat -> ratio j <= ratio k.
  Proof.
    intros K U D j J. destruct (le_lt_dec j k) as [L|L]; [apply (up_to i k U); lia|].
    destruct D as [->|D]; [lia|]. replace j with (k + (j - k))%nat by lia. apply down_from, D.
  Qed.
End Hill.

Lemma powers_fall a k : 0 <= a <= 1 -> a ^ S (S k) <= a ^ S k.
Proof.
  intros A. pose proof (power_le_one a (S k) A). change (a ^ S (S k)) with (a * a ^ S k).
  assert (a * a ^ S k <= 1 * a ^ S k) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma series_from_one a g : sum (S g) (fun k => a ^ k) = 1 + sum g (fun k => a ^ S k).
Proof. induction g as [|g IH]; [simpl; ring|]. cbn [sum] in *. lra. Qed.

Lemma speedup_ratio a c g : speedup a c g = ratio (fun k => a ^ S k) 1 c 1 g.
Proof. unfold speedup, ratio, top, cost. rewrite series, series_from_one. f_equal. ring. Qed.

(** The next draft token pays iff its acceptance is worth more than its cost; once it does not it never does, so the
    first length that the next does not beat is the best of all. *)
Theorem one_hill a c : 0 <= a <= 1 -> 0 <= c ->
  (forall g, speedup a c g < speedup a c (S g) <->
             c * sum (S g) (fun k => a ^ k) < a ^ S g * (INR g * c + 1)) /\
  (forall g, ~ speedup a c g < speedup a c (S g) -> ~ speedup a c (S g) < speedup a c (S (S g))) /\
  (forall g, (forall j, (j < g)%nat -> speedup a c j < speedup a c (S j)) -> ~ speedup a c g < speedup a c (S g) ->
     forall j, speedup a c j <= speedup a c g).
Proof.
  intros A C. assert (forall k, a ^ S (S k) <= a ^ S k) as F by (intros; apply powers_fall, A).
  split; [|split].
  - intros g. rewrite !speedup_ratio, (climbs _ 1 c 1 C) by lra.
    unfold top, cost. rewrite series_from_one. rewrite (Rplus_comm 1 (INR g * c)). reflexivity.
  - intros g. rewrite !speedup_ratio. apply stays_down; [exact F|exact C|lra].
  - intros g U D j. rewrite speedup_ratio in *. rewrite !speedup_ratio in *.
    apply (first_stop_is_best _ 1 c 1 F C ltac:(lra) 0 g (g + j)); [lia| |right; exact D|lia].
    intros i I. rewrite <- !speedup_ratio. apply U. lia.
Qed.

(** Speed-up of one drafted token with k kept tokens; rises are the increments of acceptance. *)
Definition kept_speedup (rises : nat -> R) (c0 c1 : R) (k : nat) : R := (1 + sum k rises) / (1 + c0 + INR k * c1).

Theorem kept_size rises c0 c1 n k : (forall j, rises (S j) <= rises j) -> 0 <= c0 -> 0 <= c1 -> (1 <= k <= n)%nat ->
  (forall j, (1 <= j < k)%nat -> c1 * kept_speedup rises c0 c1 j < rises j) ->
  (k = n \/ rises k <= c1 * kept_speedup rises c0 c1 k) ->
  forall j, (1 <= j <= n)%nat -> kept_speedup rises c0 c1 j <= kept_speedup rises c0 c1 k.
Proof.
  intros Falls C0 C1 K U D. assert (forall j, rises (S j) <= rises j) as F by (intros; apply Falls).
  apply (first_stop_is_best rises 1 c1 (1 + c0) F C1 ltac:(lra) 1 k n K).
  - intros j J. apply (climbs_by_ratio rises 1 c1 (1 + c0) C1); [lra|]. apply U, J.
  - destruct D as [D|D]; [left; exact D|right]. rewrite (climbs_by_ratio rises 1 c1 (1 + c0) C1) by lra.
    change (ratio rises 1 c1 (1 + c0) k) with (kept_speedup rises c0 c1 k). lra.
Qed.

(** Union with the first k tokens kept accepts the sum of their overlaps: each kept token brings its own. *)
Theorem union_rises n p q k : (k <= n)%nat -> law n p ->
  alpha n p (fun t => if le_lt_dec k t then 0 else q t) = sum k (fun t => Rmin (p t) (q t)).
Proof.
  intros K [P _]. unfold alpha. induction n as [|n IH]; [replace k with 0%nat by lia; reflexivity|].
  destruct (Nat.eq_dec k (S n)) as [->|D].
  - apply sum_ext. intros t T. destruct (le_lt_dec (S n) t); [lia|reflexivity].
  - cbn [sum]. rewrite IH by (lia || (intros; apply P; lia)). destruct (le_lt_dec k n); [|lia].
    assert (0 <= p n) by (apply P; lia). cases.
Qed.

(** Restricting the drafter so that a token goes that the target never emits, and that was all its error. *)
Theorem smaller_head_can_accept_more n p x : law n p -> 0 < x < 1 -> p n = 0 ->
  let q := fun t => if Nat.eq_dec t n then x else (1 - x) * p t in
  law (S n) p /\ law (S n) q /\ p n = 0 /\ 0 < q n /\
  alpha (S n) p q < alpha (S n) p (fun t => if Nat.eq_dec t n then 0 else q t / (1 - x)).
Proof.
  intros [P0 P1] X Z q.
  assert (sum n q = 1 - x) as Q.
  { transitivity ((1 - x) * sum n p); [|rewrite P1; ring]. rewrite <- sum_scale. apply sum_ext. intros t T. unfold q.
    destruct (Nat.eq_dec t n); [lia|reflexivity]. }
  assert (law (S n) p) as P.
  { split; [|cbn [sum]; lra]. intros t T. destruct (Nat.eq_dec t n) as [->|]; [lra|apply P0; lia]. }
  assert (q n = x) as E by (unfold q; destruct (Nat.eq_dec n n); [reflexivity|lia]).
  split; [exact P|]. split; [|split; [exact Z|split; [lra|]]].
  - split; [|cbn [sum]; lra]. intros t T. unfold q. destruct (Nat.eq_dec t n); [lra|].
    apply Rmult_le_pos; [lra|apply P, T].
  - assert (alpha (S n) p (fun t => if Nat.eq_dec t n then 0 else q t / (1 - x)) = 1) as ->.
    { transitivity (sum (S n) p); [|apply P]. apply sum_ext. intros t T. assert (0 <= p t) by (apply P, T).
      unfold q. destruct (Nat.eq_dec t n) as [->|]; [rewrite Z; cases|].
      replace ((1 - x) * p t / (1 - x)) with (p t) by (field; lra). cases. }
    unfold alpha. cbn [sum]. rewrite E, Z.
    assert (sum n (fun t => Rmin (p t) (q t)) <= sum n q) by (apply sum_le; intros; apply Rmin_r).
    rewrite Rmin_left by lra. lra.
Qed.
