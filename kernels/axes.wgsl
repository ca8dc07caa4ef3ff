// For kernels whose block ends in `axes`: vectors of size and stride.

/** The offset of an index in row-major order over `rank` axes, of which `first` is the outermost. */
fn axes_offset(index: i32, first: i32, rank: i32) -> i32 {
  if (rank == 0) {
    return 0;
  }
  var rest = u32(index);
  var offset = 0;
  for (var axis = first + rank - 1; axis > first; axis--) {
    let size = u32(call.axes[axis].x);
    offset += i32(rest % size) * call.axes[axis].y;
    rest /= size;
  }
  return offset + i32(rest) * call.axes[first].y;
}
