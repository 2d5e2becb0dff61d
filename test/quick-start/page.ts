import { readFileSync } from 'node:fs'

/** A quick start of the docs: its files as shown on the page, and the versions that replace some of them. */
export interface Page {
  /** Files by path. */
  readonly files: ReadonlyMap<string, string>
  /** Later versions by `<path> <version>`. */
  readonly versions: ReadonlyMap<string, string>
  /** Packages that its commands install, without versions. */
  readonly installed: ReadonlySet<string>
  /** The terminal output that the page shows. */
  readonly report: string
  /** Queries of the first requests in `optimize`. */
  readonly queries: readonly number[]
}

const BLOCK = /```\w+\n\/\/ (\S+?)(?:, the (\w+) version)?\n([\s\S]*?)```/g

export function readPage(name: string): Page {
  const text = readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), 'utf8')
  const files = new Map<string, string>()
  const versions = new Map<string, string>()
  for (const [, path = '', version, code = ''] of text.matchAll(BLOCK)) {
    if (version === undefined) files.set(path, code)
    else versions.set(`${path} ${version}`, code)
  }
  const commands = [...text.matchAll(/^npm install (.*)$/gm)].flatMap(([, names = '']) => names.split(' '))
  const installed = commands
    .filter((word) => !word.startsWith('--'))
    .map((word) => word.replace(/(?<=.)@.*$/, ''))
  const report = /```text\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  const queries = [...text.matchAll(/^\| (?:first|second|third) +\| +(\d+) \|/gm)].map(([, count]) =>
    Number(count),
  )
  return { files, versions, installed: new Set(installed), report, queries }
}

/** The packages that a file imports. */
export function packagesIn(code: string): readonly string[] {
  const names = [...code.matchAll(/from '([^.'][^']*)'/g)].map(([, from = '']) =>
    from.split('/', from.startsWith('@') ? 2 : 1).join('/'),
  )
  return names.filter((name) => !name.startsWith('node:'))
}
