import { readBlocks } from '@sluice/prisma/project'
import type { DetectedPrisma, TextFile } from './detected-project.ts'
import { firstFile, type ProjectFolder } from './project-folder.ts'
import { environmentNames, readDatabaseUrl } from './read-database-url.ts'
import { objectOption, projectPath, stringOption, withoutComments } from './source-text.ts'

const endings = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']
const configs = [
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
  const config = await firstFile(folder, configs)
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
