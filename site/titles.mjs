// Documents are called by their first heading, not by their file; and where the README lists the exports, each is a link.
import { Converter } from 'typedoc'

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const document of project.documents ?? []) {
      const [first] = document.content
      const title = /^# (.+)\n/.exec(first.text)
      document.name = title[1]
      first.text = first.text.slice(title[0].length)
    }
    const entry = project.children.find(({ name }) => name === 'index')
    entry.name = 'rmaat'
    const exported = new Map(entry.children.map((reflection) => [reflection.name, reflection]))
    let listing = false
    project.readme = project.readme.flatMap((part) => {
      const { kind, text } = part
      if (/^## /m.test(text)) listing = text.includes('## Every export')
      const name = /^`(\w+)`$/.exec(text)?.[1]
      return listing && kind === 'code' && exported.has(name) ? [link(name, exported.get(name))] : [part]
    })
  })
}

const link = (text, target) => ({ kind: 'inline-tag', tag: '@linkcode', text, target })
