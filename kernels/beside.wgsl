// Several calls of one kernel in one dispatch: each workgroup finds which of them it is part of. The host writes this in the
// place of the declaration of `call`, and `calls.each[which]` for `call`.
//
// Constant: CALLS, how many there are.

struct Calls {
  /** The number of workgroups of the first calls: of one, of two, of three. */
  ends: vec4<i32>,
  each: array<Call, CALLS>,
}
@group(0) @binding(1) var<uniform> calls: Calls;

/** For functions. The entry point has one of its own, which the compiler knows to be the same for all of a workgroup. */
var<private> which: i32;

/** The call of a workgroup, and its number among those of this call. */
fn own_share(group: i32) -> vec2<i32> {
  var share = vec2(0, group);
  for (; share.x < CALLS - 1 && group >= calls.ends[share.x]; share.x++) {
    share.y = group - calls.ends[share.x];
  }
  which = share.x;
  return share;
}
