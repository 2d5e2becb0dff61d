import { readFileSync } from 'node:fs'
import { originalPlace } from './source-map.ts'

/** A position in the app's code. Lines and columns start at 1. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly functionName?: string
}

/** Roots of Sluice's packages, as in URLs; their folders, once they were needed. */
const ownRoots = new Set<string>()
let ownFolders: readonly string[] | undefined
registerOwnFrames(import.meta.url)

/** Registers the files of an adapter's package, compiled or not: call sites skip them. */
export function registerOwnFrames(moduleUrl: string): void {
  const root = /^(.*)\/(?:src|dist)\/.*$/.exec(moduleUrl.replace(/^file:\/\//, ''))?.[1]
  if (root === undefined || ownRoots.has(root)) return
  ownRoots.add(root)
  ownFolders = undefined
}

/**
 * Source maps turn frames of `dist` into frames of `src`. In an app that was bundled into one file, all
 * frames are next to the app's.
 */
function foldersOf(roots: Iterable<string>): readonly string[] {
  const own = [...roots].filter(isOwnPackage).map(decodeURI)
  return own.flatMap((root) => [`${root}/src/`, `${root}/dist/`])
}

interface PackageJson {
  readonly name?: unknown
  readonly keywords?: unknown
}

/** A package of Sluice, or a third-party adapter: its `keywords` include `sluice-adapter`. */
function isOwnPackage(root: string): boolean {
  try {
    const { name, keywords } = JSON.parse(
      readFileSync(new URL(`file://${root}/package.json`), 'utf8'),
    ) as PackageJson
    return (
      (typeof name === 'string' && name.startsWith('@sluice/')) ||
      (Array.isArray(keywords) && keywords.includes('sluice-adapter'))
    )
  } catch {
    return false
  }
}

/** Number of frames that are captured: ORMs add about a dozen above the app's. */
const DEPTH = 30

/**
 * Captures the current stack. Costs a few microseconds; the stack is formatted only when `parseCallSite`
 * reads it.
 */
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

/**
 * The position among several promises that the app awaits together: the index in `Promise.all` or the like,
 * if there is one.
 */
export function togetherIndexOf(stack: string | undefined): number | undefined {
  let users = 0
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const index = TOGETHER.exec(line)?.[1]
    if (index !== undefined) return Number(index)
    // The function passed to `map` can be a frame of the app; frames beyond its caller are unrelated.
    if (isUsers(line)) users += 1
    if (users > 1) return undefined
  }
  return undefined
}

/**
 * The topmost frame of a stack that belongs to the app: not to a package, to Node or to Sluice. A position in
 * compiled JavaScript is replaced by the position in its source, if a source map leads there.
 */
export function parseCallSite(stack: string | undefined): CallSite | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const frame = FRAME.exec(line)
    if (frame === null || !isUsersFile(pathIn(frame))) continue
    const place = { file: pathIn(frame), line: Number(frame[3]), column: Number(frame[4]) }
    const source = originalPlace(place) ?? place
    // A bundle contains packages, too.
    if (source !== place && !isUsersFile(source.file)) continue
    const functionName = frame[1]?.replace(/^async /, '')
    return functionName === undefined || functionName.includes('<anonymous>')
      ? source
      : { ...source, functionName }
  }
  return undefined
}

/**
 * The part of a stack that `parseCallSite` needs to find the same position: its first frames that can be the
 * app's. `undefined` if there are none.
 *
 * @param max - Maximum number of frames.
 */
export function userFrames(stack: string | undefined, max: number): string | undefined {
  if (stack === undefined) return undefined
  let frames = ''
  let found = 0
  // Not `split`: the app's frames follow about a dozen of the ORM, and most of the others are not needed.
  for (let end = stack.indexOf('\n'); end !== -1 && found < max; ) {
    const start = end + 1
    end = stack.indexOf('\n', start)
    const line = end === -1 ? stack.slice(start) : stack.slice(start, end)
    if (!isUsers(line)) continue
    frames += `\n${line}`
    found += 1
  }
  return found === 0 ? undefined : frames
}

/** Number of the app's frames that identify a caller, below that of the call site. */
const CALLERS = 3

/**
 * The lines of the app from which the function of the call site was called: they distinguish a loop from
 * several calls of one helper. `undefined`: the stack contains only the call site.
 */
export function callersIn(stack: string | undefined): string | undefined {
  const frames =
    userFrames(stack, 1 + CALLERS)
      ?.split('\n')
      .slice(2) ?? []
  // Without names and columns, which can differ between the iterations of one loop.
  const lines = frames.flatMap((line) => {
    const frame = FRAME.exec(line)
    return frame === null ? [] : [`${pathIn(frame)}:${frame[3]}`]
  })
  return lines.length === 0 ? undefined : lines.join('\n')
}

function pathIn(frame: RegExpExecArray): string {
  const file = frame[2] ?? ''
  // Only URLs are encoded; a path can contain a literal `%`.
  return file.startsWith('file://') ? decodeURI(file.slice('file://'.length)) : file
}

const FOREIGN = '/node_modules/'

function isUsers(line: string): boolean {
  // Most lines, and much cheaper than the regular expression.
  const file = line.lastIndexOf('(') + 1
  if (line.includes(FOREIGN, file) || line.startsWith('node:', file)) return false
  const frame = FRAME.exec(line)
  return frame !== null && isUsersFile(pathIn(frame))
}

function isUsersFile(file: string): boolean {
  if (file.startsWith('node:') || file.includes(FOREIGN) || file.includes('\\node_modules\\')) return false
  ownFolders ??= foldersOf(ownRoots)
  return !ownFolders.some((folder) => file.startsWith(folder))
}

/** `file:line:column`. The file is relative to the working directory if it is inside it. */
export function formatCallSite(site: CallSite, cwd: string = process.cwd()): string {
  return `${fileOf(site, cwd)}:${site.line}:${site.column}`
}

/** The file of a call site, relative to the working directory if it is inside it. */
export function fileOf({ file }: CallSite, cwd: string = process.cwd()): string {
  const prefix = cwd.endsWith('/') ? cwd : `${cwd}/`
  return file.startsWith(prefix) ? file.slice(prefix.length) : file
}
