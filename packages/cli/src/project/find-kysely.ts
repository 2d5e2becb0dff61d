import { type DetectedKysely, migrationExtension, migrationLanguage } from './detected-project.ts'

import { firstFile, type ProjectFolder, packageDependencies } from './project-folder.ts'

import { readConfiguredDatabaseUrl } from './read-database-url.ts'
import { objectOption, projectPath, stringOption, withoutComments } from './source-text.ts'

const endings = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']
const configs = ['', '.config/'].flatMap((folder) =>
  endings.map((ending) => `${folder}kysely.config.${ending}`),
)
const folders = ['', 'src/', 'db/', 'src/db/', 'database/', 'src/database/'].map(
  (folder) => `${folder}migrations`,
)

/** A migration that imports Kysely, or whose function takes `db`. */
const MIGRATION = /\b(?:from|require\()\s*['"]kysely['"]|\bup\s*(?:=[^(=]*)?\(\s*db\b/

/**
 * Reads the configuration of `kysely-ctl` and the migrations of a project. Executes no code of the project.
 */
export async function findKysely(
  folder: ProjectFolder,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Omit<DetectedKysely, 'fixes'> | undefined> {
  const config = await firstFile(folder, configs)
  if (config === undefined && !(await packageDependencies(folder)).has('kysely')) return undefined
  const source = withoutComments(config?.content ?? '')
  const configured = stringOption(objectOption(source, 'migrations') ?? '', 'migrationFolder')
  const beside = projectPath(config?.path ?? '', '..').replace(/(^|\/)\.config$/, '')
  const migrationsDir =
    configured === undefined ? await firstMigrations(folder) : projectPath(beside, configured)
  const migrations = migrationsDir === undefined ? [] : await loaded(folder, migrationsDir)
  const latest = migrations.at(-1)
  const extension = migrationExtension(latest, config?.path ?? ((await isTypeScript(folder)) ? '.ts' : '.js'))
  const database = await readConfiguredDatabaseUrl(folder, source, env)
  return {
    kind: 'kysely',
    language: await migrationLanguage(folder, extension, latest, migrationsDir ?? ''),
    extension,
    ...(migrationsDir === undefined ? {} : { migrationsDir }),
    migrations,
    ...(database === undefined ? {} : { database }),
  }
}

/** The first folder with a migration that uses Kysely: other tools have folders of the same name. */
async function firstMigrations(folder: ProjectFolder): Promise<string | undefined> {
  for (const dir of folders) {
    const names = await loaded(folder, dir)
    const latest = names.at(-1)
    const source = latest === undefined ? '' : await folder.read(`${dir}/${latest}`)
    if (MIGRATION.test(source ?? '')) return dir
  }
  return undefined
}

/** Files that Kysely's `FileMigrationProvider` loads, in its order. */
async function loaded(folder: ProjectFolder, dir: string): Promise<string[]> {
  const names = (await folder.list(dir)) ?? []
  return names.filter((name) => /\.[cm]?[jt]s$/.test(name) && !/\.d\.[cm]?ts$/.test(name)).sort()
}

async function isTypeScript(folder: ProjectFolder): Promise<boolean> {
  return (await folder.read('tsconfig.json')) !== undefined
}
