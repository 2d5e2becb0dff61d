import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { DetectedDatabase, DetectedProject } from './detected-project.ts'

/** The database of a folder's project, if it says where that is. */
export function projectDatabase(projects: readonly DetectedProject[], cwd: string): DetectedDatabase | undefined {
  const project = projects.find(({ database }) => database !== undefined)
  if (project?.database === undefined) return undefined
  const { url, from } = project.database
  return { from, url: project.kind === 'prisma' ? fileUrl(url, project.schemaFiles[0]?.path ?? '', cwd) : url }
}

/** Up to Prisma 6, the path of a file is relative to the schema; from 7 on, to the folder. */
function fileUrl(url: string, schema: string, cwd: string): string {
  const path = /^file:([^?]*)/.exec(url)?.[1]
  if (path === undefined || isAbsolute(path) || existsSync(join(cwd, path))) return url
  const beside = join(cwd, dirname(schema), path)
  return existsSync(beside) ? `file:${beside}` : url
}
