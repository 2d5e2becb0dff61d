import { readFileSync } from 'node:fs'
import { originalPlace } from './source-map.ts'

/** A place in the user's code. Lines and columns start at 1. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly functionName?: string
}

/** Roots of Sluice's own packages, as URLs write them; their folders, once somebody asked. */
const ownRoots = new Set<string>()
let ownFolders: readonly string[] | undefined
registerOwnFrames(import.meta.url)

/** Tells call sites which files are an adapter's own: those of its package, compiled and not. */
export function registerOwnFrames(moduleUrl: string): void {
  const root = /^(.*)\/(?:src|dist)\/.*$/.exec(moduleUrl.replace(/^file:\/\//, ''))?.[1]
  if (root === undefined || ownRoots.has(root)) return
  ownRoots.add(root)
  ownFolders = undefined
}

/** Source maps turn frames of `dist` into frames of `src`. In an app that was bundled into one file, all frames lie beside the app's. */
function foldersOf(roots: Iterable<string>): readonly string[] {
  const own = [...roots].filter(isOwnPackage).map(decodeURI)
  return own.flatMap((root) => [`${root}/src/`, `${root}/dist/`])
}

interface PackageJson {
  readonly name?: unknown
  readonly keywords?: unknown
}

/** Of Sluice, or an adapter of somebody else's: its `keywords` include `sluice-adapter`. */
function isOwnPackage(root: string): boolean {
  try {
    const { name, keywords } = JSON.parse(readFileSync(new URL(`file://${root}/package.json`), 'utf8')) as PackageJson
    return (typeof name === 'string' && name.startsWith('@sluice/')) || (Array.isArray(keywords) && keywords.includes('sluice-adapter'))
  } catch {
    return false
  }
}

/** Frames that a capture keeps: ORMs put a dozen of their own above the user's. */
const DEPTH = 30

/** Remembers where we are. Costs a few microseconds; the stack becomes text only when `parseCallSite` reads it. */
export function captureStack(): { readonly stack?: string } {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = DEPTH
  Error.captureStackTrace(holder, captureStack)
  Error.stackTraceLimit = limit
  return holder
}

const FRAME = /^\s*at (?:async )?(?:(.+?) \()?((?:file:\/\/)?[^()\s][^()]*?):(\d+):(\d+)\)?$/

const TOGETHER = /^\s*at async Promise\.(?:all|allSettled|any|race) \(index (\d+)\)/

/** The place among several that the user's code waits for at once: its index in `Promise.all` or the like, if there is one. */
export function togetherIndexOf(stack: string | undefined): number | undefined {
  let users = 0
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const index = TOGETHER.exec(line)?.[1]
    if (index !== undefined) return Number(index)
    // The function given to `map` may be the user's own frame; what lies beyond its caller is another matter.
    if (isUsers(line)) users += 1
    if (users > 1) return undefined
  }
  return undefined
}

/**
 * The topmost frame of a stack that belongs to the user: no package, no part of Node, no part of Sluice. A place in compiled JavaScript is
 * given as the place in its source, where a source map leads there.
 */
export function parseCallSite(stack: string | undefined): CallSite | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const frame = FRAME.exec(line)
    if (frame === null || !isUsersFile(pathIn(frame))) continue
    const place = { file: pathIn(frame), line: Number(frame[3]), column: Number(frame[4]) }
    const source = originalPlace(place) ?? place
    // A bundle holds packages, too.
    if (source !== place && !isUsersFile(source.file)) continue
    const functionName = frame[1]?.replace(/^async /, '')
    return functionName === undefined || functionName.includes('<anonymous>') ? source : { ...source, functionName }
  }
  return undefined
}

/**
 * What `parseCallSite` needs of a stack to find the same place: its first frames that may be the user's. `undefined`: there are none.
 *
 * @param max - Frames that are kept at most.
 */
export function userFrames(stack: string | undefined, max: number): string | undefined {
  const frames: string[] = []
  for (const line of (stack ?? '').split('\n').slice(1)) {
    if (frames.length === max) break
    if (isUsers(line)) frames.push(line)
  }
  return frames.length === 0 ? undefined : `\n${frames.join('\n')}`
}

function pathIn(frame: RegExpExecArray): string {
  const file = frame[2] ?? ''
  // Only URLs are encoded; a path may have a `%` of its own.
  return file.startsWith('file://') ? decodeURI(file.slice('file://'.length)) : file
}

function isUsers(line: string): boolean {
  const frame = FRAME.exec(line)
  return frame !== null && isUsersFile(pathIn(frame))
}

function isUsersFile(file: string): boolean {
  if (file.startsWith('node:') || file.includes('/node_modules/') || file.includes('\\node_modules\\')) return false
  ownFolders ??= foldersOf(ownRoots)
  return !ownFolders.some((folder) => file.startsWith(folder))
}

/** `file:line:column`, the file relative to the working directory where it lies below it. */
export function formatCallSite(site: CallSite, cwd: string = process.cwd()): string {
  return `${fileOf(site, cwd)}:${site.line}:${site.column}`
}

/** The file of a place, relative to the working directory where it lies below it. */
export function fileOf({ file }: CallSite, cwd: string = process.cwd()): string {
  const prefix = cwd.endsWith('/') ? cwd : `${cwd}/`
  return file.startsWith(prefix) ? file.slice(prefix.length) : file
}
