/** A place in the user's code. Lines and columns start at 1. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly functionName?: string
}

/** Folders of Sluice's own files: their frames are not the user's. */
const ownFolders = new Set<string>()
registerOwnFrames(import.meta.url)

/** Tells call sites which files are an adapter's own: those beside the given module, and the sources that it was built from. */
export function registerOwnFrames(moduleUrl: string): void {
  const path = moduleUrl.replace(/^file:\/\//, '')
  // Source maps turn frames of the one into frames of the other.
  const root = /^(.*)\/(?:src|dist)\/.*$/.exec(path)?.[1]
  if (root === undefined) ownFolders.add(path.replace(/[^/]*$/, ''))
  else for (const folder of ['src', 'dist']) ownFolders.add(`${root}/${folder}/`)
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

/** The topmost frame of a stack that belongs to the user: no package, no part of Node, no part of Sluice. */
export function parseCallSite(stack: string | undefined): CallSite | undefined {
  const line = (stack ?? '').split('\n').slice(1).find(isUsers)
  const frame = line === undefined ? null : FRAME.exec(line)
  if (frame === null) return undefined
  const functionName = frame[1]?.replace(/^async /, '')
  const site = { file: decodeURI(fileOf(frame)), line: Number(frame[3]), column: Number(frame[4]) }
  return functionName === undefined || functionName.includes('<anonymous>') ? site : { ...site, functionName }
}

function fileOf(frame: RegExpExecArray): string {
  return (frame[2] ?? '').replace(/^file:\/\//, '')
}

function isUsers(line: string): boolean {
  const frame = FRAME.exec(line)
  if (frame === null) return false
  const file = fileOf(frame)
  if (file.startsWith('node:') || file.includes('/node_modules/') || file.includes('\\node_modules\\')) return false
  return ![...ownFolders].some((folder) => file.startsWith(folder))
}

/** `file:line:column`, the file relative to the working directory where it lies below it. */
export function formatCallSite(site: CallSite, cwd: string = process.cwd()): string {
  const prefix = cwd.endsWith('/') ? cwd : `${cwd}/`
  const file = site.file.startsWith(prefix) ? site.file.slice(prefix.length) : site.file
  return `${file}:${site.line}:${site.column}`
}
