/** The part of asciichart 1.5 that `plot.ts` uses; the package has no types of its own. */
declare module 'asciichart' {
  const asciichart: {
    /** One column a value. `height` is in rows less one; `format` makes the labels of the vertical axis. */
    plot(
      series: readonly number[],
      config: { min: number; max: number; height: number; format: (value: number) => string },
    ): string
  }
  export default asciichart
}
