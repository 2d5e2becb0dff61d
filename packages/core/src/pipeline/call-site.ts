import { isBundle, isNameable, isOwnFile, packageOf, usesClient } from './frame-packages.ts'
import { originalPlace } from './source-map.ts'

/** A position in the app's code, or in the code of a package. Lines and columns start at 1. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly functionName?: string
  /**
   * Name of the npm package through which the app sent the queries. Without a stack frame of the app, the
   * position is in the package. Omitted if the app's own code sent them.
   */
  readonly package?: string
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
  try {
    Error.stackTraceLimit = DEPTH
    Error.captureStackTrace(holder, captureStack)
    Error.stackTraceLimit = limit
  } catch {
    // The app froze `Error`, so its own limit applies.
    Error.captureStackTrace(holder, captureStack)
  }
  return holder
}

const FRAME_START = /^\s*at (?:async )?/
const POSITION = /:(\d+):(\d+)(\)?)$/

interface Frame {
  readonly name: string | undefined
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `at name (file:line:column)`, or without a name and parentheses. Files can contain parentheses. */
function frameIn(text: string): Frame | undefined {
  const start = FRAME_START.exec(text)
  const position = start === null ? null : POSITION.exec(text)
  if (start === null || position === null || text.includes('(eval at ')) return undefined
  const [, line, column, close] = position
  const place = text.slice(start[0].length, position.index)
  const open = close === '' ? -1 : place.search(/ \(\S/)
  if (close === '' ? !/^[^\s(]/.test(place) : open < 1) return undefined
  return {
    name: open < 0 ? undefined : place.slice(0, open),
    file: pathIn(open < 0 ? place : place.slice(open + ' ('.length)),
    line: Number(line),
    column: Number(column),
  }
}

const TOGETHER = /^\s*at async Promise\.(?:all|allSettled|any|race) \(index (\d+)\)/

/**
 * The position among several promises that the app awaits together: the index in `Promise.all` or the like,
 * if there is one.
 */
export function togetherIndexOf(stack: string | undefined): number | undefined {
  let users = 0
  for (const line of linesOf(stack)) {
    const index = TOGETHER.exec(line)?.[1]
    if (index !== undefined) return Number(index)
    // The function passed to `map` can be a frame of the app; frames beyond its caller are unrelated.
    if (isUsers(line)) users += 1
    if (users > 1) return undefined
  }
  return undefined
}

/** The line of a `Promise.all` or the like, if one comes before all frames of the app. */
export function togetherAbove(stack: string | undefined): string | undefined {
  const line = linesOf(stack).find((line) => TOGETHER.test(line) || isUsers(line))
  return line !== undefined && TOGETHER.test(line) ? line : undefined
}

/**
 * The topmost frame of a stack that belongs to the app: not to a package, to Node or to Sluice. A position in
 * compiled JavaScript is replaced by the position in its source, if a source map leads there.
 *
 * Between the ORM and this frame, the package closest to the app is named, preferably one that uses an ORM.
 * If there is no such frame, returns the topmost frame of a package that uses an ORM. Others can be in the
 * stack only because they await a query builder of the app, as web frameworks do.
 */
export function parseCallSite(stack: string | undefined): CallSite | undefined {
  let inPackage: CallSite | undefined
  let through: string | undefined
  // In a bundle without a source map, the frames above those of the ORM are Sluice's.
  let isOwn = true
  for (const line of linesOf(stack)) {
    const frame = frameIn(line)
    if (frame === undefined) continue
    const { name, ...place } = frame
    if (isOwnFile(place.file)) continue
    // A bundle contains packages, too.
    const source = packageOf(place.file) === undefined ? (originalPlace(place) ?? place) : place
    if (source !== place && isOwnFile(source.file)) continue
    if (isOwn && isBundle(source.file)) continue
    const functionName = name?.replace(/^async /, '')
    const site =
      functionName === undefined || functionName.includes('<anonymous>')
        ? source
        : { ...source, functionName }
    const from = packageOf(source.file)
    isOwn = false
    if (from === undefined) return through === undefined ? site : { ...site, package: through }
    if (!isNameable(from)) continue
    const uses = usesClient(from)
    if (uses || inPackage === undefined) through = from.name
    if (uses) inPackage ??= { ...site, package: from.name }
  }
  return inPackage
}

/** An app can replace the strings of stacks by values of another type. */
function linesOf(stack: unknown): readonly string[] {
  return typeof stack === 'string' ? stack.split('\n').slice(1) : []
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
    const frame = frameIn(line)
    return frame === undefined ? [] : [`${frame.file}:${frame.line}`]
  })
  return lines.length === 0 ? undefined : lines.join('\n')
}

/** Whether a line of a stack is a frame, as opposed to the message of the error. */
export function isFrame(line: string): boolean {
  return /^\s+at /.test(line)
}

/** Whether a line of a stack is a frame of Sluice or of Node. */
export function isOwnFrame(line: string): boolean {
  const frame = frameIn(line)
  return frame !== undefined && isOwnFile(frame.file)
}

/** The position of a frame; `undefined` for lines without one, such as that of `Promise.all`. */
export function placeIn(line: string): string | undefined {
  const frame = frameIn(line)
  return frame && `${frame.file}:${frame.line}:${frame.column}`
}

/** The name and the file of a frame's function; `undefined` if it has no name. */
export function functionIn(line: string): string | undefined {
  const frame = frameIn(line)
  return frame?.name && `${frame.name.replace(/^async /, '')} ${frame.file}`
}

function pathIn(file: string): string {
  // Only URLs are encoded; a path can contain a literal `%`.
  return file.startsWith('file://') ? decodeURI(file.slice('file://'.length)) : file
}

function isUsers(line: string): boolean {
  // Most lines, and much cheaper than the regular expression.
  const file = line.lastIndexOf('(') + 1
  if (line.includes('/node_modules/', file) || line.startsWith('node:', file)) return false
  const frame = frameIn(line)
  return frame !== undefined && packageOf(frame.file) === undefined && !isOwnFile(frame.file)
}

/**
 * `file:line:column`, and the package, if there is one. The file is relative to the working directory if it
 * is inside it.
 */
export function formatCallSite(site: CallSite, cwd: string = process.cwd()): string {
  const place = `${fileOf(site, cwd)}:${site.line}:${site.column}`
  if (site.package === undefined) return place
  return `${place} (${packageOf(site.file) === undefined ? 'through' : 'in'} ${site.package})`
}

/** The file of a call site, relative to the working directory if it is inside it. */
export function fileOf({ file }: CallSite, cwd: string = process.cwd()): string {
  const prefix = cwd.endsWith('/') ? cwd : `${cwd}/`
  return file.startsWith(prefix) ? file.slice(prefix.length) : file
}

/** The same for a file of the app; a file of a package begins with `node_modules/` on every machine. */
export function portableFileOf(site: CallSite): string {
  return fileOf(site).replace(/^.*[\\/](?=node_modules[\\/])/, '')
}
