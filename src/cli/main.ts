#!/usr/bin/env node
import { SUPERVISED } from './interrupt.ts'
import { endUnread } from './output.ts'
import { supervise } from './supervise.ts'

/** Commands with long steps, which shut down cleanly on a signal. */
const LONG = ['train', 'compare', 'start', 'ablate']

const args = process.argv.slice(2)
endUnread()
const helps = args.some((arg) => arg === '--help' || arg === '-h')
if (LONG.includes(args[0]) && !helps && !(SUPERVISED in process.env)) supervise()
else await (await import('./rmaat.ts')).rmaat(args)
