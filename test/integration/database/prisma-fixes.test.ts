import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import { type FixPlan, planFixFiles } from '../../../packages/core/src/database/fixes/project-format.ts'
import type { SchemaChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import type { IndexDefinition, IndexKey } from '../../../packages/core/src/database/index-definition.ts'
import { prismaProject } from '../../../packages/prisma/src/project/prisma-project.ts'
import { type Database, databases } from '../../support/databases.ts'
import { fixFacts } from '../../support/fix-facts.ts'
import { type SchemaEngine, schemaEngine } from '../../support/schema-engine.ts'

const at = new Date('2026-01-02T03:04:05Z')

const models = (native: string) => `
model City {
  id       Int      @id
  name     String
  regionId Int?     @map("region_id")
  isOpen   Boolean? @map("is_open")
  at       DateTime${native}

  @@map("city")
}
`

const enumOfPostgresql = `
model Place {
  id     Int      @id
  kind   Kind
  data   Json?
  tags   String[]
  label  String   @db.VarChar(20)
  cents  Decimal

  @@index([label])
}

enum Kind {
  OPEN
  SHUT
}
`

const head = (provider: string, features: string) => `generator client {
  provider        = "prisma-client-js"
  previewFeatures = [${features}]
}

datasource db {
  provider = "${provider}"
}
`

for (const { name, dialect, skipped, connect } of databases().filter(({ dialect }) => dialect !== 'mysql')) {
  describe.skipIf(skipped !== undefined)(`a Prisma schema and its migrations on ${name}`, () => {
    let database: Database
    let engine: SchemaEngine
    let facts: DatabaseFacts

    const schema = (features = '"partialIndexes"') =>
      head(dialect, features) +
      (dialect === 'sqlite' ? models('') : models('  @db.Timestamptz') + enumOfPostgresql)

    const change = (
      table: string,
      indexName: string,
      keys: readonly (string | IndexKey)[],
      more: Partial<IndexDefinition> = {},
    ): SchemaChange => ({
      kind: 'create-index',
      name: indexName,
      index: {
        table: `${facts.defaultSchema}.${table}`,
        keys: keys.map((key) => (typeof key === 'string' ? { column: key } : key)),
        method: 'btree',
        isUnique: false,
        ...more,
      },
    })

    function plan(content: string, changes: readonly SchemaChange[]): FixPlan & { readonly schema: string } {
      const project = prismaProject({
        schemaFiles: [{ path: 'schema.prisma', content }],
        migrationsDir: 'migrations',
      })
      const planned = planFixFiles(changes, project, facts, at)
      return { ...planned, schema: planned.files.find(({ isPatch }) => isPatch)?.content ?? content }
    }

    /** Deploys the migrations of a plan, on top of the one that created the tables. */
    async function deploy(content: string, { files }: FixPlan): Promise<void> {
      const migrations = files.flatMap(({ path, content: sql }) => {
        const [, folder] = /^migrations\/(.+)\/migration\.sql$/.exec(path) ?? []
        return folder === undefined ? [] : [{ name: folder, sql }]
      })
      const first = { name: '20250101000000_init', sql: await engine.create(content) }
      await engine.deploy(content, [first, ...migrations])
    }

    async function expectNoDifference(before: string, changes: readonly SchemaChange[]): Promise<FixPlan> {
      const planned = plan(before, changes)
      await deploy(before, planned)
      expect(await engine.difference(planned.schema)).toBe('')
      expect(plan(planned.schema, changes).schema).toBe(planned.schema)
      return planned
    }

    beforeEach(async () => {
      database = await connect()
      engine = schemaEngine(database)
      facts = fixFacts(database)
    })
    afterEach(() => database.drop())

    it('would detect a difference', async () => {
      const planned = plan(schema(), [change('city', 'city_name_idx', ['name'])])
      await database.exec(await engine.create(schema()))
      expect(await engine.difference(planned.schema)).toContain('CREATE INDEX "city_name_idx"')
    })

    it('agree on keys, their order, names, and unique keys', async () => {
      const { patched } = await expectNoDifference(schema(), [
        change('city', 'city_region_id_name_idx', ['region_id', 'name']),
        change('city', 'city_at_idx', [{ column: 'at', isDescending: true }]),
        change('city', 'own_name', ['name', { column: 'at', isDescending: true }]),
        change('city', 'city_name_region_id_key', ['name', 'region_id'], { isUnique: true }),
      ])
      expect(patched.map(({ line }) => line)).toEqual([
        '@@index([regionId, name])',
        '@@index([at(sort: Desc)])',
        '@@index([name, at(sort: Desc)], map: "own_name")',
        '@@unique([name, regionId])',
      ])
    })

    it('agree on a truncated name', async () => {
      const long = schema()
        .replaceAll('City', 'CityOfThisModelWhoseNameGoesOnAndOnUntilNobodyReadsIt')
        .replace('@@map("city")', '')
      const [made] =
        /"CityOf\w+_idx"/.exec(
          await engine.create(
            long.replace(/(DateTime.*)\n/, '$1\n\n  @@index([name, regionId, isOpen, at])'),
          ),
        ) ?? []
      const table = 'CityOfThisModelWhoseNameGoesOnAndOnUntilNobodyReadsIt'
      const { patched } = await expectNoDifference(long, [
        change(table, made?.slice(1, -1) ?? '', ['name', 'region_id', 'is_open', 'at']),
      ])
      expect(patched[0]?.line).toBe('@@index([name, regionId, isOpen, at])')
    })

    it('agree on conditions that Prisma recognizes', async () => {
      const own =
        dialect === 'postgresql'
          ? [change('Place', 'p7', ['id'], { where: `"kind" = 'OPEN' AND cents > 1.5` })]
          : []
      const { refused } = await expectNoDifference(schema(), [
        change('city', 'p1', ['name'], { where: 'region_id IS NOT NULL' }),
        change('city', 'p2', ['name'], { where: '"region_id" IS NULL AND "name" = \'a\'' }),
        change('city', 'p3', ['name'], { where: dialect === 'sqlite' ? 'is_open = 1' : 'NOT is_open' }),
        change('city', 'p4', ['name'], { where: '(region_id = 5)' }),
        change('city', 'p5', ['at'], { where: 'is_open IS TRUE', isUnique: true }),
        ...own,
      ])
      expect(refused).toEqual([])
    })

    it('agree when the schema cannot express an index', async () => {
      const { refused, patched } = await expectNoDifference(schema(''), [
        change('city', 'e', [{ column: 'name', expression: 'lower(name)' }, 'region_id']),
        change('city', 'p', ['name'], { where: 'region_id IS NULL' }),
      ])
      expect(patched).toEqual([])
      expect(refused.map(({ why }) => why)).toHaveLength(2)
    })

    it('agree on a removed index', async () => {
      const before = plan(schema(), [change('city', 'city_name_idx', ['name'])]).schema
      const planned = plan(before, [{ ...change('city', 'city_name_idx', ['name']), kind: 'drop-index' }])
      await deploy(before, planned)
      expect(planned.schema).toBe(schema())
      expect(await engine.difference(planned.schema)).toBe('')
    })

    it.runIf(dialect === 'sqlite')('agree on a collation', async () => {
      await expectNoDifference(schema(), [
        change('city', 'city_name_idx', ['name']),
        change('city', 'city_name_nocase', [{ column: 'name', collation: 'NOCASE' }]),
      ])
    })

    it.runIf(dialect === 'postgresql')('agree on operators, types and included columns', async () => {
      const { patched } = await expectNoDifference(schema(), [
        change('city', 'city_name_prefix', [{ column: 'name', operatorClass: 'text_pattern_ops' }, 'at']),
        change('city', 'city_name_trgm', [{ column: 'name', operatorClass: 'gin_trgm_ops' }], {
          method: 'gin',
        }),
        change('city', 'city_name_gist', [{ column: 'name', operatorClass: 'gist_trgm_ops' }], {
          method: 'gist',
        }),
        change('city', 'city_name_hash', ['name'], { method: 'hash' }),
        change('city', 'city_at_brin', ['at'], { method: 'brin' }),
        change('city', 'city_at_include', ['at'], { include: ['name', 'is_open'] }),
        change('city', 'city_at_last', [{ column: 'at', isDescending: true, nulls: 'last' }, 'region_id']),
        change('Place', 'Place_data_path', [{ column: 'data', operatorClass: 'jsonb_path_ops' }], {
          method: 'gin',
        }),
        change('Place', 'Place_data_idx', [{ column: 'data', operatorClass: 'jsonb_ops' }], {
          method: 'gin',
        }),
        change('Place', 'Place_tags_idx', ['tags'], { method: 'gin' }),
      ])
      expect(patched).toHaveLength(10)
    })

    it.runIf(dialect === 'postgresql')(
      'reject conditions that Prisma would report as different each time',
      async () => {
        const conditions = ["label = 'a'", 'id = -5', "kind IN ('OPEN', 'SHUT')"]
        const changes = conditions.map((where, index) => change('Place', `p${index}`, ['id'], { where }))
        expect(plan(schema(), changes).refused).toHaveLength(3)
      },
    )
  })
}
