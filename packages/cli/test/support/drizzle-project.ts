import type {
  DatabaseFacts,
  FixPlan,
  IndexDefinition,
  ProjectFormat,
  SchemaChange,
} from '@sluice/core/database'
import { drizzleProject } from '../../src/formats/drizzle/drizzle-project.ts'
import { findDrizzle } from '../../src/project/find-projects.ts'
import { projectFolder } from '../../src/project/project-folder.ts'
import { appFolder } from './app-folder.ts'

type Files = Readonly<Record<string, string>>

/** Plans changes for a project with the given files, and with a dependency on Drizzle. */
export async function planDrizzle(
  files: Files,
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
): Promise<FixPlan> {
  return withProject(files, (project) => project.plan(changes, facts, new Date(0)))
}

/** Names that a new index must not get in such a project. */
export async function takenDrizzleNames(
  files: Files,
  index: IndexDefinition,
  facts: DatabaseFacts,
): Promise<string[]> {
  return withProject(files, (project) => [...(project.takenNames?.(index, facts) ?? [])])
}

async function withProject<T>(files: Files, use: (project: ProjectFormat) => T): Promise<T> {
  const manifest = '{ "dependencies": { "drizzle-orm": "^0.45.0" } }'
  const { folder, remove } = appFolder({ 'package.json': manifest, ...files })
  try {
    const project = await findDrizzle(projectFolder(folder), folder, {})
    if (project === undefined) throw new Error('no Drizzle project was found')
    return use(drizzleProject(project))
  } finally {
    remove()
  }
}
