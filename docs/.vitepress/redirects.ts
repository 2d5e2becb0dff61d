import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import renamed from './redirects.json'

const OPTIONS = '/reference/options'
const optionPages = fileURLToPath(new URL('../reference/options', import.meta.url))

/** Old locations, each with the new one: `/page#anchor`, or `/page`. */
export type Redirects = Readonly<Record<string, string>>

/** The renamed pages and anchors, and all options: they were on one page. */
export function readRedirects(): Redirects {
  const redirects = Object.entries(renamed).map(([from, to]) => [
    from,
    to.startsWith('#') ? `${from.split('#', 1)[0]}${to}` : to,
  ])
  const options = readdirSync(optionPages).flatMap((name) => {
    const headings = readFileSync(join(optionPages, name), 'utf8').matchAll(/^## (\w+)$/gm)
    const page = `${OPTIONS}/${name.replace(/\.md$/, '')}`
    return Array.from(headings, ([, heading = '']) => [
      `${OPTIONS}#${heading.toLowerCase()}`,
      `${page}#${heading.toLowerCase()}`,
    ])
  })
  return Object.fromEntries([...redirects, ...options])
}

/** @throws Error if a redirect has no target, or if its old location exists again: the build fails. */
export function checkRedirects(outDir: string): void {
  const exists = (location: string): boolean => {
    const [page = '', anchor] = location.split('#')
    const file = join(outDir, `${page}.html`)
    return (
      existsSync(file) && (anchor === undefined || readFileSync(file, 'utf8').includes(` id="${anchor}"`))
    )
  }
  for (const [from, to] of Object.entries(readRedirects())) {
    if (!exists(to))
      throw new Error(`The redirect from ${from} leads nowhere: ${to}. Change it in redirects.json.`)
    if (exists(from)) throw new Error(`${from} exists. Remove its redirect from redirects.json.`)
  }
}
