#!/usr/bin/env node
import { rmaat } from './rmaat.ts'

// a reader that has gone away (`| head`) ends the command without a word
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
await rmaat(process.argv.slice(2))
