(** Mixing with the drafter's own cold mass can lower acceptance. *)
From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums.
Open Scope R_scope.

(** Two kept tokens and one cold: the drafter gives the cold token half of its mass, the target none. *)
Definition target : nat -> R := fun t => match t with O => / 2 | 1%nat => / 2 | _ => 0 end.
Definition full : nat -> R := fun t => match t with O => / 4 | 1%nat => / 4 | _ => / 2 end.
Definition restricted : nat -> R := fun t => match t with O => / 2 | 1%nat => / 2 | _ => 0 end.
Definition own_weight : R := full 2%nat.

Theorem overshoot :
  law 3 target /\ law 3 full /\ law 3 restricted /\
  (forall t, (t < 2)%nat -> restricted t = full t / (full 0%nat + full 1%nat)) /\
  alpha 3 target (fun t => (1 - own_weight) * restricted t + own_weight * point 2 t) < alpha 3 target restricted.
Proof.
  unfold own_weight. repeat split; try (unfold sum, target, full, restricted; simpl; lra);
    try (intros [|[|[|t]]] T; try lia; unfold target, full, restricted; simpl; lra).
  unfold alpha, sum, target, restricted, full, point. simpl. cases.
Qed.

(** It happens with cold mass in the target too: the waste need not be total. *)
Definition target' : nat -> R := fun t => match t with O => 9 / 20 | 1%nat => 9 / 20 | _ => / 10 end.

Theorem overshoot_with_cold_mass :
  law 3 target' /\
  alpha 3 target' (fun t => (1 - own_weight) * restricted t + own_weight * point 2 t) < alpha 3 target' restricted.
Proof.
  unfold own_weight. split.
  - split; [intros [|[|[|t]]] T; try lia; unfold target'; simpl; lra | unfold sum, target'; simpl; lra].
  - unfold alpha, sum, target', restricted, full, point. simpl. cases.
Qed.
