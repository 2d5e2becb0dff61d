import type { DetectedKnex } from './detected-project.ts'
import { firstFile, type ProjectFolder } from './project-folder.ts'
import { environmentNames, readDatabaseUrl } from './read-database-url.ts'
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
  const migrations = names.filter((name) => /^\d.*\.[cm]?[jt]s$/.test(name) && !name.endsWith('.d.ts'))
  const extension = extensionOf(stringOption(migrationsOption, 'extension'), migrations.at(-1), knexfile.path)
  const client = clientOf(source)
  const database = await readDatabaseUrl(
    folder,
    [...environmentNames(source).filter((name) => /URL|URI|CONNECTION/i.test(name)), 'DATABASE_URL'],
    env,
  )
  return {
    kind: 'knex',
    ...(client === undefined ? {} : { client }),
    language: await languageOf(folder, extension, migrations.at(-1), migrationsDir),
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

/**
 * The extension in the knexfile, otherwise that of the latest migration, otherwise that of the knexfile
 * itself.
 */
function extensionOf(configured: string | undefined, latest: string | undefined, knexfile: string): string {
  if (configured !== undefined) return `.${configured.replace(/^\./, '')}`
  return /\.[cm]?[jt]s$/.exec(latest ?? knexfile)?.[0] ?? '.js'
}

async function languageOf(
  folder: ProjectFolder,
  extension: string,
  latest: string | undefined,
  dir: string,
): Promise<DetectedKnex['language']> {
  if (/^\.[cm]?ts$/.test(extension)) return 'ts'
  if (extension !== '.js') return extension === '.mjs' ? 'esm' : 'cjs'
  const migration = latest === undefined ? undefined : await folder.read(`${dir}/${latest}`)
  if (migration !== undefined) return /^\s*export\s/m.test(withoutComments(migration)) ? 'esm' : 'cjs'
  return /"type"\s*:\s*"module"/.test((await folder.read('package.json')) ?? '') ? 'esm' : 'cjs'
}
