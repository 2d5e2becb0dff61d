import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A page of the documentation. */
export interface DocsPage {
  /** Path without extension: `guides/caching`. */
  readonly path: string
  readonly title: string
  readonly text: string
}

/** A section of a page that matches a search. */
export interface DocsMatch {
  readonly path: string
  readonly title: string
  readonly heading: string
  readonly excerpt: string
}

/** Words in a heading count more than words in the text. */
const HEADING_WEIGHT = 8
/** Occurrences of a word in a section beyond this number do not count. */
const MAX_OCCURRENCES = 5
const EXCERPT_CHARACTERS = 600

/** The folder of the documentation: a copy in the package or, in the repository, its source. */
function docsFolder(): string {
  const packaged = fileURLToPath(new URL('./docs', import.meta.url))
  return existsSync(packaged) ? packaged : fileURLToPath(new URL('../../../../docs', import.meta.url))
}

/** Reads all pages, ordered by path. Omits the generated API pages. */
export async function readDocs(folder: string = docsFolder()): Promise<readonly DocsPage[]> {
  const pages: DocsPage[] = []
  const visit = async (below: string) => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) {
        if (!/^(\.|node_modules$|api$|screenshots$)/.test(entry.name)) await visit(name)
      } else if (name.endsWith('.md') && name !== 'index.md') {
        const text = await readFile(join(folder, name), 'utf8')
        const path = name.slice(0, -'.md'.length)
        pages.push({ path, title: /^# (.+)$/m.exec(text)?.[1] ?? path, text })
      }
    }
  }
  await visit('')
  return pages.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Returns the sections that contain most of the words of `query`, best first. */
export function searchDocs(pages: readonly DocsPage[], query: string, limit: number): readonly DocsMatch[] {
  const words = [...new Set(query.toLowerCase().match(/[\w$+-]{2,}/g) ?? [])]
  const matches: (DocsMatch & { readonly score: number })[] = []
  for (const { path, title, text } of pages)
    for (const section of sectionsOf(text)) {
      const heading = section.heading === '' ? title : section.heading
      const score = scoreOf(words, `${title} ${heading}`.toLowerCase(), section.text.toLowerCase())
      if (score > 0) matches.push({ path, title, heading, excerpt: excerptOf(section.text, words), score })
    }
  matches.sort((a, b) => b.score - a.score)
  return matches.slice(0, limit).map(({ score: _, ...match }) => match)
}

/** A section that contains all words precedes any section that contains fewer. */
function scoreOf(words: readonly string[], heading: string, text: string): number {
  let found = 0
  let weight = 0
  for (const word of words) {
    const inText = Math.min(MAX_OCCURRENCES, text.split(word).length - 1)
    const inHeading = heading.includes(word) ? HEADING_WEIGHT : 0
    if (inText + inHeading > 0) found += 1
    weight += inText + inHeading
  }
  return found * 1_000 + weight * (found > 0 ? 1 : 0)
}

interface DocsSection {
  readonly heading: string
  readonly text: string
}

function sectionsOf(text: string): readonly DocsSection[] {
  const sections: { heading: string; text: string }[] = [{ heading: '', text: '' }]
  let isCode = false
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('```')) isCode = !isCode
    const heading = isCode ? undefined : /^#{2,4} (.+)$/.exec(line)?.[1]
    if (heading !== undefined) sections.push({ heading, text: '' })
    else {
      const last = sections.at(-1)
      if (last !== undefined) last.text += `${line}\n`
    }
  }
  return sections
}

/** The start of the section or, in a long one, the surroundings of the first word that is found. */
function excerptOf(text: string, words: readonly string[]): string {
  const trimmed = text.trim()
  if (trimmed.length <= EXCERPT_CHARACTERS) return trimmed
  const lower = trimmed.toLowerCase()
  const places = words.map((word) => lower.indexOf(word)).filter((at) => at >= 0)
  const first = places.length === 0 ? 0 : Math.min(...places)
  const from = first < EXCERPT_CHARACTERS / 2 ? 0 : trimmed.lastIndexOf('\n', first) + 1
  return `${from === 0 ? '' : '… '}${trimmed.slice(from, from + EXCERPT_CHARACTERS)} …`
}
