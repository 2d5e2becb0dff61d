import type { ProjectFolder } from './project-folder.ts'
import { withoutComments } from './source-text.ts'

/** TypeScript, or JavaScript with `export` or with `exports`. */
export type MigrationLanguage = 'ts' | 'esm' | 'cjs'

const MIGRATION = /(?<!\.d)\.[cm]?[jt]s$/

/** Names of the migrations among the files of a folder: those that begin with a number. */
export function migrationFiles(names: readonly string[]): string[] {
  return names.filter((name) => /^\d/.test(name) && MIGRATION.test(name))
}

/** The extension of the latest migration, otherwise that of the configuration. Default: `.js`. */
export function migrationExtension(latest: string | undefined, configuration: string): string {
  return MIGRATION.exec(latest ?? configuration)?.[0] ?? '.js'
}

/** The language of migrations by their extension, the latest migration, and the project's package.json. */
export async function migrationLanguage(
  folder: ProjectFolder,
  extension: string,
  latest: string | undefined,
  dir: string,
): Promise<MigrationLanguage> {
  if (/^\.[cm]?ts$/.test(extension)) return 'ts'
  if (extension !== '.js') return extension === '.mjs' ? 'esm' : 'cjs'
  const migration = latest === undefined ? undefined : await folder.read(`${dir}/${latest}`)
  if (migration !== undefined) return /^[ \t]*export\s/m.test(withoutComments(migration)) ? 'esm' : 'cjs'
  return /"type"\s*:\s*"module"/.test((await folder.read('package.json')) ?? '') ? 'esm' : 'cjs'
}
