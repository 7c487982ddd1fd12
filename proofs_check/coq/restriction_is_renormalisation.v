(** A softmax over the kept logits is the full softmax conditioned on the kept tokens. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

Definition softmax (n : nat) (z : nat -> R) : nat -> R := fun t => exp (z t) / sum n (fun i => exp (z i)).

Lemma partition_positive n z : (0 < n)%nat -> 0 < sum n (fun i => exp (z i)).
Proof.
  intros N. apply (Rlt_le_trans _ (exp (z 0%nat))); [apply exp_pos|].
  apply (sum_term n (fun i => exp (z i)) 0); [intros i _; left; apply exp_pos | exact N].
Qed.

(** [kept i], for i < k, lists the kept ids; they need not be in order. *)
Theorem restriction_is_renormalisation n k z kept i : (0 < n)%nat -> (0 < k)%nat -> (i < k)%nat ->
  softmax k (fun a => z (kept a)) i = softmax n z (kept i) / sum k (fun a => softmax n z (kept a)).
Proof.
  intros N K I. pose proof (partition_positive n z N). pose proof (partition_positive k (fun a => z (kept a)) K).
  unfold softmax at 2 3, Rdiv.
  rewrite (sum_ext k (fun a => exp (z (kept a)) * / sum n (fun i0 => exp (z i0)))
             (fun a => / sum n (fun i0 => exp (z i0)) * exp (z (kept a)))) by (intros; ring).
  rewrite sum_scale. unfold softmax, Rdiv. simpl in *. field. split; lra.
Qed.

(** Weights on any scale: renormalising them, or the law that they give, is the same. *)
Theorem weights n k w kept i : 0 < sum n w -> 0 < sum k (fun a => w (kept a)) ->
  w (kept i) / sum k (fun a => w (kept a)) =
  w (kept i) / sum n w / (sum k (fun a => w (kept a)) / sum n w).
Proof. intros N K. field. split; lra. Qed.
