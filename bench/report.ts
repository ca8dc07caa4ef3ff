// What a suite has found, as a table for people or as lines of JSON.
import { cpus } from 'node:os'
import type { Spread } from './spread.ts'

/** A ratio, and where it has to be. */
export interface Ratio {
  readonly kind: 'ratio'
  readonly name: string
  readonly value: Spread
  /** How it is written: so many times the other, a share, nanoseconds, or units in the last place. */
  readonly unit: 'times' | 'percent' | 'ns' | 'ulp'
  readonly target?: Target
  readonly note?: string
}

export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** What a kernel takes of a step, and how near it is to what bounds it. */
export interface KernelTime {
  readonly kind: 'kernel'
  readonly name: string
  /** How often it runs in a step. */
  readonly calls: number
  readonly milliseconds: number
  readonly share: number
  readonly gigaflops: number
  readonly gigabytes: number
  /** The time that arithmetic or memory would need at least, over the time it took. */
  readonly ofBound: number
  /** Much of the time, and below half of its bound. */
  readonly isSlow: boolean
}

/** A sentence between the others. */
export interface Remark {
  readonly kind: 'remark'
  readonly text: string
}

export type Finding = Ratio | KernelTime | Remark

export interface Suite {
  readonly name: string
  readonly title: string
  readonly run: () => AsyncGenerator<Finding, void>
}

export const isMet = ({ value, target }: Ratio): boolean | undefined => {
  if (!target) return undefined
  return 'atLeast' in target ? value.median >= target.atLeast : value.median <= target.atMost
}

export const gigaflopsOf = (flops: number, { median }: Spread): string => `${(flops / median / 1e9).toFixed(1)} GFLOP/s`

export const millisecondsOf = ({ median }: Spread): string => `${digits(1e3 * median)} ms`

export interface Reporter {
  begin(suite: Suite): void
  found(suite: Suite, finding: Finding): void
  end(): void
}

/** Counts the targets. */
class Tally {
  met = 0
  readonly missed: string[] = []

  add(suite: Suite, finding: Finding): void {
    if (finding.kind !== 'ratio') return
    const met = isMet(finding)
    if (met) this.met++
    else if (met === false) this.missed.push(`${suite.name}: ${finding.name}`)
  }
}

const machineName = (): string => `${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.versions.node}`
const today = (): string => new Date().toISOString().slice(0, 10)

export class JsonReporter implements Reporter {
  private readonly tally = new Tally()

  begin(): void {}

  found(suite: Suite, finding: Finding): void {
    this.tally.add(suite, finding)
    const met = finding.kind === 'ratio' ? isMet(finding) : undefined
    console.log(JSON.stringify({ suite: suite.name, ...finding, met }))
  }

  end(): void {
    const { met, missed } = this.tally
    console.log(JSON.stringify({ kind: 'summary', date: today(), machine: machineName(), met, missed }))
  }
}

const NAME = 50
const column = (text: string, width: number): string => text.padStart(width)

export class TableReporter implements Reporter {
  private readonly tally = new Tally()
  private last: Finding['kind'] | undefined

  begin({ name, title }: Suite): void {
    console.log(`\n${name}: ${title}`)
    this.last = undefined
  }

  found(suite: Suite, finding: Finding): void {
    this.tally.add(suite, finding)
    if (finding.kind !== this.last) console.log(heads[finding.kind])
    this.last = finding.kind
    if (finding.kind === 'ratio') console.log(ratioLine(finding))
    else if (finding.kind === 'kernel') console.log(kernelLine(finding))
    else console.log(`  ${finding.text}`)
  }

  end(): void {
    const { met, missed } = this.tally
    console.log(`\n${today()}, ${machineName()}`)
    console.log(`${met} of ${met + missed.length} targets are met${missed.length ? '; not met:' : ''}`)
    for (const name of missed) console.log(`  ${name}`)
  }
}

const heads: Readonly<Record<Finding['kind'], string>> = {
  ratio: `  ${''.padEnd(NAME)}${column('median', 9)}${column('middle half', 15)}${column('target', 12)}`,
  kernel: `  ${''.padEnd(NAME + 8)}calls      ms   share  GFLOP/s   GB/s  of its bound`,
  remark: '',
}

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2))
const format: Readonly<Record<Ratio['unit'], (value: number) => string>> = {
  times: (value) => `${digits(value)} x`,
  percent: (value) => `${(100 * value).toFixed(1)} %`,
  ns: (value) => `${digits(value)} ns`,
  ulp: (value) => `${digits(value)} ulp`,
}

function ratioLine(ratio: Ratio): string {
  const { name, value, unit, target, note } = ratio
  const write = format[unit]
  const bare = (one: number): string => write(one).replace(/ .*/, '')
  const wanted = target && ('atLeast' in target ? `>= ${write(target.atLeast)}` : `<= ${write(target.atMost)}`)
  const met = isMet(ratio)
  return [
    `  ${name.padEnd(NAME)}`,
    column(write(value.median), 9),
    column(value.low === value.high ? '' : `${bare(value.low)} - ${bare(value.high)}`, 15),
    column(wanted ?? '', 12),
    met === undefined ? '         ' : met ? '  met    ' : '  NOT MET',
    note ? `  ${note}` : '',
  ]
    .join('')
    .trimEnd()
}

function kernelLine({ name, calls, milliseconds, share, gigaflops, gigabytes, ofBound, isSlow }: KernelTime): string {
  const short = name.length > NAME + 6 ? `${name.slice(0, NAME + 3)}...` : name
  return [
    `  ${short.padEnd(NAME + 6)}`,
    column(`${calls}`, 7),
    column(milliseconds.toFixed(1), 8),
    column(`${(100 * share).toFixed(1)} %`, 8),
    column(gigaflops ? gigaflops.toFixed(1) : '', 9),
    column(gigabytes.toFixed(1), 7),
    column(`${(100 * ofBound).toFixed(0)} %`, 9),
    isSlow ? '  below half' : '',
  ].join('')
}
