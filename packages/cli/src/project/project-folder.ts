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
