// What a program computes and moves, read off its plan.

import { elementsOf } from '../src/program/axes.ts'
import { accessesOf } from '../src/program/kernels.ts'
import type { Kernel, Plan } from '../src/program/plan.ts'

const BYTES = 4

/** Floating-point operations of a matrix product. The other kernels do little for each number that they move. */
export const flopsOf = (call: Kernel): number =>
  call.kind === 'matmul' ? 2 * [call.batch, call.m, call.n, call.k].map(elementsOf).reduce((a, b) => a * b) : 0

/** What a call must read and write at least, each number once. */
export function bytesOf(call: Kernel): number {
  const { reads, writes } = accessesOf(call)
  const distinct = [...reads, ...writes].map(({ view }) => elementsOf(view.axes.filter(({ stride }) => stride !== 0)))
  return BYTES * distinct.reduce((sum, elements) => sum + elements, 0)
}

/** The kernel calls of a plan in its order, and how often each runs. */
export function callsOf({ instructions }: Plan): { readonly call: Kernel; readonly times: number }[] {
  const calls: { call: Kernel; times: number }[] = []
  const loops: number[] = []
  for (const instruction of instructions) {
    if (instruction.kind === 'loop') loops.push(instruction.count)
    else if (instruction.kind === 'end') loops.pop()
    else calls.push({ call: instruction, times: loops.reduce((a, b) => a * b, 1) })
  }
  return calls
}

/** Floating-point operations of all products of a run. */
export const totalFlops = (plan: Plan): number =>
  callsOf(plan).reduce((sum, { call, times }) => sum + times * flopsOf(call), 0)
