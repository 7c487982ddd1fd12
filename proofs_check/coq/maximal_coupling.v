(** No lossless verifier of one draft accepts more often than the overlap, and rejection sampling attains it. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums acceptance_identity lossless.
Open Scope R_scope.

(** A verifier of one draft, seen from outside: [J x y] is the probability that x was drafted and y emitted.
    It drafts from r and emits p; it can accept only when it emits what was drafted. *)
Definition coupling (n : nat) (p r : nat -> R) (J : nat -> nat -> R) : Prop :=
  (forall x y, (x < n)%nat -> (y < n)%nat -> 0 <= J x y) /\
  (forall x, (x < n)%nat -> sum n (fun y => J x y) = r x) /\
  (forall y, (y < n)%nat -> sum n (fun x => J x y) = p y).

Theorem no_verifier_beats_overlap n p r J : coupling n p r J ->
  sum n (fun t => J t t) <= alpha n p r.
Proof.
  intros [J0 [Jr Jp]]. apply sum_le. intros t T.
  assert (J t t <= r t) by (rewrite <- (Jr t T); apply (sum_term n (fun y => J t y)); auto).
  assert (J t t <= p t) by (rewrite <- (Jp t T); apply (sum_term n (fun x => J x t)); auto).
  cases.
Qed.

(** The coupling of rejection sampling. *)
Definition rejection (n : nat) (p r : nat -> R) : nat -> nat -> R :=
  fun x y => point y x * Rmin (p x) (r x) + pos (r x - p x) * residual n p r y.

Theorem rejection_attains n p r : law n p -> law n r ->
  coupling n p r (rejection n p r) /\ alpha n p r <= sum n (fun t => rejection n p r t t).
Proof.
  intros P Q.
  assert (forall y, (y < n)%nat -> 0 <= residual n p r y) as Rpos.
  { intros y Y. unfold residual. destruct (Req_dec (deficit n p r) 0) as [Z|N].
    - assert (pos (p y - r y) = 0) as ->.
      { apply (sum_zero_terms n (fun u => pos (p u - r u))); [intros; cases | exact Z | exact Y]. }
      unfold Rdiv. lra.
    - apply (residual_law n p r N), Y. }
  assert (forall x, (x < n)%nat -> 0 <= Rmin (p x) (r x)) as Mpos.
  { intros x X. assert (0 <= p x) by (apply P, X). assert (0 <= r x) by (apply Q, X). cases. }
  split; [split; [|split]|].
  - intros x y X Y. unfold rejection. specialize (Rpos y Y). specialize (Mpos x X).
    assert (0 <= pos (r x - p x)) by cases.
    assert (0 <= pos (r x - p x) * residual n p r y) by (apply Rmult_le_pos; assumption).
    unfold point. destruct (Nat.eq_dec x y); lra.
  - intros x X. unfold rejection. rewrite sum_plus, sum_scale.
    assert (sum n (fun y => point y x * Rmin (p x) (r x)) = Rmin (p x) (r x)) as ->.
    { rewrite (sum_ext n _ (fun y => point x y * Rmin (p x) (r x))).
      - apply (sum_point n x (fun _ => Rmin (p x) (r x)) X).
      - intros y _. unfold point. destruct (Nat.eq_dec x y), (Nat.eq_dec y x); try lia; lra. }
    assert (pos (r x - p x) * sum n (residual n p r) = pos (r x - p x)) as ->; [|cases].
    destruct (Req_dec (deficit n p r) 0) as [Z|N].
    + assert (pos (r x - p x) = 0) as ->; [|lra].
      apply (sum_zero_terms n (fun u => pos (r u - p u))); [intros; cases | | exact X].
      rewrite <- (law_over_under n p r P Q). exact Z.
    + rewrite (proj2 (residual_law n p r N)). lra.
  - intros y Y. unfold rejection. rewrite sum_plus.
    rewrite (sum_point n y (fun x => Rmin (p x) (r x)) Y).
    rewrite (sum_ext n (fun x => pos (r x - p x) * residual n p r y)
               (fun x => residual n p r y * pos (r x - p x))) by (intros; lra).
    rewrite sum_scale, <- (law_over_under n p r P Q). fold (deficit n p r).
    rewrite Rmult_comm, (rejected_residual n p r y Y). cases.
  - apply sum_le. intros t T. unfold rejection, point. destruct (Nat.eq_dec t t) as [_|]; [|lia].
    assert (0 <= pos (r t - p t) * residual n p r t) by (apply Rmult_le_pos; [cases | apply Rpos, T]). lra.
Qed.

(** The overlap as a cut: the least of p(H) + r(T - H) over sets H of tokens. *)
Theorem cut n p r :
  (forall H : nat -> bool, alpha n p r <= sum n (fun t => if H t then p t else r t)) /\
  exists H : nat -> bool, alpha n p r = sum n (fun t => if H t then p t else r t).
Proof.
  split.
  - intros H. apply sum_le. intros t _. destruct (H t); [apply Rmin_l|apply Rmin_r].
  - exists (fun t => if Rle_dec (p t) (r t) then true else false). apply sum_ext. intros t _. unfold Rmin.
    destruct (Rle_dec (p t) (r t)); reflexivity.
Qed.

(** A verifier is best iff it replaces only tokens that are drafted too often by tokens that are drafted too seldom. *)
Theorem best_iff n p r J : coupling n p r J ->
  (sum n (fun t => J t t) = alpha n p r <->
   forall x y, (x < n)%nat -> (y < n)%nat -> x <> y -> 0 < J x y -> p x < r x /\ r y < p y).
Proof.
  intros [J0 [Jr Jp]].
  assert (forall u i j, (forall t, (t < n)%nat -> 0 <= u t) -> (i < n)%nat -> (j < n)%nat -> i <> j ->
            u i + u j <= sum n u) as Two.
  { intros u i j U I Jn D. assert (sum n (fun t => point i t * u t + point j t * u t) <= sum n u) as L.
    { apply sum_le. intros t T. specialize (U t T). unfold point.
      destruct (Nat.eq_dec t i), (Nat.eq_dec t j); try lia; lra. }
    rewrite sum_plus, !sum_point in L by assumption. exact L. }
  assert (forall t, (t < n)%nat -> J t t <= Rmin (p t) (r t)) as Below.
  { intros t T. apply Rmin_glb.
    - rewrite <- (Jp t T). apply (sum_term n (fun x => J x t)); auto.
    - rewrite <- (Jr t T). apply (sum_term n (fun y => J t y)); auto. }
  split.
  - intros E x y X Y D Pos.
    assert (forall t, (t < n)%nat -> J t t = Rmin (p t) (r t)) as Same.
    { intros t T. assert (Rmin (p t) (r t) - J t t = 0); [|lra].
      apply (sum_zero_terms n (fun u => Rmin (p u) (r u) - J u u));
        [intros u U; specialize (Below u U); lra|rewrite sum_minus; unfold alpha in E; lra|exact T]. }
    pose proof (Two (fun v => J x v) x y (fun v V => J0 x v X V) X Y D) as Row. simpl in Row.
    rewrite (Jr x X), (Same x X) in Row.
    pose proof (Two (fun v => J v y) y x (fun v V => J0 v y V Y) Y X (not_eq_sym D)) as Col. simpl in Col.
    rewrite (Jp y Y), (Same y Y) in Col. split; [clear Col|clear Row]; cases.
  - intros H. apply sum_ext. intros t T.
    assert (forall u : nat -> R, (forall v, (v < n)%nat -> 0 <= u v) ->
              (forall v, (v < n)%nat -> v <> t -> ~ 0 < u v) -> sum n u = u t) as Alone.
    { intros u U Z. rewrite <- (sum_point n t u T). apply sum_ext. intros v V. unfold point.
      destruct (Nat.eq_dec v t) as [->|D]; [ring|]. specialize (U v V). specialize (Z v V D). lra. }
    destruct (Rle_dec (r t) (p t)) as [L|L].
    + rewrite Rmin_right by exact L. rewrite <- (Jr t T). symmetry.
      apply (Alone (fun y => J t y)); [auto|]. intros v V D Pos. destruct (H t v T V (not_eq_sym D) Pos). lra.
    + rewrite Rmin_left by lra. rewrite <- (Jp t T). symmetry.
      apply (Alone (fun x => J x t)); [auto|]. intros v V D Pos. destruct (H v t V T D Pos). lra.
Qed.
