// out[batch, m, n] (+)= sum over k of a[batch, m, k] x b[batch, k, n]. Each of batch, m, n and k is a list of axes with
// any strides.
//
// A workgroup owns a tile of TILE_M x TILE_N outputs and one chunk of k. It goes through the chunk by TILE_K at a time:
// - its invocations load TILE_M x TILE_K of a and TILE_K x TILE_N of b into workgroup memory, where four rows or four
//   columns are one vector. Each brings one piece of 4 x 4, or none, and reads it while the one before is multiplied.
// - an invocation owns 4 x 4 outputs, or up to 2 x 2 such blocks that lie half a tile apart (neighbouring invocations
//   then read neighbouring vectors), and adds to them the products of every SLICES-th k.
// Sums are trees, so that rounding errors stay small: after RUN tiles the SLICES invocations that share outputs add up
// their sums and write the result to `out`; the sums of the next tiles are added to it there.
//
// Constants: ROWS x COLUMNS x SLICES invocations, ROW_BLOCKS x COLUMN_BLOCKS blocks for each (more than one only where
// SLICES is 1), TILE_K, and AXES, for how many there is room. There must be no more pieces than invocations. ALONG_K and
// ALONG_SIDE name the orders of a and b: which four neighbours are one vector in memory, those along k, or along m or n.

const M_VECTORS = ROWS * ROW_BLOCKS;
const N_VECTORS = COLUMNS * COLUMN_BLOCKS;
const TILE_M = 4 * M_VECTORS;
const TILE_N = 4 * N_VECTORS;
const A_PIECES = M_VECTORS * TILE_K / 4;
const B_PIECES = N_VECTORS * TILE_K / 4;
/** Invocations that share the outputs of a tile. */
const OWNERS = ROWS * COLUMNS;
/** One block leaves registers for a second level of sums: of the products of a tile, and of tiles. */
const ONE_BLOCK = ROW_BLOCKS * COLUMN_BLOCKS == 1;
const RUN = select(256 / TILE_K, 32, ONE_BLOCK);

struct Call {
  a: vec4<i32>,
  b: vec4<i32>,
  out: vec4<i32>,
  /** How many batch indices, m, n and k there are. */
  sizes: vec4<i32>,
  /** Where in `axes` those of m, n and k begin, and where all end. Those of batch come first. */
  m_axes: i32,
  n_axes: i32,
  k_axes: i32,
  end_axes: i32,
  groups: i32,
  /** How many k a chunk has, and the elements from its outputs to those of the next. */
  chunk: i32,
  chunk_stride: i32,
  accumulate: i32,
  /** ALONG_K, ALONG_SIDE or neither. */
  order_a: i32,
  order_b: i32,
  /** Size, and strides in a, b and out, of the axes of batch, m, n and k, at least one each; outermost first. */
  axes: array<vec4<i32>, AXES>,
}
@group(0) @binding(1) var<uniform> call: Call;

// Strides of an axis.
const IN_A = 1;
const IN_B = 2;
const IN_OUT = 3;
const NEXT = vec4(0, 1, 2, 3);

/** Vectors of a, [k][m / 4], then of b, [k][n / 4]. */
var<workgroup> tile: array<vec4<f32>, TILE_K * (M_VECTORS + N_VECTORS)>;
const B_BEGIN = TILE_K * M_VECTORS;

/** The offsets of four indices over the axes from `first` to before `end` in the operand `stride`. */
fn offsets(indices: vec4<i32>, first: i32, end: i32, stride: i32) -> vec4<i32> {
  var rest = vec4<u32>(indices);
  var sum = vec4<i32>();
  for (var axis = end - 1; axis > first; axis--) {
    let size = u32(call.axes[axis].x);
    let outer = rest / size;
    sum += vec4<i32>(rest - outer * size) * call.axes[axis][stride];
    rest = outer;
  }
  return sum + vec4<i32>(rest) * call.axes[first][stride];
}

/** Four rows of a, or columns of b, that begin at `lines`, for k to k + 3: a vector for each k, zero from `end` on. */
fn load(order: i32, lines: vec4<i32>, stride: i32, k: i32, end: i32) -> mat4x4<f32> {
  if (k >= end) {
    return mat4x4<f32>();
  }
  let steps = offsets(min(k + NEXT, vec4(end - 1)), call.k_axes, call.end_axes, stride);
  var piece: mat4x4<f32>;
  if (order == ALONG_K) {
    let at = lines + steps.x;
    piece = transpose(mat4x4(read4(at.x), read4(at.y), read4(at.z), read4(at.w)));
  } else if (order == ALONG_SIDE) {
    let at = lines.x + steps;
    piece = mat4x4(read4(at.x), read4(at.y), read4(at.z), read4(at.w));
  } else {
    piece = mat4x4(
      gather4(lines + steps.x),
      gather4(lines + steps.y),
      gather4(lines + steps.z),
      gather4(lines + steps.w),
    );
  }
  let zero = vec4<f32>();
  return mat4x4(
    piece[0],
    select(zero, piece[1], k + 1 < end),
    select(zero, piece[2], k + 2 < end),
    select(zero, piece[3], k + 3 < end),
  );
}

fn gather4(at: vec4<i32>) -> vec4<f32> {
  return vec4(read(at.x), read(at.y), read(at.z), read(at.w));
}

/**
 * Adds the products of four rows of a and four columns of b at one k; each vector of the sums is a row. Compilers fuse
 * them where the device can; fma() would be slow where it cannot.
 */
fn add_products(sum: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
  return mat4x4(sum[0] + a.x * b, sum[1] + a.y * b, sum[2] + a.z * b, sum[3] + a.w * b);
}

/** Writes or adds four rows of four sums from (m, n) on, as far as they lie in `out`. */
fn write(sum: mat4x4<f32>, out: i32, m: i32, n: i32, add: bool) {
  let rows = out + offsets(m + NEXT, call.m_axes, call.n_axes, IN_OUT);
  let columns = offsets(n + NEXT, call.n_axes, call.k_axes, IN_OUT);
  let within = n + NEXT < vec4(call.sizes.z);
  let left = select(0, call.sizes.y - m, within.x);
  if (left > 0) {
    write4(rows.x + columns, sum[0], within, add);
  }
  if (left > 1) {
    write4(rows.y + columns, sum[1], within, add);
  }
  if (left > 2) {
    write4(rows.z + columns, sum[2], within, add);
  }
  if (left > 3) {
    write4(rows.w + columns, sum[3], within, add);
  }
}

@compute @workgroup_size(OWNERS * SLICES)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  // group = ((chunk x batches + batch) x tiles along m + tile along m) x tiles along n + tile along n
  let group = group_index(id, groups);
  if (group >= call.groups) {
    return;
  }
  let tiles_n = (call.sizes.z + TILE_N - 1) / TILE_N;
  let tiles_m = (call.sizes.y + TILE_M - 1) / TILE_M;
  let n = group % tiles_n * TILE_N;
  let m = group / tiles_n % tiles_m * TILE_M;
  let batch = vec4(group / (tiles_n * tiles_m) % call.sizes.x);
  let chunk = group / (tiles_n * tiles_m * call.sizes.x);
  let begin = chunk * call.chunk;
  let end = min(begin + call.chunk, call.sizes.w);
  let local = i32(local_index);

  // what this invocation loads: the vector of the tile and its first k. Eight neighbours write 128 contiguous bytes.
  let of_a = local < A_PIECES;
  let brings = local < A_PIECES + B_PIECES;
  let stride = select(IN_B, IN_A, of_a);
  let order = select(call.order_b, call.order_a, of_a);
  let vectors = select(N_VECTORS, M_VECTORS, of_a);
  let piece_index = select(local - A_PIECES, local, of_a);
  let run = min(vectors, 8);
  let vector = piece_index / (run * TILE_K / 4) * run + piece_index % run;
  let piece_k = piece_index / run % (TILE_K / 4) * 4;
  let place = select(B_BEGIN, 0, of_a) + piece_k * vectors + vector;
  // beyond the last row or column it loads that one again: those sums are not written
  let last = select(call.sizes.z, call.sizes.y, of_a) - 1;
  let line = select(n, m, of_a) + 4 * vector;
  let indices = select(min(line + NEXT, vec4(last)), min(line, last - 3) + NEXT, order == ALONG_SIDE);
  let first = select(call.n_axes, call.m_axes, of_a);
  let first_end = select(call.k_axes, call.n_axes, of_a);
  let lines = address(select(call.b, call.a, of_a)) + offsets(batch, 0, call.m_axes, stride) +
    offsets(indices, first, first_end, stride);

  // the outputs that it owns, as vectors of the tile, and its share of k
  let column = local % COLUMNS;
  let row = local / COLUMNS % ROWS;
  let slice = local / OWNERS % SLICES;
  let out = address(call.out) + offsets(batch, 0, call.m_axes, IN_OUT).x + chunk * call.chunk_stride;
  // the sums of its blocks: the first digit is the block's row, the second its column
  var sum00 = mat4x4<f32>();
  var sum01 = mat4x4<f32>();
  var sum10 = mat4x4<f32>();
  var sum11 = mat4x4<f32>();

  for (var k = begin; k < end + TILE_K; k += TILE_K) {
    var piece: mat4x4<f32>;
    if (brings) {
      piece = load(order, lines, stride, k + piece_k, end);
    }
    // the tile holds the operands of the round before
    if (k > begin) {
      let before = sum00;
      if (ONE_BLOCK) {
        sum00 = mat4x4<f32>();
      }
      // beyond the end of k the tile holds zeros; the compiler knows how often the loop goes where it is worth unrolling
      let depth = select(min(TILE_K, end - k + TILE_K), TILE_K, SLICES == 1);
      for (var step = 0; step < depth; step += SLICES) {
        let from_a = (step + slice) * M_VECTORS + row;
        let from_b = B_BEGIN + (step + slice) * N_VECTORS + column;
        let a0 = tile[from_a];
        let b0 = tile[from_b];
        sum00 = add_products(sum00, a0, b0);
        if (COLUMN_BLOCKS == 2) {
          sum01 = add_products(sum01, a0, tile[from_b + COLUMNS]);
        }
        if (ROW_BLOCKS == 2) {
          sum10 = add_products(sum10, tile[from_a + ROWS], b0);
        }
        if (ROW_BLOCKS == 2 && COLUMN_BLOCKS == 2) {
          sum11 = add_products(sum11, tile[from_a + ROWS], tile[from_b + COLUMNS]);
        }
      }
      if (ONE_BLOCK) {
        sum00 += before;
      }
      workgroupBarrier();

      if (k >= end || (k - begin) % (RUN * TILE_K) == 0) {
        // SLICES > 1 only with one block: the upper half of the slices hands its sums to the lower half
        for (var half = SLICES / 2; half > 0; half /= 2) {
          let to = local - half * OWNERS;
          if (to >= 0 && slice < 2 * half) {
            tile[to] = sum00[0];
            tile[to + half * OWNERS] = sum00[1];
            tile[to + half * OWNERS * 2] = sum00[2];
            tile[to + half * OWNERS * 3] = sum00[3];
          }
          workgroupBarrier();
          if (slice < half) {
            sum00 += mat4x4(
              tile[local],
              tile[local + half * OWNERS],
              tile[local + half * OWNERS * 2],
              tile[local + half * OWNERS * 3],
            );
          }
          workgroupBarrier();
        }
        if (slice == 0) {
          let add = call.accumulate != 0 || k > begin + RUN * TILE_K;
          let m0 = m + 4 * row;
          let n0 = n + 4 * column;
          write(sum00, out, m0, n0, add);
          if (COLUMN_BLOCKS == 2) {
            write(sum01, out, m0, n0 + 4 * COLUMNS, add);
          }
          if (ROW_BLOCKS == 2) {
            write(sum10, out, m0 + 4 * ROWS, n0, add);
          }
          if (ROW_BLOCKS == 2 && COLUMN_BLOCKS == 2) {
            write(sum11, out, m0 + 4 * ROWS, n0 + 4 * COLUMNS, add);
          }
        }
        sum00 = mat4x4<f32>();
        sum01 = mat4x4<f32>();
        sum10 = mat4x4<f32>();
        sum11 = mat4x4<f32>();
      }
    }
    if (brings) {
      tile[place] = piece[0];
      tile[place + vectors] = piece[1];
      tile[place + 2 * vectors] = piece[2];
      tile[place + 3 * vectors] = piece[3];
    }
    workgroupBarrier();
  }
}
