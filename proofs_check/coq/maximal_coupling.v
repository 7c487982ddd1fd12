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
