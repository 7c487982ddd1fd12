(** Every context-free kernel other than the embedding loses somewhere. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity lipschitz.
Open Scope R_scope.

Lemma moved_point k M i j : (i < k)%nat -> moved k (point i) M j = M i j.
Proof. intros I. unfold moved. apply (sum_point k i (fun u => M u j) I). Qed.

Lemma alpha_point n r j : law n r -> (j < n)%nat -> alpha n (point j) r = r j.
Proof.
  intros Q J. unfold alpha. rewrite <- (sum_point n j r J). apply sum_ext. intros t T.
  assert (0 <= r t) by (apply Q, T).
  assert (r t <= 1) by (rewrite <- (proj2 Q); apply sum_term; [apply Q | exact T]).
  unfold point. destruct (Nat.eq_dec t j); cases.
Qed.

(** [kept i] is the target id of the kept token i. A kernel differs from the embedding iff some row keeps less than
    all of its mass at home; the context that draws that token and wants it then loses. *)
Theorem no_free_dominance k n M kept i :
  stochastic k n M -> (i < k)%nat -> (kept i < n)%nat -> M i (kept i) < 1 ->
  exists p q, law n p /\ law k q /\
    alpha n p (moved k q M) < alpha n p (moved k q (fun a => point (kept a))).
Proof.
  intros HM I J L. exists (point (kept i)), (point i).
  split; [apply point_law, J|]. split; [apply point_law, I|].
  assert (alpha n (point (kept i)) (moved k (point i) M) = M i (kept i)) as ->.
  { rewrite (alpha_point n _ (kept i)); [apply moved_point, I | | exact J].
    apply moved_law; [apply point_law, I | exact HM]. }
  assert (alpha n (point (kept i)) (moved k (point i) (fun a => point (kept a))) = 1) as ->; [|exact L].
  rewrite <- (sum_point_one n (kept i) J). unfold alpha. apply sum_ext. intros t _.
  rewrite (moved_point k _ i t I). cases.
Qed.

(** A row that keeps all of its mass at home is the embedding's row. *)
Theorem row_at_home_is_embedding n M j : law n M -> (j < n)%nat -> M j = 1 ->
  forall t, (t < n)%nat -> M t = point j t.
Proof.
  intros L J E t T. unfold point. destruct (Nat.eq_dec t j) as [->|D]; [exact E|].
  assert (0 <= M t) by (apply L, T).
  assert (sum n (fun u => point j u * M u) + M t <= sum n M).
  { rewrite <- (sum_point n t M T), <- sum_plus. apply sum_le. intros u U. assert (0 <= M u) by (apply L, U).
    unfold point. destruct (Nat.eq_dec u j), (Nat.eq_dec u t); try lia; lra. }
  rewrite (sum_point n j M J), E, (proj2 L) in *. lra.
Qed.

(** No kernel loses more than the largest share of mass that it moves. *)
Lemma TV_point n j M : law n M -> (j < n)%nat -> TV n (point j) M = 1 - M j.
Proof.
  intros L J. rewrite (TV_under n _ _ (point_law n j J) L).
  assert (M j <= 1) by (rewrite <- (proj2 L); apply sum_term; [apply L|exact J]).
  rewrite <- (sum_point n j (fun t => 1 - M t) J). apply sum_ext. intros t T. assert (0 <= M t) by (apply L, T).
  unfold point. destruct (Nat.eq_dec t j) as [->|]; cases.
Qed.

Theorem largest_loss k n p q M kept x : law k q -> stochastic k n M ->
  (forall i, (i < k)%nat -> (kept i < n)%nat /\ 1 - M i (kept i) <= x) ->
  alpha n p (moved k q (fun a => point (kept a))) - alpha n p (moved k q M) <= x.
Proof.
  intros Q HM B. assert (stochastic k n (fun a => point (kept a))) as E by (intros i I; apply point_law, B, I).
  pose proof (kernel n k p q (fun a => point (kept a)) M Q E HM) as L.
  assert (sum k (fun i => q i * TV n (point (kept i)) (M i)) <= x); [|cases].
  rewrite <- (Rmult_1_r x), <- (proj2 Q), <- sum_scale. apply sum_le. intros i I. destruct (B i I) as [K Le].
  rewrite (TV_point n (kept i) (M i) (HM i I) K). rewrite Rmult_comm. apply Rmult_le_compat_r; [apply Q, I|exact Le].
Qed.

(** Any rule that turns a draft into another law loses at the target that is the draft. *)
Theorem any_rule n q r t : law n q -> law n r -> (t < n)%nat -> r t <> q t ->
  alpha n q r = 1 - TV n q r /\ alpha n q q = 1 /\ alpha n q r < alpha n q q.
Proof.
  intros Q S T D. destruct (acceptance_identity n q r Q S) as [A [B _]].
  assert (alpha n q q = 1) as One by (rewrite <- (proj2 Q); apply sum_ext; intros; cases).
  split; [exact B|]. split; [exact One|]. rewrite One.
  destruct (extremes n q r Q S) as [[F _] _]. rewrite A in F.
  assert (alpha n q r <= 1) by (rewrite <- (proj2 Q); apply sum_le; intros; apply Rmin_l).
  destruct (Req_dec (alpha n q r) 1) as [Z|]; [|lra]. exfalso. apply D. symmetry. apply F; assumption.
Qed.
