import {
  type DetectedKnex,
  migrationExtension,
  migrationFiles,
  migrationLanguage,
} from './detected-project.ts'

import { firstFile, type ProjectFolder } from './project-folder.ts'
import { readConfiguredDatabaseUrl } from './read-database-url.ts'
import { objectOption, projectPath, stringOption, withoutComments } from './source-text.ts'

const endings = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']
const folders = ['', 'src/', 'db/', 'database/', 'config/']
const knexfiles = folders.flatMap((folder) => endings.map((ending) => `${folder}knexfile.${ending}`))

/** Reads the knexfile of a project. Does not execute it. */
export async function findKnex(
  folder: ProjectFolder,
  env: Readonly<Record<string, string | undefined>>,
): Promise<DetectedKnex | undefined> {
  const knexfile = await firstFile(folder, knexfiles)
  if (knexfile === undefined) return undefined
  const source = withoutComments(knexfile.content)
  const migrationsOption = objectOption(source, 'migrations') ?? ''
  const beside = projectPath(knexfile.path, '..')
  const migrationsDir = projectPath(beside, stringOption(migrationsOption, 'directory') ?? 'migrations')
  const names = (await folder.list(migrationsDir)) ?? []
  const migrations = migrationFiles(names)
  const configured = stringOption(migrationsOption, 'extension')
  const extension =
    configured === undefined
      ? migrationExtension(migrations.at(-1), knexfile.path)
      : `.${configured.replace(/^\./, '')}`
  const client = clientOf(source)
  const database = await readConfiguredDatabaseUrl(folder, source, env)
  return {
    kind: 'knex',
    ...(client === undefined ? {} : { client }),
    language: await migrationLanguage(folder, extension, migrations.at(-1), migrationsDir),
    extension,
    migrationsDir,
    migrations,
    ...(database === undefined ? {} : { database }),
  }
}

/** The client, if all environments of the file have the same one. */
function clientOf(source: string): string | undefined {
  const clients = new Set(
    [...source.matchAll(/(?<![\w$.])["']?client["']?\s*:\s*(?:'([\w-]+)'|"([\w-]+)")/g)].map(
      ([, single, double]) => single ?? double,
    ),
  )
  const [client] = clients
  return clients.size === 1 ? client : undefined
}
