import { AppSources } from '../source/app-sources.ts'
import type { DetectedDrizzle } from './detected-project.ts'
import { firstFile, type ProjectFolder, packageDependencies } from './project-folder.ts'

import { readConfiguredDatabaseUrl } from './read-database-url.ts'
import { projectPath, stringOption, withoutComments } from './source-text.ts'

const configs = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'].map((ending) => `drizzle.config.${ending}`)
const MODULES = ['drizzle-orm/pg-core', 'drizzle-orm/mysql-core', 'drizzle-orm/sqlite-core']

/**
 * Reads the tables of a project that depends on Drizzle: all source files that import its schema functions,
 * or those in the path of `schema` in drizzle.config. Executes no code of the project.
 */
export async function findDrizzle(
  folder: ProjectFolder,
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Omit<DetectedDrizzle, 'fixes'> | undefined> {
  const config = await firstFile(folder, configs)
  if (config === undefined && !(await packageDependencies(folder)).has('drizzle-orm')) return undefined
  const source = withoutComments(config?.content ?? '')
  const sources = await AppSources.of(root)
  const modules = sources.naming(...MODULES)
  const schema = stringOption(source, 'schema')
  const inSchema = schema === undefined ? undefined : startOf(projectPath('', schema))
  const configured = modules.filter(
    ({ path }) => inSchema !== undefined && (path === inSchema || path.startsWith(`${inSchema}/`)),
  )
  const out = projectPath('', stringOption(source, 'out') ?? 'drizzle')
  const database = await readConfiguredDatabaseUrl(folder, source, env)
  return {
    kind: 'drizzle',
    schemaFiles: configured.length > 0 ? configured : modules,
    sources,
    hasMigrations: ((await folder.list(out)) ?? []).some((name) => /^(?:meta$|\d{4})/.test(name)),
    ...(database === undefined ? {} : { database }),
  }
}

/** The part of a path before a pattern such as `*`, without a trailing `/`. */
function startOf(path: string): string {
  return (/^[^*?{[]*(?=\/)/.exec(/[*?{[]/.test(path) ? path : `${path}/`)?.[0] ?? path).replace(/\/$/, '')
}
