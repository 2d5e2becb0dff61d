import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The files of a project, by paths relative to it. What cannot be read is not there. */
export interface ProjectFolder {
  read(path: string): Promise<string | undefined>
  /** Names in a folder, in order, or `undefined` where there is none. */
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

/** The first of the files that is there. */
export async function firstFile(folder: ProjectFolder, paths: readonly string[]): Promise<{ path: string; content: string } | undefined> {
  for (const path of paths) {
    const content = await folder.read(path)
    if (content !== undefined) return { path, content }
  }
  return undefined
}

/** @throws The error, where it is not that there is no such file or folder. */
function missing(error: unknown): undefined {
  const code = (error as { readonly code?: unknown }).code
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  throw error
}
