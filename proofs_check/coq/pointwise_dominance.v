(** A proposal that covers the overlap of target and baseline is accepted at least as often. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Theorem pointwise_dominance n p r q :
  (forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) -> alpha n p q <= alpha n p r.
Proof. intros C. apply sum_le. intros t T. specialize (C t T). cases. Qed.

Theorem strict_iff_one_token_gains n p r q :
  (forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) ->
  (alpha n p q < alpha n p r <-> exists t, (t < n)%nat /\ Rmin (p t) (q t) < Rmin (p t) (r t)).
Proof.
  intros C. split.
  - intros L. apply sum_lt_exists in L; [exact L|]. intros t T. specialize (C t T). cases.
  - intros [t [T S]]. apply (sum_lt n _ _ t); [|exact T|exact S]. intros u U. specialize (C u U). cases.
Qed.

(** Converse: covering is what it takes for no set of tokens to be accepted less often. *)
Theorem covering_iff_no_set_loses n p r q :
  ((forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) <->
   forall H : nat -> bool, sum n (fun t => if H t then Rmin (p t) (q t) else 0) <=
                           sum n (fun t => if H t then Rmin (p t) (r t) else 0)).
Proof.
  split.
  - intros C H. apply sum_le. intros t T. specialize (C t T). destruct (H t); cases.
  - intros S t T. specialize (S (fun u => if Nat.eq_dec u t then true else false)).
    assert (forall u : nat -> R, sum n (fun v => if (if Nat.eq_dec v t then true else false) then u v else 0) = u t)
      as One.
    { intros u. rewrite <- (sum_point n t u T). apply sum_ext. intros v _. unfold point.
      destruct (Nat.eq_dec v t); ring. }
    cbv beta in S. rewrite (One (fun u => Rmin (p u) (q u))), (One (fun u => Rmin (p u) (r u))) in S.
    pose proof (Rmin_r (p t) (r t)). lra.
Qed.

(** It is not necessary for a gain. *)
Theorem not_necessary : exists p q r, law 3 p /\ law 3 q /\ law 3 r /\
  r 0%nat < Rmin (p 0%nat) (q 0%nat) /\ alpha 3 p q < alpha 3 p r.
Proof.
  exists (fun t => match t with O => / 2 | 1%nat => / 2 | _ => 0 end),
    (fun t => match t with O => / 2 | 1%nat => 0 | _ => / 2 end),
    (fun t => match t with O => / 4 | 1%nat => / 2 | _ => / 4 end).
  repeat split; try (intros [|[|[|i]]] I; try lia; simpl; lra); try (simpl; lra);
    unfold alpha, sum; cases.
Qed.
