import { describe, expect, it, onTestFinished } from 'vitest'
import { createDdl } from '../prisma/create-ddl.mjs'
import { databases, freshDatabase } from '../support/databases.ts'
import { type Page, packagesIn, readPage } from './page.ts'
import { Project } from './project.ts'

/** The command line and compilers: no file imports them. */
const TOOLS = new Set(['tsx', 'typescript', 'prisma'])

/** Masks values that differ from run to run. */
const masked = (text: string) =>
  text
    .replace(/[\d.]+ ms/g, '… ms')
    .replace(/request [\da-f-]{36}/, 'request …')
    .replace(/ignore [\da-f]{8}/, 'ignore …')

const file = ({ files }: Page, path: string): string => {
  const code = files.get(path)
  if (code === undefined) throw new Error(`Expected the page to have ${path}.`)
  return code
}
const version = ({ versions }: Page, name: string): string => {
  const code = versions.get(name)
  if (code === undefined) throw new Error(`Expected the page to have ${name}.`)
  return code
}

function projectOf({ files }: Page, variables?: NodeJS.ProcessEnv): Project {
  const project = new Project(variables)
  onTestFinished(() => project.remove())
  for (const [path, code] of files) project.write(path, code)
  return project
}

/** Replaces `prisma db push`, whose engine may be missing here, and `prisma generate`. */
async function push(
  project: Project,
  provider: 'sqlite' | 'postgresql',
  schema: string,
  exec: (ddl: string) => unknown,
): Promise<void> {
  await exec(await createDdl(provider, { path: 'schema.prisma', content: schema }))
  project.generate()
}

/**
 * @param requests - Number of requests in `optimize`.
 * @returns Their queries.
 */
async function follow(
  page: Page,
  project: Project,
  requests = page.queries.length,
): Promise<readonly number[]> {
  project.seed()
  const observed = await project.serve(file(page, 'src/server.ts'), 2, /mute/)
  expect(observed.queries).toEqual([51, 51])
  expect(masked(observed.printed)).toContain(masked(page.report))

  const fixed = await project.serve(version(page, 'src/server.ts fixed'), 1)
  // Here and below, each version of each file is compiled once.
  project.typecheck()
  expect(fixed.queries).toEqual([2])
  expect(fixed.printed).not.toContain('N+1')
  const rows = (body = '') => JSON.parse(body) as unknown
  expect(rows(fixed.bodies[0])).toEqual(rows(observed.bodies[0]))

  project.write('src/database.ts', version(page, 'src/database.ts optimized'))
  const optimized = await project.serve(file(page, 'src/server.ts'), requests)
  project.typecheck()
  for (const body of optimized.bodies) expect(body).toBe(observed.bodies[0])
  return optimized.queries
}

/** Installed packages that no file imports: Knex loads its driver by name; Prisma's page names another. */
const UNIMPORTED: Readonly<Record<string, readonly string[]>> = {
  'quick-start-drizzle': [],
  'quick-start-knex': ['better-sqlite3'],
  'quick-start-kysely': [],
  'quick-start-prisma': ['@prisma/adapter-pg', '@prisma/client'],
}

/** On a busy machine, reading the schema takes several requests. */
const MANY_REQUESTS = 30

/** How many requests are not optimized depends on when the schema was read. */
function expectFewer(queries: readonly number[]): void {
  expect(Math.max(...queries)).toBeLessThanOrEqual(51)
  expect(queries.filter((count) => count > 0 && count < 10)).not.toEqual([])
  expect(queries).toContain(0)
}

const hasNoPostgres = databases().some(
  ({ dialect, skipped }) => dialect === 'postgresql' && skipped !== undefined,
)

describe.each(Object.keys(UNIMPORTED))('the page %s', (name) => {
  it('installs exactly the packages that its files import', () => {
    const { files, versions, installed } = readPage(name)
    const imported = new Set([...files.values(), ...versions.values()].flatMap(packagesIn))
    const isUsed = (one: string) => imported.has(one) || TOOLS.has(one) || one.startsWith('@types/')
    expect([...imported].filter((one) => !installed.has(one))).toEqual([])
    expect([...installed].filter((one) => !isUsed(one)).sort()).toEqual(UNIMPORTED[name])
  })
})

describe('a quick start, followed from an empty folder', () => {
  it.each(['knex', 'kysely'])(
    'finds the N+1 query, removes it with the fix, and ends without queries, with %s',
    async (orm) => {
      const page = readPage(`quick-start-${orm}`)
      expectFewer(await follow(page, projectOf(page), MANY_REQUESTS))
    },
  )

  it.skipIf(hasNoPostgres)(
    'finds the N+1 query, removes it with the fix, and ends without queries, with Drizzle',
    async () => {
      const page = readPage('quick-start-drizzle')
      const database = await freshDatabase('postgresql')
      onTestFinished(() => database.drop())
      const project = projectOf(page, { DATABASE_URL: database.url })
      expectFewer(await follow(page, project, MANY_REQUESTS))
    },
  )

  it('finds the N+1 query, removes it with the fix, and ends without queries, with Prisma', async () => {
    const page = readPage('quick-start-prisma')
    const project = projectOf(page)
    await push(project, 'sqlite', file(page, 'prisma/schema.prisma'), (ddl) => project.exec('books.db', ddl))
    expect(await follow(page, project)).toEqual(page.queries)
  })

  it.skipIf(hasNoPostgres)(
    'finds the N+1 query, removes it with the fix, and ends without queries, with Prisma on PostgreSQL',
    async () => {
      const page = readPage('quick-start-prisma')
      const project = projectOf(page)
      const database = await freshDatabase('postgresql')
      onTestFinished(() => database.drop())
      const moved = (code: string) =>
        code
          .replace(
            "import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'",
            "import { PrismaPg } from '@prisma/adapter-pg'",
          )
          .replace(
            /const adapter = .*/,
            `const adapter = new PrismaPg({ connectionString: ${JSON.stringify(database.url)} })`,
          )
      const schema = file(page, 'prisma/schema.prisma').replace(
        'provider = "sqlite"',
        'provider = "postgresql"',
      )
      project.write('prisma/schema.prisma', schema)
      project.write('prisma.config.ts', file(page, 'prisma.config.ts').replace('file:books.db', database.url))
      const versions = new Map([...page.versions].map(([path, code]) => [path, moved(code)]))
      project.write('src/database.ts', moved(file(page, 'src/database.ts')))
      await push(project, 'postgresql', schema, (ddl) => database.exec(ddl))
      expectFewer(await follow({ ...page, versions }, project, MANY_REQUESTS))
    },
  )
})
