import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The files of a project, by path relative to its folder. */
export interface ProjectFolder {
  read(path: string): Promise<string | undefined>
  /** Sorted names in a folder; `undefined` if the folder does not exist. */
  list(path: string): Promise<readonly string[] | undefined>
}

export function projectFolder(root: string): ProjectFolder {
  return {
    read: (path) => readFile(join(root, path), 'utf8').catch(missing),
    list: (path) =>
      readdir(join(root, path)).then(
        (names) => names.sort(),
        (error: unknown) => missing(error),
      ),
  }
}

/** The first of the files that exists. */
export async function firstFile(
  folder: ProjectFolder,
  paths: readonly string[],
): Promise<{ path: string; content: string } | undefined> {
  for (const path of paths) {
    const content = await folder.read(path)
    if (content !== undefined) return { path, content }
  }
  return undefined
}

/** @throws The error, unless it means that the file or folder does not exist. */
function missing(error: unknown): undefined {
  const code = (error as { readonly code?: unknown }).code
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  throw error
}

/** Names of the packages that a project's package.json depends on. Empty if it cannot be read. */
export async function packageDependencies(folder: ProjectFolder): Promise<ReadonlySet<string>> {
  try {
    const manifest = JSON.parse((await folder.read('package.json')) ?? '{}') as Readonly<
      Record<string, unknown>
    >
    const lists = [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies]
    return new Set(lists.flatMap((list) => Object.keys(Object(list) as object)))
  } catch (error) {
    if (error instanceof SyntaxError) return new Set()
    throw error
  }
}

/**
 * Removes the comments from JavaScript or TypeScript. Strings are unchanged, even if they look like comments.
 */
export function withoutComments(source: string): string {
  // No string starts at an escaped quote, so that an unclosed one is scanned once.
  const text =
    /(?<!\\)"(?:[^"\\\n]|\\.)*"|(?<!\\)'(?:[^'\\\n]|\\.)*'|(?<!\\)`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g
  return source.replace(text, (found) => (found.startsWith('/') ? ' ' : found))
}

/**
 * The value of `name: 'text'` in source code, or of `name: path.join('a', 'b')`, joined with `/`. Executes
 * nothing; `undefined` for other expressions.
 */
export function stringOption(source: string, name: string): string | undefined {
  const call = String.raw`(?:path\s*\.\s*)?(?:join|resolve)\s*\(\s*(?:(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*)?`
  const string = String.raw`(?:'[^'\n]*'|"[^"\n]*"|\`[^\`$]*\`)`
  const found = new RegExp(
    String.raw`(?<![\w$.])["']?${name}["']?\s*:\s*(?:${call}(${string}(?:\s*,\s*${string})*)\s*(?:,\s*)?\)|(${string}))`,
  ).exec(source)
  const parts = [...(found?.[1] ?? found?.[2] ?? '').matchAll(new RegExp(string, 'g'))].map(([part]) =>
    part.slice(1, -1),
  )
  return parts.length === 0 ? undefined : parts.join('/')
}

/** The content of `name: { … }` in source code, or `undefined`. */
export function objectOption(source: string, name: string): string | undefined {
  const found = new RegExp(String.raw`(?<![\w$.])["']?${name}["']?\s*:\s*\{`).exec(source)
  if (found === null) return undefined
  let depth = 1
  const start = found.index + found[0].length
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === '{') depth += 1
    else if (source[at] === '}') depth -= 1
    if (depth === 0) return source.slice(start, at)
  }
  return undefined
}

/**
 * Converts a path that is relative to `folder` to one that is relative to the project, with `/`, and
 * normalizes it.
 */
export function projectPath(folder: string, path: string): string {
  const parts: string[] = []
  for (const part of `${folder}/${path.replaceAll('\\', '/')}`.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
