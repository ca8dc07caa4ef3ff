import * as assert from 'uvu/assert'
import { type ErrorCode, RmaatError } from '../../src/errors.ts'

/**
 * Asserts that the action throws, or its promise rejects with, an RmaatError of this code, whose message is that text, or
 * holds all of these patterns.
 */
export async function fails(
  code: ErrorCode,
  message: string | RegExp | readonly RegExp[],
  action: () => unknown,
): Promise<void> {
  let error: unknown
  try {
    await action()
  } catch (caught) {
    error = caught
  }
  assert.instance(error, RmaatError, `expected an RmaatError of ${message}, found ${error}`)
  const found = error as RmaatError
  assert.is(found.code, code, found.message)
  if (typeof message === 'string') assert.is(found.message, message)
  else for (const pattern of [message].flat() as RegExp[]) assert.match(found.message, pattern)
}
