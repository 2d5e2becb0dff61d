import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { detectProjects } from '../../src/project/detect-projects.ts'

const schema = 'datasource db {\n  provider = "postgresql"\n}\n\nmodel A {\n  id Int @id\n}\n'

describe('detectProjects', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-project-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  async function detect(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
    return detectProjects(root, env)
  }

  it('detects plain SQL in an empty folder', async () => {
    expect(await detect({})).toEqual([{ kind: 'sql', fixes: { dir: 'sluice/fixes', existing: [] } }])
    expect(await detect({ 'sluice/fixes/001_a.sql': '', 'sluice/fixes/notes.md': '' })).toEqual([
      { kind: 'sql', fixes: { dir: 'sluice/fixes', existing: ['001_a.sql'] } },
    ])
  })

  describe('of Prisma', () => {
    const paths = async (files: Readonly<Record<string, string>>) => {
      const [project] = await detect(files)
      return project?.kind === 'prisma' ? project.schemaFiles.map(({ path }) => path) : project?.kind
    }

    it.each(['schema.prisma', 'prisma/schema.prisma'])('finds %s', async (path) => {
      expect(await paths({ [path]: schema })).toEqual([path])
    })

    it.each(['prisma/contract.prisma', 'prisma/schema.prisma'])(
      'ignores a contract of Prisma 8: %s',
      async (path) => {
        expect(await paths({ [path]: '// use prisma-8\nmodel A {\n  id Int @id\n}\n' })).toBe('sql')
      },
    )

    it('finds a schema with several files', async () => {
      const files = {
        'prisma/schema/base.prisma': schema,
        'prisma/schema/shop/a.prisma': '',
        'prisma/schema/migrations/1/migration.sql': '',
      }
      expect(await paths(files)).toEqual(['prisma/schema/base.prisma', 'prisma/schema/shop/a.prisma'])
    })

    it.each([
      ["schema: './db/main.prisma'", ['db/main.prisma']],
      ['schema: "db"', ['db/main.prisma', 'db/other.prisma']],
      ["schema: path.join('db', 'main.prisma'),", ['db/main.prisma']],
      ["schema: join(import.meta.dirname, 'db'),", ['db/main.prisma', 'db/other.prisma']],
      ["// schema: 'db/main.prisma'\n  schema: 'prisma/schema.prisma'", ['prisma/schema.prisma']],
    ])('follows the configuration: %s', async (option, expected) => {
      const files = { 'db/main.prisma': schema, 'db/other.prisma': '', 'prisma/schema.prisma': schema }
      expect(
        await paths({ ...files, 'prisma.config.ts': `export default defineConfig({\n  ${option}\n})\n` }),
      ).toEqual(expected)
    })

    it('uses the schema path in package.json', async () => {
      const files = {
        'db/main.prisma': schema,
        'package.json': '{ "prisma": { "schema": "db/main.prisma" } }',
      }
      expect(await paths(files)).toEqual(['db/main.prisma'])
      expect(await paths({ 'package.json': '{ broken', 'schema.prisma': schema })).toEqual(['schema.prisma'])
    })

    it.each([
      ['beside the schema', 'prisma/schema.prisma', 'prisma/migrations', ''],
      ['beside the file with the data source', 'prisma/schema/base.prisma', 'prisma/schema/migrations', ''],
      ['beside the folder of the schema', 'prisma/schema/base.prisma', 'prisma/migrations', ''],
      [
        'where the configuration says',
        'prisma/schema.prisma',
        'db/migrations',
        "migrations: { path: 'db/migrations', seed: 'x' }",
      ],
    ])('finds the migrations %s', async (_, path, migrationsDir, option) => {
      const [project] = await detect({
        [path]: schema,
        [`${migrationsDir}/20260101000000_init/migration.sql`]: '',
        [`${migrationsDir}/migration_lock.toml`]: '',
        'prisma.config.ts': `export default { ${option} }`,
      })
      expect(project).toMatchObject({ kind: 'prisma', migrationsDir, migrations: ['20260101000000_init'] })
    })

    it('has no migrations folder when there is none', async () => {
      const [project] = await detect({ 'prisma/schema.prisma': schema })
      expect(project).toMatchObject({ kind: 'prisma', migrations: [] })
      expect(project).not.toHaveProperty('migrationsDir')
    })

    it('reads the database URL from the variable of the data source', async () => {
      const files = {
        'prisma/schema.prisma': schema.replace(
          '\n}',
          '\n  // url = env("OLD_URL")\n  url = env("SHOP_URL")\n}',
        ),
        '.env': `DATABASE_URL="postgresql://other"\nPASSWORD=s3cret\nSHOP_URL="postgresql://me:\${PASSWORD}@localhost/shop"\n`,
      }
      expect((await detect(files))[0]?.database).toEqual({
        url: 'postgresql://me:s3cret@localhost/shop',
        from: 'SHOP_URL in .env',
      })
      expect((await detect(files, { SHOP_URL: 'postgresql://env' }))[0]?.database).toEqual({
        url: 'postgresql://env',
        from: 'SHOP_URL',
      })
    })

    it('reads it with the configuration of Prisma 7, and from a .env next to the schema', async () => {
      const config = "export default { datasource: { url: env('SHOP_URL') } }"
      const files = {
        'prisma/schema.prisma': schema,
        'prisma.config.ts': config,
        'prisma/.env': 'SHOP_URL=postgresql://shop # ours',
      }
      expect((await detect(files))[0]?.database).toEqual({
        url: 'postgresql://shop',
        from: 'SHOP_URL in prisma/.env',
      })
    })
  })

  describe('of Knex', () => {
    const knex = async (
      files: Readonly<Record<string, string>>,
      env: Readonly<Record<string, string>> = {},
    ) => {
      const [project] = await detect(files, env)
      return project
    }

    it('reads the client and the migrations folder', async () => {
      const knexfile = `module.exports = {
        // client: 'sqlite3',
        client: 'pg',
        connection: process.env.SHOP_URL,
        migrations: { tableName: 'migrations', directory: './db/migrations', extension: 'ts' },
      }`
      expect(
        await knex(
          { 'knexfile.js': knexfile, 'db/migrations/20260101000000_a.ts': '', 'db/migrations/README.md': '' },
          { SHOP_URL: 'postgresql://x' },
        ),
      ).toEqual({
        kind: 'knex',
        client: 'pg',
        language: 'ts',
        extension: '.ts',
        migrationsDir: 'db/migrations',
        migrations: ['20260101000000_a.ts'],
        database: { url: 'postgresql://x', from: 'SHOP_URL' },
      })
    })

    it.each([
      ['a knexfile in TypeScript', { 'knexfile.ts': '' }, 'ts', '.ts'],
      ['a knexfile in JavaScript', { 'knexfile.js': '' }, 'cjs', '.js'],
      ['a package of modules', { 'knexfile.js': '', 'package.json': '{ "type": "module" }' }, 'esm', '.js'],
      ['a module', { 'knexfile.mjs': '' }, 'esm', '.mjs'],
      ['migrations that are modules', { 'knexfile.js': '', 'migrations/1_a.mjs': '' }, 'esm', '.mjs'],
      [
        'migrations that export',
        { 'knexfile.ts': '', 'migrations/1_a.js': 'export function up() {}' },
        'esm',
        '.js',
      ],
      [
        'migrations that do not',
        { 'knexfile.ts': '', 'migrations/1_a.js': '// export const a\nexports.up = 1' },
        'cjs',
        '.js',
      ],
    ])('writes as %s', async (_, files, language, extension) => {
      expect(await knex(files as Record<string, string>)).toMatchObject({
        language,
        extension,
        migrationsDir: 'migrations',
      })
    })

    it('does not choose between several clients', async () => {
      expect(
        await knex({ 'knexfile.js': "module.exports = { a: { client: 'pg' }, b: { client: 'sqlite3' } }" }),
      ).not.toHaveProperty('client')
    })

    it('resolves paths relative to the knexfile', async () => {
      const files = {
        'src/knexfile.ts': "export default { migrations: { directory: '../migrations' } }",
        'migrations/2_b.ts': '',
      }
      expect(await knex(files)).toMatchObject({ migrationsDir: 'migrations', migrations: ['2_b.ts'] })
    })
  })

  describe('of Kysely', () => {
    const kysely = async (files: Readonly<Record<string, string>>) => {
      const [project] = await detect({
        'package.json': '{ "dependencies": { "kysely": "0.29.9" } }',
        ...files,
      })
      return project
    }
    const migration = "import { Kysely } from 'kysely'\n"

    it('reads the configuration of kysely-ctl', async () => {
      const config = `export default defineConfig({
        dialectConfig: { connectionString: process.env.SHOP_URL },
        migrations: { migrationFolder: 'db/changes' },
      })`
      expect(
        await kysely({
          'package.json': '{}',
          'kysely.config.ts': config,
          'db/changes/1700000000000_a.ts': '',
          'db/changes/1700000000000_a.d.ts': '',
          '.env': 'SHOP_URL=postgresql://x',
        }),
      ).toEqual({
        kind: 'kysely',
        language: 'ts',
        extension: '.ts',
        migrationsDir: 'db/changes',
        migrations: ['1700000000000_a.ts'],
        fixes: { dir: 'sluice/fixes', existing: [] },
        database: { url: 'postgresql://x', from: 'SHOP_URL in .env' },
      })
    })

    it.each([
      ['that import Kysely', { 'src/db/migrations/001_a.ts': migration }, 'src/db/migrations', 'ts', '.ts'],
      [
        'that are modules',
        { 'migrations/001_a.js': 'export async function up(db) {}' },
        'migrations',
        'esm',
        '.js',
      ],
      [
        'with exports',
        { 'migrations/001_a.js': 'exports.up = async function up(db) {}' },
        'migrations',
        'cjs',
        '.js',
      ],
    ])('finds migrations %s', async (_, files, migrationsDir, language, extension) => {
      expect(await kysely(files as unknown as Record<string, string>)).toMatchObject({
        migrationsDir,
        language,
        extension,
      })
    })

    it('ignores migrations of other tools, and folders without a dependency on Kysely', async () => {
      const found = await kysely({
        'migrations/001_a.js': 'exports.up = (knex) => knex.schema',
        'tsconfig.json': '{}',
      })
      expect(found).toMatchObject({ kind: 'kysely', migrations: [], extension: '.ts' })
      expect(found).not.toHaveProperty('migrationsDir')
      expect(await kysely({ 'package.json': '{}', 'migrations/001_a.ts': migration })).toMatchObject({
        kind: 'sql',
      })
      expect(await kysely({ 'package.json': '{ broken' })).toMatchObject({ kind: 'sql' })
    })
  })

  describe('of Drizzle', () => {
    const table = "import { pgTable } from 'drizzle-orm/pg-core'\nexport const a = pgTable('a', {})\n"
    const drizzle = async (files: Readonly<Record<string, string>>) => {
      const [project] = await detect(files)
      return project?.kind === 'drizzle' ? project : undefined
    }

    it.each([
      ["schema: './src/db/schema.ts', out: './migrations'", ['src/db/schema.ts']],
      ["schema: './src/db/*'", ['src/db/other.ts', 'src/db/schema.ts']],
      ["schema: './src/db'", ['src/db/other.ts', 'src/db/schema.ts']],
      ["schema: './elsewhere.ts'", ['src/old.ts', 'src/db/other.ts', 'src/db/schema.ts']],
    ])('reads the tables in the configured schema: %s', async (option, expected) => {
      const files = {
        'src/db/schema.ts': table,
        'src/db/other.ts': table,
        'src/old.ts': table,
        'src/app.ts': '',
      }
      const found = await drizzle({
        ...files,
        'drizzle.config.ts': `export default defineConfig({ ${option} })`,
      })
      expect(found?.schemaFiles.map(({ path }) => path)).toEqual(expected)
    })

    it.each([
      ['0.45', { 'drizzle/meta/_journal.json': '{}' }, true],
      ['1.0', { 'drizzle/20260101000000_a/migration.sql': '' }, true],
      ['another tool', { 'drizzle/README.md': '' }, false],
    ])('finds migrations of %s', async (_, files, hasMigrations) => {
      const manifest = {
        'package.json': '{ "devDependencies": { "drizzle-orm": "1" } }',
        '.env': 'DATABASE_URL=file:a.db',
      }
      expect(await drizzle({ ...manifest, ...(files as unknown as Record<string, string>) })).toMatchObject({
        hasMigrations,
        schemaFiles: [],
        database: { url: 'file:a.db', from: 'DATABASE_URL in .env' },
      })
    })
  })

  it('finds all ORMs of one project in a fixed order', async () => {
    const manifest = '{ "dependencies": { "drizzle-orm": "0.45.4", "kysely": "0.29.9" } }'
    const projects = await detect({
      'prisma/schema.prisma': schema,
      'knexfile.js': '',
      'package.json': manifest,
    })
    expect(projects.map(({ kind }) => kind)).toEqual(['prisma', 'knex', 'drizzle', 'kysely', 'sql'])
  })
})
