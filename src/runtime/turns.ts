/** What a page's thread may compute before it draws and hears, in milliseconds. */
const TURN = 12
let last = Number.NEGATIVE_INFINITY

/**
 * On a page's own thread: lets it draw and hear, where it has computed for long since it last could. A loop that awaits
 * finished work alone would never let it. Undefined where there is nothing to wait for.
 */
export function turn(): Promise<void> | undefined {
  if (typeof document === 'undefined' || performance.now() - last < TURN) return undefined
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      last = performance.now()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
