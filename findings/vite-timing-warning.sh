#!/usr/bin/env bash
# vite 8.3.0 warns through its logger where a plugin took most of a build's time, so a build without a fault has warnings on a
# busy or slow machine, and none on a fast one.
#
# Expected: that the warnings of a build are those of its input: the same files, the same warnings.
# Seen: the same two files build in silence; with a plugin that only waits for some seconds, which is what a busy machine does to
# any plugin, `logger.warn` hears "[PLUGIN_TIMINGS] JavaScript callbacks ran for ... of this ... build". Off with
# `build.rolldownOptions.checks.bundlerTimings: false`, and with the same below `worker` for workers, which have options of their own.
# Why it matters: whoever takes warnings of a bundler for errors in CI, as libraries do for their package, has a test that fails
# by the clock alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' >package.json
npm install --silent --no-audit --no-fund vite@8.3.0
echo '<!doctype html><title>A page</title><script type="module" src="./page.js"></script>' >index.html
echo 'document.title = "B"' >page.js

cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { build, createLogger } from 'vite'

const { version } = JSON.parse(readFileSync('node_modules/vite/package.json', 'utf8'))
console.log(`vite ${version}`)

async function warnings(milliseconds, checks) {
  const customLogger = createLogger('silent')
  const heard = []
  customLogger.warn = customLogger.warnOnce = (message) => heard.push(message)
  const waits = {
    name: 'waits',
    async transform() {
      await setTimeout(milliseconds)
      return null
    },
  }
  await build({ configFile: false, customLogger, plugins: [waits], build: { rolldownOptions: { checks } } })
  return heard
}

const [quick, slow, off] = [await warnings(0, {}), await warnings(5000, {}), await warnings(5000, { bundlerTimings: false })]
console.log(`warnings: ${quick.length} at once, ${slow.length} behind a plugin that waits, ${off.length} with the check off`)
console.log(slow.join('\n').split('\n')[0])
if (quick.length !== 0 || off.length !== 0 || !slow.some((text) => text.includes('PLUGIN_TIMINGS'))) {
  console.log('this is no longer so')
  process.exit(1)
}
JS
node check.mjs
