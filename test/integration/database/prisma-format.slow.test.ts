import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import type { SchemaChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import type { IndexDefinition, IndexKey } from '../../../packages/core/src/database/index-definition.ts'
import { patchPrismaSchema } from '../../../packages/prisma/src/project/patch-prisma-schema.ts'

const run = promisify(execFile)
const modules = join(import.meta.dirname, '../../node_modules/.bin')
const env = {
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  ...process.env,
  PATH: [modules, process.env.PATH].join(delimiter),
}

const schema = (provider: string, text: string, native: string) => `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["partialIndexes"]
}

datasource db {
  provider = "${provider}"
}

/// { not a model }
model City {
  id       Int      @id
  name     String${text}
  regionId Int?     @map("region_id")
  note     String   @default("} @@index([id])") // as it is: "
  body     String${native}

  @@unique([name, regionId], map: "k")
  @@index([note])
  @@map("city")
}

model Bare {
  id Int @id
  a  Int
}

model Named {
  id Int @id
  a  Int

  // of old
  @@map("named")
}
`

const change = (
  facts: DatabaseFacts,
  table: string,
  name: string,
  keys: readonly (string | IndexKey)[],
  more: Partial<IndexDefinition> = {},
): SchemaChange => ({
  kind: 'create-index',
  name,
  index: {
    table: `${facts.defaultSchema}.${table}`,
    keys: keys.map((key) => (typeof key === 'string' ? { column: key } : key)),
    method: 'btree',
    isUnique: false,
    ...more,
  },
})

const products = [
  ['postgresql', 'postgresql', 'public', '', ''],
  ['mysql', 'mysql', 'app', '   @db.VarChar(40)', '   @db.Text'],
  ['sqlite', 'sqlite', 'main', '', ''],
] as const

describe.each(products)('a patched schema for %s', (provider, product, defaultSchema, text, native) => {
  const facts: DatabaseFacts = {
    product,
    defaultSchema,
    tables: [],
    versionParts: product === 'mysql' ? [8, 4, 0] : [17, 0, 0],
  }
  let folder: string
  let file: string

  const changes = [
    change(facts, 'city', 'city_region_id_name_idx', ['region_id', { column: 'name', isDescending: true }]),
    change(facts, 'city', 'city_id_key', ['name', 'id'], { isUnique: true }),
    change(facts, 'Bare', 'Bare_a_idx', ['a']),
    change(facts, 'named', 'named_a_idx', ['a']),
    ...{
      postgresql: [
        change(facts, 'city', 'p', ['body'], { where: `"name" = 'a\\b'` }),
        change(facts, 'city', 't', [{ column: 'body', operatorClass: 'gin_trgm_ops' }], { method: 'gin' }),
      ],
      mysql: [
        change(facts, 'city', 'l', [{ column: 'body', prefixLength: 20, isDescending: true }]),
        change(facts, 'city', 'f', ['body', 'name'], { method: 'fulltext' }),
      ],
      sqlite: [change(facts, 'city', 'p', ['body'], { where: 'region_id IS NOT NULL' })],
    }[provider],
  ]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-format-'))
    file = join(folder, 'schema.prisma')
    await writeFile(file, schema(provider, text, native))
    await run('prisma', ['format', '--schema', file], { cwd: join(import.meta.dirname, '../..'), env })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is valid, and as Prisma would format it', async () => {
    const { files, refused, unchanged } = patchPrismaSchema(
      [{ path: file, content: await readFile(file, 'utf8') }],
      changes,
      facts,
    )
    expect([refused, unchanged]).toEqual([[], []])
    const patched = files[0]?.content ?? ''
    await writeFile(file, patched)
    await run('prisma', ['validate', '--schema', file], { cwd: join(import.meta.dirname, '../..'), env })
    await run('prisma', ['format', '--schema', file], { cwd: join(import.meta.dirname, '../..'), env })
    expect(await readFile(file, 'utf8')).toBe(patched)
  })

  it('is as Prisma would format it when the indexes are gone again', async () => {
    const drops = changes
      .filter(({ index }) => !index.isUnique)
      .map((made) => ({ ...made, kind: 'drop-index' as const }))
    const { files, refused } = patchPrismaSchema(
      [{ path: file, content: await readFile(file, 'utf8') }],
      drops,
      facts,
    )
    expect(refused).toEqual([])
    await writeFile(file, files[0]?.content ?? '')
    await run('prisma', ['format', '--schema', file], { cwd: join(import.meta.dirname, '../..'), env })
    expect(await readFile(file, 'utf8')).toBe(files[0]?.content)
  })
})
