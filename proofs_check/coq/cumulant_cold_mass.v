(** Mean and variance of cold logits from the mean and the covariance of the cold rows. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** [n] cold rows of width [d]: [W j k]; a hidden state: [h k]. *)
Definition logit (d : nat) (W : nat -> nat -> R) (h : nat -> R) (j : nat) : R := sum d (fun k => W j k * h k).

Definition mean (n : nat) (z : nat -> R) : R := sum n z / INR n.

Definition variance (n : nat) (z : nat -> R) : R := mean n (fun j => (z j - mean n z) * (z j - mean n z)).

Definition mean_row (n : nat) (W : nat -> nat -> R) (k : nat) : R := mean n (fun j => W j k).

Definition covariance (n : nat) (W : nat -> nat -> R) (k l : nat) : R :=
  mean n (fun j => (W j k - mean_row n W k) * (W j l - mean_row n W l)).

Lemma mean_sum n d f c : mean n (fun j => sum d (fun k => c k * f j k)) = sum d (fun k => c k * mean n (fun j => f j k)).
Proof.
  unfold mean, Rdiv. rewrite sum_swap, Rmult_comm, <- sum_scale. apply sum_ext. intros k K. rewrite sum_scale. ring.
Qed.

Theorem mean_of_logits n d W h : mean n (logit d W h) = sum d (fun k => h k * mean_row n W k).
Proof.
  unfold mean_row. rewrite <- mean_sum. unfold mean. f_equal. apply sum_ext. intros j J. apply sum_ext. intros. ring.
Qed.

Lemma square_of_sum d (a h : nat -> R) :
  sum d (fun k => h k * a k) * sum d (fun k => h k * a k) = sum d (fun k => h k * sum d (fun l => h l * (a k * a l))).
Proof.
  rewrite <- sum_scale at 1. apply sum_ext. intros k K.
  replace (sum d (fun l => h l * (a k * a l))) with (a k * sum d (fun l => h l * a l))
    by (rewrite <- sum_scale; apply sum_ext; intros; ring). ring.
Qed.

Theorem variance_of_logits n d W h :
  variance n (logit d W h) = sum d (fun k => h k * sum d (fun l => h l * covariance n W k l)).
Proof.
  unfold variance. rewrite mean_of_logits.
  transitivity (mean n (fun j => sum d (fun k => h k * sum d (fun l => h l *
    ((W j k - mean_row n W k) * (W j l - mean_row n W l)))))).
  - unfold mean at 1 2. f_equal. apply sum_ext. intros j J. rewrite <- (square_of_sum d (fun k => W j k - mean_row n W k)).
    assert (logit d W h j - sum d (fun k => h k * mean_row n W k) = sum d (fun k => h k * (W j k - mean_row n W k))) as E.
    { unfold logit. rewrite <- sum_minus. apply sum_ext. intros. ring. }
    rewrite E. reflexivity.
  - rewrite mean_sum. apply sum_ext. intros k K. f_equal. apply mean_sum.
Qed.

(** A hidden state has coordinates [c] along orthonormal eigenvectors, of which the first [r] are kept. *)
Theorem rank_loss d r (lam c : nat -> R) top : 0 <= top ->
  (forall i, (i < d)%nat -> 0 <= lam i) -> (forall i, (r <= i < d)%nat -> lam i <= top) ->
  0 <= sum d (fun i => lam i * (c i * c i)) - sum d (fun i => if Nat.ltb i r then lam i * (c i * c i) else 0)
    <= top * sum d (fun i => c i * c i).
Proof.
  intros T P L. rewrite <- sum_minus, <- sum_scale. split.
  - apply sum_nonneg. intros i I. generalize (Rmult_le_pos _ _ (P i I) (Rle_0_sqr (c i))). unfold Rsqr.
    destruct (Nat.ltb i r); lra.
  - apply sum_le. intros i I. generalize (Rle_0_sqr (c i)). unfold Rsqr. intros S. destruct (Nat.ltb_spec i r).
    + generalize (Rmult_le_pos _ _ T S). lra.
    + rewrite Rminus_0_r. apply Rmult_le_compat_r; [exact S|]. apply L. lia.
Qed.
