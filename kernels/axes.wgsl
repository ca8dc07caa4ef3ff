// For kernels whose block ends in `axes`: rows of (size, stride).

/**
 * The offset of an index in row-major order over `rank` axes, of which `first` is the outermost. Ranks are literals where
 * it is called, so of the branches one remains; most have no loop.
 */
fn axes_offset(index: i32, first: i32, rank: i32) -> i32 {
  if (rank == 0) {
    return 0;
  }
  if (rank == 1) {
    return index * call.axes[first].y;
  }
  var rest = u32(index);
  var offset = 0;
  if (rank > 2) {
    for (var axis = first + rank - 1; axis > first + 1; axis--) {
      let size = u32(call.axes[axis].x);
      offset += i32(rest % size) * call.axes[axis].y;
      rest /= size;
    }
  }
  let size = u32(call.axes[first + 1].x);
  let outer = rest / size;
  return offset + i32(rest - outer * size) * call.axes[first + 1].y + i32(outer) * call.axes[first].y;
}
