import { readBlocks } from '@sluice/prisma/project'
import { AppSources } from '../source/app-sources.ts'
import {
  type DetectedDrizzle,
  type DetectedKnex,
  type DetectedKysely,
  type DetectedPrisma,
  migrationExtension,
  migrationFiles,
  migrationLanguage,
  type TextFile,
} from './detected-project.ts'
import {
  firstFile,
  objectOption,
  type ProjectFolder,
  packageDependencies,
  projectPath,
  stringOption,
  withoutComments,
} from './project-folder.ts'
import { environmentNames, readConfiguredDatabaseUrl, readDatabaseUrl } from './read-database-url.ts'

const endings = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']
const prismaConfigs = [
  ...endings.map((ending) => `prisma.config.${ending}`),
  ...endings.map((ending) => `.config/prisma.${ending}`),
]
/** Prisma's default paths, in order. */
const places = ['schema.prisma', 'prisma/schema.prisma', 'prisma/schema', 'prisma']

/** Reads the schema of a project with Prisma 6 or 7. Executes no code of the project. */
export async function findPrisma(
  folder: ProjectFolder,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Omit<DetectedPrisma, 'fixes'> | undefined> {
  const config = await firstFile(folder, prismaConfigs)
  const source = config === undefined ? '' : withoutComments(config.content)
  const configured = stringOption(source, 'schema') ?? (await packageSchema(folder))
  const schemaFiles = await firstSchema(
    folder,
    configured === undefined ? places : [projectPath('', configured)],
  )
  if (schemaFiles === undefined || schemaFiles.some(isContract)) return undefined
  const datasource = schemaFiles.find(({ content }) => datasourceOf(content) !== '') ?? schemaFiles[0]
  const migrationsDir = await findMigrations(folder, source, datasource?.path ?? '', configured)
  const names = [
    ...environmentNames(datasourceOf(datasource?.content ?? '')),
    ...environmentNames(objectOption(source, 'datasource') ?? ''),
  ]
  const database = await readDatabaseUrl(folder, [...names, 'DATABASE_URL'], env)
  return {
    kind: 'prisma',
    schemaFiles,
    ...(migrationsDir === undefined ? {} : { migrationsDir }),
    migrations:
      migrationsDir === undefined
        ? []
        : ((await folder.list(migrationsDir)) ?? []).filter((name) => /^\d/.test(name)),
    ...(database === undefined ? {} : { database }),
  }
}

/** Whether a file is a contract of Prisma 8, whose indexes and migrations are different. */
function isContract({ content }: TextFile): boolean {
  return /^\s*\/\/ use prisma-8\b/.test(content)
}

async function packageSchema(folder: ProjectFolder): Promise<string | undefined> {
  try {
    const text = (await folder.read('package.json')) ?? '{}'
    const { prisma } = JSON.parse(text) as { readonly prisma?: { readonly schema?: unknown } }
    return typeof prisma?.schema === 'string' ? prisma.schema : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The schema files at the first path that exists: the file itself, or all files in the folder. */
async function firstSchema(
  folder: ProjectFolder,
  paths: readonly string[],
): Promise<readonly TextFile[] | undefined> {
  for (const path of paths) {
    const content = path.endsWith('.prisma') ? await folder.read(path) : undefined
    const files = content === undefined ? await filesOf(folder, path) : [{ path, content }]
    if (files.length > 0) return files
  }
  return undefined
}

async function filesOf(folder: ProjectFolder, path: string, depth = 0): Promise<TextFile[]> {
  const names = (await folder.list(path)) ?? []
  const found = names.map(async (name): Promise<TextFile[]> => {
    const inside = `${path}/${name}`
    if (!name.endsWith('.prisma'))
      return name.includes('.') || name === 'migrations' || depth > 5
        ? []
        : filesOf(folder, inside, depth + 1)
    const content = await folder.read(inside)
    return content === undefined ? [] : [{ path: inside, content }]
  })
  return (await Promise.all(found)).flat()
}

/** The configured folder, or the one next to the file with the data source or next to the schema's folder. */
async function findMigrations(
  folder: ProjectFolder,
  source: string,
  datasource: string,
  schema: string | undefined,
): Promise<string | undefined> {
  const configured = stringOption(objectOption(source, 'migrations') ?? '', 'path')
  if (configured !== undefined) return projectPath('', configured)
  const beside = [
    projectPath(datasource, '../migrations'),
    ...(schema === undefined ? [] : [projectPath(schema, '../migrations')]),
    'prisma/migrations',
  ]
  for (const path of beside) if ((await folder.list(path)) !== undefined) return path
  return undefined
}

function datasourceOf(schema: string): string {
  return readBlocks(schema).find(({ kind }) => kind === 'datasource')?.text ?? ''
}

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

const drizzleConfigs = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'].map(
  (ending) => `drizzle.config.${ending}`,
)
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
  const config = await firstFile(folder, drizzleConfigs)
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

const kyselyConfigs = ['', '.config/'].flatMap((folder) =>
  endings.map((ending) => `${folder}kysely.config.${ending}`),
)
const kyselyFolders = ['', 'src/', 'db/', 'src/db/', 'database/', 'src/database/'].map(
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
  const config = await firstFile(folder, kyselyConfigs)
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

/** The first folder with a migration that uses Kysely: other tools have kyselyFolders of the same name. */
async function firstMigrations(folder: ProjectFolder): Promise<string | undefined> {
  for (const dir of kyselyFolders) {
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
