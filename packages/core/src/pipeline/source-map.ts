import { readFileSync, statSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LRUCache } from 'lru-cache'

/** A position in a file. Lines and columns start at 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

interface Mapped {
  readonly map: SourceMap
  /** URL that the sources of the map are relative to. */
  readonly base: URL
}

/** Maximum size of a file that is read, in bytes: a larger one would block the process for too long. */
const MAX_FILE = 16 * 1024 * 1024

/** Cached maps, limited by the length of their text. An evicted map is read again. */
const maps = new LRUCache<string, { readonly mapped: Mapped | undefined }>({
  max: 200,
  maxSize: 2 * MAX_FILE,
})

const COMPILED = /\.[cm]?jsx?$/
const LINK = 'sourceMappingURL='
const COMMENT_START = /\/\/[#@][ \t]*$/
/** Maximum spaces within a comment with a link. */
const MAX_INDENT = 20

/**
 * The position in the source for a position in a compiled file, according to the file's source map. Files are
 * read when they are first needed. `undefined` if there is no map, if it cannot be read, if it leads to no
 * file, or if Node or a loader maps stacks itself.
 */
export function originalPlace({ file, line, column }: Place): Place | undefined {
  if (process.sourceMapsEnabled || !COMPILED.test(file)) return undefined
  const mapped = mapOf(file)
  if (mapped === undefined) return undefined
  const entry = mapped.map.findEntry(line - 1, column - 1)
  if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return undefined
  try {
    const source = new URL(prefixOf(mapped.map.payload.sourceRoot) + entry.originalSource, mapped.base)
    return { file: fileURLToPath(source), line: entry.originalLine + 1, column: entry.originalColumn + 1 }
  } catch {
    // A source without a file, such as `webpack://…`.
    return undefined
  }
}

function prefixOf(sourceRoot: string | undefined): string {
  return sourceRoot === undefined || sourceRoot === '' || sourceRoot.endsWith('/')
    ? (sourceRoot ?? '')
    : `${sourceRoot}/`
}

function mapOf(file: string): Mapped | undefined {
  const known = maps.get(file)
  if (known !== undefined) return known.mapped
  let size = 1
  let mapped: Mapped | undefined
  try {
    const found = textOf(file)
    if (found !== undefined) {
      mapped = { map: new SourceMap(JSON.parse(found.text)), base: found.base }
      size = found.text.length
    }
  } catch {
    // There is no file, no map, or none that can be read: the position is not mapped.
  }
  maps.set(file, { mapped }, { size })
  return mapped
}

/** The text of the map, and the URL that its sources are relative to. */
function textOf(file: string): { readonly text: string; readonly base: URL } | undefined {
  const code = pathToFileURL(file)
  const url = linkIn(read(code))
  if (url === undefined) return undefined
  const base = new URL(url, code)
  if (base.protocol === 'file:') return { text: read(base), base }
  return base.protocol === 'data:' ? { text: decode(base), base: code } : undefined
}

/** The link of the last line that ends with one. Each line is read once. */
function linkIn(code: string): string | undefined {
  for (let at = code.lastIndexOf(LINK); at >= 0; ) {
    const start = at + LINK.length
    const end = code.indexOf('\n', start)
    const link = code.slice(start, end < 0 ? undefined : end).trim()
    if (/^\S+$/.test(link) && COMMENT_START.test(code.slice(Math.max(0, at - MAX_INDENT), at))) return link
    const lineStart = code.lastIndexOf('\n', at)
    at = lineStart < 0 ? -1 : code.lastIndexOf(LINK, lineStart)
  }
  return undefined
}

function read(url: URL): string {
  if (statSync(url).size > MAX_FILE) throw new RangeError('The file is too large.')
  return readFileSync(url, 'utf8')
}

function decode({ pathname }: URL): string {
  const comma = pathname.indexOf(',')
  const content = decodeURIComponent(pathname.slice(comma + 1))
  return pathname.slice(0, comma).endsWith(';base64')
    ? Buffer.from(content, 'base64').toString('utf8')
    : content
}
