import * as assert from 'uvu/assert'
import { type ErrorCode, RmaatError } from '../../src/errors.ts'

/** Asserts that the action throws, or its promise rejects with, an RmaatError of this code and message. */
export async function fails(action: () => unknown, code: ErrorCode, message: string): Promise<void> {
  let error: unknown
  try {
    await action()
  } catch (caught) {
    error = caught
  }
  assert.instance(error, RmaatError)
  assert.is((error as RmaatError).message, message)
  assert.is((error as RmaatError).code, code)
}
