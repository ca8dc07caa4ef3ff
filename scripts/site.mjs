// Builds the documentation site into site/dist, which any static host serves from any path, and checks every link within it.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const site = fileURLToPath(new URL('../site', import.meta.url))
const dist = join(site, 'dist')

/** What a page can be asked for: the places in each file. */
const placesOf = (html) => new Set(Array.from(html.matchAll(/\s(?:id|name)="([^"]+)"/g), ([, id]) => id))

/** The links of a folder of pages that lead nowhere, and how many there are. */
export function checkLinks(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const pages = new Map(
    names.filter((name) => name.endsWith('.html')).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  )
  const places = new Map([...pages].map(([name, html]) => [name, placesOf(html)]))
  const files = new Set(names)
  const broken = []
  let count = 0
  for (const [page, html] of pages)
    for (const [, target] of html.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/.test(target)) continue
      count++
      const [path, place = ''] = target.replaceAll('&amp;', '&').split('#').map(decodeURIComponent)
      const file = path === '' ? page : relative(folder, join(folder, dirname(page), path))
      if (!files.has(file) || (place && places.has(file) && !places.get(file).has(place)))
        broken.push(`${page}: ${target}`)
    }
  return { broken, count }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  execFileSync(process.execPath, [join(site, 'node_modules/typedoc/bin/typedoc')], { cwd: site, stdio: 'inherit' })
  const { broken, count } = checkLinks(dist)
  for (const line of broken) console.error(`leads nowhere: ${line}`)
  console.log(`${count} links are checked, ${broken.length} lead nowhere; open ${join(dist, 'index.html')}`)
  process.exitCode = broken.length > 0 ? 1 : 0
}
