(** The best mixing weight is 0, 1 or a bend, and between neighbouring bends acceptance is linear in the weight.

    All contexts and tokens are flattened into m terms, as in local_dominance: term k has weight w k (the probability
    of its context), target mass p k, baseline mass q k and prior mass r k. *)

From Coq Require Import Reals Lra Lia.
From Rdk Require Import Sums local_dominance.
Open Scope R_scope.

Section Mixing.
  Variables (m : nat) (w p q r : nat -> R).
  Hypothesis w_nonneg : forall k, (k < m)%nat -> 0 <= w k.

  (** Mean acceptance at weight x. *)
  Definition value (x : R) : R := f m w p q r x.

  (** x is the weight at which term k bends. *)
  Definition bend (k : nat) (x : R) : Prop := r k <> q k /\ x = (p k - q k) / (r k - q k).

  (** The weights that are examined. *)
  Definition candidate (x : R) : Prop := 0 <= x <= 1 /\ (x = 0 \/ x = 1 \/ exists k, (k < m)%nat /\ bend k x).

  Definition mix (k : nat) (x : R) : R := (1 - x) * q k + x * r k.

  Lemma mix_affine k a b t : mix k ((1 - t) * a + t * b) = (1 - t) * mix k a + t * mix k b.
  Proof. unfold mix. ring. Qed.

  (** A term crosses the target only at its bend. *)
  Lemma crossing k a b : a < b -> (forall x, a < x < b -> ~ bend k x) ->
    (mix k a <= p k /\ mix k b <= p k) \/ (p k <= mix k a /\ p k <= mix k b).
  Proof.
    intros L N. destruct (Req_dec (r k) (q k)) as [E|D].
    - assert (forall x, mix k x = q k) as C by (intros; unfold mix; rewrite E; ring). rewrite !C.
      destruct (Rle_dec (q k) (p k)); [left|right]; lra.
    - set (z := (p k - q k) / (r k - q k)).
      assert (forall x, mix k x - p k = (x - z) * (r k - q k)) as Z by (intros; unfold mix, z; field; lra).
      assert (z <= a \/ b <= z) as S.
      { destruct (Rle_dec z a); [left; assumption|]. destruct (Rle_dec b z); [right; assumption|].
        exfalso. apply (N z); [lra|]. split; [exact D|reflexivity]. }
      pose proof (Z a) as A. pose proof (Z b) as B.
      destruct (Rle_dec 0 (r k - q k)) as [G|G], S as [S|S].
      + right. assert (0 <= (a - z) * (r k - q k)) by (apply Rmult_le_pos; lra).
        assert (0 <= (b - z) * (r k - q k)) by (apply Rmult_le_pos; lra). lra.
      + left. assert (0 <= (z - a) * (r k - q k)) by (apply Rmult_le_pos; lra).
        assert (0 <= (z - b) * (r k - q k)) by (apply Rmult_le_pos; lra). lra.
      + left. assert (0 <= (a - z) * - (r k - q k)) by (apply Rmult_le_pos; lra).
        assert (0 <= (b - z) * - (r k - q k)) by (apply Rmult_le_pos; lra). lra.
      + right. assert (0 <= (z - a) * - (r k - q k)) by (apply Rmult_le_pos; lra).
        assert (0 <= (z - b) * - (r k - q k)) by (apply Rmult_le_pos; lra). lra.
  Qed.

  (** Between weights with no bend between them the value is affine. *)
  Theorem piecewise_linear a b t : a <= b -> 0 <= t <= 1 ->
    (forall k x, (k < m)%nat -> a < x < b -> ~ bend k x) ->
    value ((1 - t) * a + t * b) = (1 - t) * value a + t * value b.
  Proof.
    intros L T N. destruct (Req_dec a b) as [<-|D].
    - replace ((1 - t) * a + t * a) with a by ring. ring.
    - unfold value, f. rewrite <- !sum_scale, <- sum_plus. apply sum_ext. intros k K.
      fold (mix k ((1 - t) * a + t * b)). fold (mix k a). fold (mix k b). rewrite mix_affine.
      assert (Rmin (p k) ((1 - t) * mix k a + t * mix k b) = (1 - t) * Rmin (p k) (mix k a) + t * Rmin (p k) (mix k b))
        as ->; [|ring].
      destruct (crossing k a b) as [[A B]|[A B]]; [lra|intros x X; apply N; assumption| |].
      + assert ((1 - t) * mix k a <= (1 - t) * p k) by (apply Rmult_le_compat_l; lra).
        assert (t * mix k b <= t * p k) by (apply Rmult_le_compat_l; lra). rewrite !Rmin_right by lra. reflexivity.
      + assert ((1 - t) * p k <= (1 - t) * mix k a) by (apply Rmult_le_compat_l; lra).
        assert (t * p k <= t * mix k b) by (apply Rmult_le_compat_l; lra). rewrite !Rmin_left by lra. ring.
  Qed.

  (** Weights of [0, 1] lie between two neighbouring candidates. *)
  Lemma below x : 0 <= x <= 1 ->
    exists a, candidate a /\ a <= x /\ forall k y, (k < m)%nat -> bend k y -> y <= x -> y <= a.
  Proof.
    intros X.
    assert (forall j, (j <= m)%nat -> exists a, candidate a /\ a <= x /\
              forall k y, (k < j)%nat -> bend k y -> y <= x -> y <= a) as H; [|apply (H m); lia].
    induction j as [|j IH]; intros J.
    - exists 0. split; [split; [lra|left; reflexivity]|]. split; [lra|intros; lia].
    - destruct IH as [a [C [A H]]]; [lia|]. set (z := (p j - q j) / (r j - q j)).
      destruct (Req_dec (r j) (q j)) as [E|D];
        [|destruct (Rle_dec z x) as [Z|Z]; [destruct (Rle_dec a z) as [U|U]|]].
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B; contradiction|apply (H k y); try assumption; lia].
      + exists z. split; [|split; [exact Z|]].
        * split; [destruct C; lra|]. right. right. exists j. split; [lia|]. split; [exact D|reflexivity].
        * intros k y K B Y. destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z; lra|].
          assert (y <= a) by (apply (H k y); try assumption; lia). lra.
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z in U; lra|apply (H k y); try assumption;
          lia].
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z in Z; lra|apply (H k y); try assumption;
          lia].
  Qed.

  Lemma above x : 0 <= x <= 1 ->
    exists b, candidate b /\ x <= b /\ forall k y, (k < m)%nat -> bend k y -> x <= y -> b <= y.
  Proof.
    intros X.
    assert (forall j, (j <= m)%nat -> exists a, candidate a /\ x <= a /\
              forall k y, (k < j)%nat -> bend k y -> x <= y -> a <= y) as H; [|apply (H m); lia].
    induction j as [|j IH]; intros J.
    - exists 1. split; [split; [lra|right; left; reflexivity]|]. split; [lra|intros; lia].
    - destruct IH as [a [C [A H]]]; [lia|]. set (z := (p j - q j) / (r j - q j)).
      destruct (Req_dec (r j) (q j)) as [E|D];
        [|destruct (Rle_dec x z) as [Z|Z]; [destruct (Rle_dec z a) as [U|U]|]].
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B; contradiction|apply (H k y); try assumption; lia].
      + exists z. split; [|split; [exact Z|]].
        * split; [destruct C; lra|]. right. right. exists j. split; [lia|]. split; [exact D|reflexivity].
        * intros k y K B Y. destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z; lra|].
          assert (a <= y) by (apply (H k y); try assumption; lia). lra.
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z in U; lra|apply (H k y); try assumption;
          lia].
      + exists a. split; [exact C|]. split; [exact A|]. intros k y K B Y.
        destruct (Nat.eq_dec k j) as [->|]; [destruct B as [_ ->]; unfold z in Z; lra|apply (H k y); try assumption;
          lia].
  Qed.

  (** So some candidate is at least as good; and no larger than x if x is a maximiser. *)
  Lemma between x : 0 <= x <= 1 -> exists a b t, candidate a /\ candidate b /\ a <= x /\ 0 <= t <= 1 /\
    value x = (1 - t) * value a + t * value b /\ (t = 1 -> x = b).
  Proof.
    intros X. destruct (below x X) as [a [Ca [A Ha]]]. destruct (above x X) as [b [Cb [B Hb]]].
    exists a, b. destruct (Req_dec a b) as [E|D].
    - exists 0. assert (x = a) as -> by lra.
      split; [exact Ca|]. split; [exact Cb|]. split; [lra|]. split; [lra|]. split; [ring|intros; lra].
    - assert (0 < b - a) as L by lra. exists ((x - a) / (b - a)).
      assert (0 <= (x - a) / (b - a) <= 1) as T.
      { split; [apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat, L|].
        apply (Rmult_le_reg_r (b - a)); [exact L|].
        replace ((x - a) / (b - a) * (b - a)) with (x - a) by (field; lra). lra. }
      split; [exact Ca|]. split; [exact Cb|]. split; [exact A|]. split; [exact T|]. split.
      + rewrite <- (piecewise_linear a b); [f_equal; field; lra|lra|exact T|].
        intros k y K Y N. destruct (Rle_dec y x) as [S|S].
        * specialize (Ha k y K N S). lra.
        * assert (b <= y) by (apply (Hb k y K N); lra). lra.
      + intros E. assert ((x - a) / (b - a) * (b - a) = 1 * (b - a)) as F by (rewrite E; reflexivity).
        replace ((x - a) / (b - a) * (b - a)) with (x - a) in F by (field; lra). lra.
  Qed.

  Lemma candidate_as_good x : 0 <= x <= 1 -> exists y, candidate y /\ value x <= value y.
  Proof.
    intros X. destruct (between x X) as [a [b [t [Ca [Cb [_ [T [V _]]]]]]]].
    destruct (Rle_dec (value a) (value b)) as [L|L]; [exists b|exists a]; split; try assumption; rewrite V.
    - assert ((1 - t) * value a <= (1 - t) * value b) by (apply Rmult_le_compat_l; lra). lra.
    - assert (t * value b <= t * value a) by (apply Rmult_le_compat_l; lra). lra.
  Qed.

  (** The candidates are finitely many: one that is best for any total order exists. *)
  Lemma best_candidate (better : R -> R -> Prop) (good : R -> Prop) (y0 : R) :
    (forall x y, better x y \/ better y x) -> (forall x y z, better x y -> better y z -> better x z) ->
    (forall x, good x \/ ~ good x) -> candidate y0 -> good y0 ->
    exists y, candidate y /\ good y /\ forall x, candidate x -> good x -> better y x.
  Proof.
    intros Total Trans Dec C0 G0.
    assert (forall a c, candidate a /\ good a -> exists y, (candidate y /\ good y) /\ better y a /\
              (candidate c -> good c -> better y c)) as Add.
    { intros a c [Ca Ga]. destruct (Dec c) as [Gc|Gc].
      - destruct (Total a c) as [B|B].
        + exists a. split; [auto|]. split; [|auto]. destruct (Total a a); assumption.
        + destruct (Rle_dec 0 c) as [L|L]; [destruct (Rle_dec c 1) as [U|U]|].
          * assert (candidate c \/ ~ candidate c) as [Cc|Nc].
            { unfold candidate. destruct (Req_dec c 0) as [|Z]; [left; split; [lra|auto]|].
              destruct (Req_dec c 1) as [|O]; [left; split; [lra|auto]|].
              assert (forall j, (exists k, (k < j)%nat /\ bend k c) \/ ~ (exists k, (k < j)%nat /\ bend k c)) as F.
              { induction j as [|j [[k [K Bk]]|N]].
                - right. intros [k [K _]]. lia.
                - left. exists k. split; [lia|exact Bk].
                - destruct (Req_dec (r j) (q j)) as [E|D];
                    [|destruct (Req_dec c ((p j - q j) / (r j - q j))) as [E|E]].
                  + right. intros [k [K Bk]]. destruct (Nat.eq_dec k j) as [->|]; [destruct Bk; contradiction|].
                    apply N. exists k. split; [lia|exact Bk].
                  + left. exists j. split; [lia|split; assumption].
                  + right. intros [k [K Bk]]. destruct (Nat.eq_dec k j) as [->|]; [destruct Bk; contradiction|].
                    apply N. exists k. split; [lia|exact Bk]. }
              destruct (F m) as [Y|N]; [left; split; [lra|auto]|right]. intros [_ [?|[?|Y]]]; contradiction. }
            -- exists c. split; [auto|]. split; [exact B|]. intros. destruct (Total c c); assumption.
            -- exists a. split; [auto|]. split; [destruct (Total a a); assumption|]. intros; contradiction.
          * exists a. split; [auto|]. split; [destruct (Total a a); assumption|]. intros [? _]. lra.
          * exists a. split; [auto|]. split; [destruct (Total a a); assumption|]. intros [? _]. lra.
      - exists a. split; [auto|]. split; [destruct (Total a a); assumption|]. intros; contradiction. }
    assert (forall j, (j <= m)%nat -> exists y, (candidate y /\ good y) /\
              forall x, candidate x -> good x -> x = 0 \/ x = 1 \/ (exists k, (k < j)%nat /\ bend k x) -> better y x)
                as H.
    { induction j as [|j IH]; intros J.
      - destruct (Add y0 0) as [a [Ga [_ A]]]; [auto|]. destruct (Add a 1 Ga) as [b [Gb [B B1]]].
        exists b. split; [exact Gb|]. intros x Cx Gx [-> | [-> | [k [K _]]]]; [|auto|lia].
        apply (Trans b a 0); auto.
      - destruct IH as [y [Gy H]]; [lia|]. set (z := (p j - q j) / (r j - q j)).
        destruct (Add y z Gy) as [b [Gb [B Bz]]]. exists b. split; [exact Gb|]. intros x Cx Gx S.
        destruct (Req_dec x z) as [->|D]; [auto|]. apply (Trans b y x); [exact B|]. apply H; [assumption..|].
        destruct S as [?|[?|[k [K Bk]]]]; [auto|auto|]. right. right. exists k. split; [|exact Bk].
        destruct (Nat.eq_dec k j) as [->|]; [|lia]. exfalso. destruct Bk as [_ E]. unfold z in D. contradiction. }
    destruct (H m) as [y [[Cy Gy] B]]; [lia|]. exists y. split; [exact Cy|]. split; [exact Gy|].
    intros x Cx Gx. apply B; [assumption..|]. apply Cx.
  Qed.

  (** The best of 0, 1 and the bends is the best of all weights. *)
  Theorem maximum : exists y, candidate y /\ (forall x, candidate x -> value x <= value y) /\
    (forall x, 0 <= x <= 1 -> value x <= value y).
  Proof.
    destruct (best_candidate (fun a b => value b <= value a) (fun _ => True) 0) as [y [C [_ B]]];
      [intros; lra|intros; lra|auto|split; [lra|auto]|exact I|].
    exists y. split; [exact C|]. split; [intros x Cx; apply B; auto|]. intros x X.
    destruct (candidate_as_good x X) as [z [Cz L]]. specialize (B z Cz I). lra.
  Qed.

  (** The smallest weight that is best exists, and is 0, 1 or a bend. *)
  Theorem smallest_maximiser : exists y, candidate y /\ (forall x, 0 <= x <= 1 -> value x <= value y) /\
    (forall x, 0 <= x <= 1 -> (forall z, 0 <= z <= 1 -> value z <= value x) -> y <= x).
  Proof.
    destruct maximum as [top [Ct [_ Top]]].
    destruct (best_candidate Rle (fun a => value a = value top) top) as [y [C [G B]]];
      [intros; lra|intros; lra|intros; destruct (Req_dec (value x) (value top)); auto|exact Ct|reflexivity|].
    exists y. split; [exact C|]. rewrite G. split; [exact Top|]. intros x X M.
    destruct (between x X) as [a [b [t [Ca [Cb [A [T [V One]]]]]]]].
    assert (value x = value top) as E.
    { specialize (M top). specialize (Top x X). destruct Ct as [? _]. lra. }
    assert (value a <= value top) as Ta by (apply Top, Ca). assert (value b <= value top) as Tb by (apply Top, Cb).
    destruct (Req_dec t 1) as [->|N].
    - rewrite (One eq_refl) in *. apply B; [exact Cb|exact E].
    - assert (value a = value top) as F; [|specialize (B a Ca F); lra].
      assert (0 < 1 - t) as P by lra.
      assert (t * value b <= t * value top) by (apply Rmult_le_compat_l; lra).
      apply (Rmult_eq_reg_l (1 - t)); [|lra].
      assert ((1 - t) * value a <= (1 - t) * value top) by (apply Rmult_le_compat_l; lra). lra.
  Qed.

  (** Slope right of weight y: that of the mixtures that start at y. *)
  Definition slope_after (y : R) : R := slope m w p (fun k => mix k y) (fun k => mix k y + (r k - q k)).

  Lemma shifted y z : f m w p (fun k => mix k y) (fun k => mix k y + (r k - q k)) z = value (y + z).
  Proof.
    apply sum_ext. intros k _. f_equal. f_equal. unfold mix. ring.
  Qed.

  (** The slope falls at each bend by the weight that moves there: so it is known at all bends from one pass. *)
  Definition falls (k : nat) (y : R) : R :=
    if Req_EM_T (r k) (q k) then 0
    else if Rlt_dec 0 ((p k - q k) / (r k - q k)) then
      (if Rle_dec ((p k - q k) / (r k - q k)) y then Rabs (r k - q k) else 0) else 0.

  Theorem slope_after_bends y : 0 <= y ->
    slope_after y = slope_after 0 - sum m (fun k => w k * falls k y).
  Proof.
    intros Y. unfold slope_after, slope. rewrite <- sum_minus. apply sum_ext. intros k _.
    rewrite <- Rmult_minus_distr_l. f_equal. unfold falls, rise, mix.
    destruct (Req_EM_T (r k) (q k)) as [E|D].
    - replace ((1 - y) * q k + y * r k) with (q k) by (rewrite E; ring).
      replace ((1 - 0) * q k + 0 * r k) with (q k) by ring. ring.
    - set (z := (p k - q k) / (r k - q k)).
      assert (forall x, (1 - x) * q k + x * r k = p k + (x - z) * (r k - q k)) as Z by (intros; unfold z; field; lra).
      rewrite !Z. set (d := r k - q k) in *. replace (p k + (y - z) * d + d - (p k + (y - z) * d)) with d by ring.
      replace (p k + (0 - z) * d + d - (p k + (0 - z) * d)) with d by ring.
      assert (d <> 0) as N by (unfold d; lra).
      assert (forall x, (if Rlt_dec (p k + (x - z) * d) (p k) then d
                         else if Rlt_dec (p k) (p k + (x - z) * d) then 0 else Rmin 0 d) =
                        if Rlt_dec x z then Rmax 0 d else Rmin 0 d) as Side.
      { intros x. destruct (Rlt_dec x z) as [L|L]; destruct (Rle_dec 0 d) as [P|P].
        - assert (0 < (z - x) * d) by (apply Rmult_lt_0_compat; lra).
          destruct (Rlt_dec (p k + (x - z) * d) (p k)); [cases|lra].
        - assert (0 < (z - x) * - d) by (apply Rmult_lt_0_compat; lra).
          destruct (Rlt_dec (p k + (x - z) * d) (p k)); [lra|].
          destruct (Rlt_dec (p k) (p k + (x - z) * d)); [cases|lra].
        - assert (0 <= (x - z) * d) by (apply Rmult_le_pos; lra).
          destruct (Rlt_dec (p k + (x - z) * d) (p k)); [lra|].
          destruct (Rlt_dec (p k) (p k + (x - z) * d)); cases.
        - assert (0 <= (x - z) * - d) by (apply Rmult_le_pos; lra).
          destruct (Rlt_dec (p k + (x - z) * d) (p k)); [cases|].
          destruct (Rlt_dec (p k) (p k + (x - z) * d)); [lra|cases]. }
      rewrite !Side. destruct (Rlt_dec y z), (Rlt_dec 0 z), (Rle_dec z y); cases.
  Qed.

  (** The first candidate after which the slope is not positive, or 1, is the smallest maximiser. *)
  Theorem first_fall_is_smallest_maximiser y : candidate y ->
    (forall x, candidate x -> x < y -> 0 < slope_after x) -> (y = 1 \/ slope_after y <= 0) ->
    (forall x, 0 <= x <= 1 -> value x <= value y) /\
    (forall x, 0 <= x < y -> value x < value y).
  Proof.
    intros C Up Stop.
    assert (forall x, 0 <= x < y -> value x < value y) as Before.
    { destruct (Req_dec y 0) as [->|N]; [intros; lra|].
      assert (exists a, candidate a /\ a < y /\ forall k z, (k < m)%nat -> bend k z -> z < y -> z <= a) as [a [Ca [A
        H]]].
      { destruct (best_candidate (fun u v => v <= u) (fun z => z < y) 0) as [a [Ca [A B]]];
          [intros; lra|intros; lra|intros x; destruct (Rlt_dec x y); auto|split; [lra|auto]|destruct C; lra|].
        exists a. split; [exact Ca|]. split; [exact A|]. intros k z K Bz Z.
        destruct (Rle_dec 0 z) as [Pz|Nz]; [|destruct Ca; lra].
        apply B; [|exact Z]. split; [destruct C; lra|]. right. right. exists k. auto. }
      assert (value a < value y) as Rise.
      { pose proof (Up a Ca A) as S.
        destruct (proj2 (some_weight_wins_iff m w p _ _ w_nonneg) S) as [z [Z L]].
        rewrite !shifted, Rplus_0_r in L.
        destruct (Rle_dec (a + z) y) as [Le|Gt].
        - assert (0 < y - a) as P by lra.
          assert (0 <= z / (y - a) <= 1) as T.
          { split; [apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat, P|].
            apply (Rmult_le_reg_r (y - a)); [exact P|]. replace (z / (y - a) * (y - a)) with z by (field; lra). lra. }
          pose proof (piecewise_linear a y (z / (y - a)) ltac:(lra) T) as Lin.
          replace ((1 - z / (y - a)) * a + z / (y - a) * y) with (a + z) in Lin by (field; lra).
          rewrite Lin in L by (intros k x K X Bx; specialize (H k x K Bx); lra).
          destruct (Rle_dec (value y) (value a)) as [Q|Q]; [|lra]. exfalso.
          assert (0 <= z / (y - a) * (value a - value y)) by (apply Rmult_le_pos; lra). lra.
        - (* the value at y lies above the chord from a to a + z *)
          pose proof (concave m w p q r w_nonneg a (a + z) (1 - (y - a) / z)) as Con. fold (value a) in Con.
          assert (0 < (y - a) / z) by (apply Rmult_lt_0_compat; [lra|apply Rinv_0_lt_compat; lra]).
          assert ((y - a) / z <= 1).
          { apply (Rmult_le_reg_r z); [lra|]. replace ((y - a) / z * z) with (y - a) by (field; lra). lra. }
          replace ((1 - (y - a) / z) * a + (1 - (1 - (y - a) / z)) * (a + z)) with y in Con by (field; lra).
          change (f m w p q r) with value in Con. specialize (Con ltac:(lra)).
          assert (0 < (y - a) / z * (value (a + z) - value a)) by (apply Rmult_lt_0_compat; lra). lra. }
      intros x X. destruct (Rle_dec x a) as [Le|Gt].
      - destruct (Rlt_dec (value x) (value y)) as [|Q]; [assumption|]. exfalso.
        pose proof (concave m w p q r w_nonneg x y ((y - a) / (y - x))) as Con. change (f m w p q r) with value in Con.
        assert (0 <= (y - a) / (y - x) <= 1) as T.
        { split; [apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat; lra|].
          apply (Rmult_le_reg_r (y - x)); [lra|]. replace ((y - a) / (y - x) * (y - x)) with (y - a) by (field; lra).
          lra. }
        replace ((y - a) / (y - x) * x + (1 - (y - a) / (y - x)) * y) with a in Con by (field; lra).
        specialize (Con T). assert (0 <= (y - a) / (y - x) * (value x - value y)) by (apply Rmult_le_pos; lra). lra.
      - assert (0 < y - a) as P by lra.
        assert (0 <= (x - a) / (y - a) < 1) as T.
        { split; [apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat, P|].
          apply (Rmult_lt_reg_r (y - a)); [exact P|].
          replace ((x - a) / (y - a) * (y - a)) with (x - a) by (field; lra). lra. }
        pose proof (piecewise_linear a y ((x - a) / (y - a)) ltac:(lra) ltac:(lra)) as Lin.
        replace ((1 - (x - a) / (y - a)) * a + (x - a) / (y - a) * y) with x in Lin by (field; lra).
        rewrite Lin by (intros k z K Z Bz; specialize (H k z K Bz); lra).
        assert (0 < (1 - (x - a) / (y - a)) * (value y - value a)) by (apply Rmult_lt_0_compat; lra). lra. }
    split; [|exact Before]. intros x X. destruct (Rlt_dec x y) as [L|L]; [left; apply Before; lra|].
    destruct Stop as [->|S]; [replace x with 1 by lra; lra|].
    pose proof (below_tangent m w p (fun k => mix k y) (fun k => mix k y + (r k - q k)) w_nonneg (x - y)) as B.
    rewrite !shifted in B. replace (y + (x - y)) with x in B by ring. rewrite Rplus_0_r in B.
    fold (slope_after y) in B. specialize (B ltac:(lra)).
    assert (0 <= (x - y) * - slope_after y) by (apply Rmult_le_pos; lra). lra.
  Qed.
End Mixing.
