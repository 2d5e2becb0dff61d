import type { ProjectFolder } from './project-folder.ts'

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
