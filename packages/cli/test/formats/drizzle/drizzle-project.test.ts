import type { DatabaseFacts, SchemaChange } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { create, databaseFacts, drop, index } from '../../../../core/test/database/fixes/facts.ts'
import { planDrizzle, takenDrizzleNames } from '../../support/drizzle-project.ts'

const HEAD = "import { integer, pgTable, text } from 'drizzle-orm/pg-core'\n"
const COLUMNS = `{
  id: integer('id').primaryKey(),
  regionId: integer('region_id').notNull(),
  name: text(),
}`
const facts = databaseFacts('postgresql')
const byRegion = create('city_region_id_index', index('public.city', ['region_id']))

/** The schema file after the changes. */
async function patched(
  schema: string,
  changes: readonly SchemaChange[] = [byRegion],
  of: DatabaseFacts = facts,
): Promise<string | undefined> {
  const { files } = await planDrizzle(
    { 'src/schema.ts': schema, 'drizzle/meta/_journal.json': '{}' },
    changes,
    of,
  )
  return files.find(({ path }) => path === 'src/schema.ts')?.content
}

/** The reason why a change is not added to the schema. */
async function refusal(
  schema: string,
  change: SchemaChange,
  of: DatabaseFacts = facts,
): Promise<string | undefined> {
  const { refused, files } = await planDrizzle(
    { 'src/schema.ts': schema, 'drizzle/meta/_journal.json': '{}' },
    [change],
    of,
  )
  expect(files.map(({ path }) => path)).toEqual([expect.stringMatching(/^sluice\/fixes\/001_\w+\.sql$/)])
  return refused[0]?.why
}

describe('drizzleProject', () => {
  it('adds a third argument and the import', async () => {
    expect(await patched(`${HEAD}\nexport const city = pgTable('city', ${COLUMNS})\n`)).toBe(
      `import { integer, pgTable, text, index } from 'drizzle-orm/pg-core'

export const city = pgTable('city', ${COLUMNS}, (table) => [
  index('city_region_id_index').on(table.regionId),
])
`,
    )
  })

  it('keeps the layout, the quotes and the trailing commas of a file', async () => {
    const schema = `import {
\tinteger,
\tpgTable,
} from "drizzle-orm/pg-core";

export const city = pgTable(
\t"city",
\t{ regionId: integer("region_id") },
);
`
    expect(await patched(schema)).toBe(`import {
\tinteger,
\tpgTable,
\tindex,
} from "drizzle-orm/pg-core";

export const city = pgTable(
\t"city",
\t{ regionId: integer("region_id") },
\t(table) => [
\t\tindex("city_region_id_index").on(table.regionId),
\t],
);
`)
  })

  it.each([
    [
      'an array',
      '(t) => [\n  unique().on(t.name) // names\n]',
      "(t) => [\n  unique().on(t.name), // names\n  index('city_region_id_index').on(t.regionId)\n]",
    ],
    [
      'an array with a trailing comma',
      '(t) => [\n  unique().on(t.name),\n]',
      "(t) => [\n  unique().on(t.name),\n  index('city_region_id_index').on(t.regionId),\n]",
    ],
    [
      'an array with a comment after its last comma',
      '(t) => [\n  unique().on(t.name), // names\n]',
      "(t) => [\n  unique().on(t.name), // names\n  index('city_region_id_index').on(t.regionId),\n]",
    ],
    [
      'an array on one line',
      '(t) => [unique().on(t.name)]',
      "(t) => [unique().on(t.name), index('city_region_id_index').on(t.regionId)]",
    ],
    ['an empty array', '(t) => []', "(t) => [\n  index('city_region_id_index').on(t.regionId),\n]"],
    [
      'an object',
      '(t) => ({\n  names: unique().on(t.name),\n})',
      "(t) => ({\n  names: unique().on(t.name),\n  cityRegionIdIndex: index('city_region_id_index').on(t.regionId),\n})",
    ],
    [
      'a function with a block',
      '(t) => {\n  return [unique().on(t.name)]\n}',
      "(t) => {\n  return [unique().on(t.name), index('city_region_id_index').on(t.regionId)]\n}",
    ],
    [
      'a function with a pattern',
      '({ regionId, name }) => [unique().on(name)]',
      "({ regionId, name }) => [unique().on(name), index('city_region_id_index').on(regionId)]",
    ],
  ])('extends %s', async (_, before, after) => {
    const head = "import { index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core'\n"
    const table = (third: string) => `${head}\nexport const city = pgTable('city', ${COLUMNS}, ${third})\n`
    expect(await patched(table(before))).toBe(table(after))
  })

  it('writes several indexes of a table, and none twice', async () => {
    const byName = create('city_name_index', index('public.city', ['name']))
    const once = await patched(`${HEAD}\nexport const city = pgTable('city', ${COLUMNS})\n`, [
      byRegion,
      byName,
    ])
    expect(once).toContain(`(table) => [
  index('city_region_id_index').on(table.regionId),
  index('city_name_index').on(table.name),
])`)
    const again = await planDrizzle({ 'schema.ts': once ?? '' }, [byRegion, byName], facts)
    expect(again).toMatchObject({ files: [], patched: [], refused: [], next: [] })
    expect(again.unchanged.map(({ why }) => why)).toEqual([
      'The table city has the index city_region_id_index.',
      'The table city has the index city_name_index.',
    ])
  })

  it.each([
    [
      'a name that is used',
      "index('city_region_id_index').on(t.id)",
      'The name city_region_id_index is used by another index of the table city.',
    ],
    [
      'a third argument of another form',
      undefined,
      'The third argument of the table city in src/schema.ts is not a function that returns an array or an object.',
    ],
  ])('refuses %s', async (_, entry, why) => {
    const third = entry === undefined ? 'indexesOf(city)' : `(t) => [${entry}]`
    const head = "import { index, integer, pgTable, text } from 'drizzle-orm/pg-core'\n"
    expect(
      await refusal(`${head}export const city = pgTable('city', ${COLUMNS}, ${third})\n`, byRegion),
    ).toBe(why)
  })

  it('refuses a table without a definition, with two, or without the column', async () => {
    const city = `export const city = pgTable('city', ${COLUMNS})\n`
    expect(await refusal(`${HEAD}${city.replace("'city'", "'town'")}`, byRegion)).toBe(
      'No file defines the table city with Drizzle.',
    )
    expect(await refusal(`${HEAD}${city}${city.replace('const city', 'const old')}`, byRegion)).toContain(
      'defined more than once',
    )
    expect(
      await refusal(`${HEAD}${city.replace("'region_id'", "'region'")}`, {
        ...byRegion,
        index: index('public.city', ['area']),
      }),
    ).toBe('The table city in src/schema.ts has no column area.')
    const mysql = databaseFacts('mysql')
    expect(
      await refusal(`${HEAD}${city}`, { ...byRegion, index: index('app.city', ['region_id']) }, mysql),
    ).toBe('No file defines the table city with Drizzle.')
  })

  it('refuses what a Drizzle schema cannot express', async () => {
    const schema = `${HEAD}export const city = pgTable('city', ${COLUMNS})\n`
    const covering = { ...byRegion, index: { ...byRegion.index, include: ['name'] } }
    expect(await refusal(schema, covering)).toBe('A Drizzle schema does not support INCLUDE.')
    const mysql = schema
      .replace('pgTable', 'mysqlTable')
      .replace('pgTable', 'mysqlTable')
      .replace('pg-core', 'mysql-core')
    const text = { ...byRegion, index: index('app.city', ['name'], { method: 'fulltext' }) }
    expect(await refusal(mysql, text, databaseFacts('mysql'))).toBe(
      'A Drizzle schema does not support FULLTEXT indexes.',
    )
  })

  it('finds columns behind casing, spread objects and functions, and the name of a schema', async () => {
    const files = {
      'src/columns.ts':
        "import { timestamp } from 'drizzle-orm/pg-core'\nexport const times = { createdAt: timestamp('created_at') }\n",
      'src/schema.ts': `import * as pg from 'drizzle-orm/pg-core'
import { times } from './columns.js'
const shop = pg.pgSchema('shop')
export const city = shop.table('city', (t) => ({ id: t.integer(), regionId: t.integer(), ...times }))
`,
    }
    const wanted = create('a', index('shop.city', ['region_id', 'created_at']))
    const { files: written } = await planDrizzle(
      { ...files, 'drizzle/0001_a/migration.sql': '' },
      [wanted],
      facts,
    )
    expect(written.map(({ content }) => content)).toEqual([
      files['src/schema.ts'].replace(
        '...times }))',
        "...times }), (table) => [\n  pg.index('a').on(table.regionId, table.createdAt),\n])",
      ),
    ])
  })

  it('finds tables of drizzle-orm 1.0 with casing', async () => {
    const schema = (imports: string, third: string) =>
      `import { ${imports} } from 'drizzle-orm/pg-core'\nexport const city = snakeCase.table('city', { id: integer(), regionId: integer() }${third})\n`
    expect(await patched(schema('integer, snakeCase', ''))).toBe(
      schema(
        'integer, snakeCase, index',
        ", (table) => [\n  index('city_region_id_index').on(table.regionId),\n]",
      ),
    )
  })

  it('imports functions under another name if a file uses theirs', async () => {
    const schema = `${HEAD}const index = 1\nexport const city = pgTable('city', ${COLUMNS})\n`
    const content = await patched(schema)
    expect(content).toContain('{ integer, pgTable, text, index as drizzleIndex }')
    expect(content).toContain("  drizzleIndex('city_region_id_index').on(table.regionId),")
  })

  it('removes an index', async () => {
    const head = "import { index, integer, pgTable, text } from 'drizzle-orm/pg-core'\n"
    const table = (third: string) => `${head}export const city = pgTable('city', ${COLUMNS}, ${third})\n`
    const gone = drop('b', index('public.city', ['name']))
    expect(
      await patched(table("(t) => [\n  index('a').on(t.id),\n  index('b').on(t.name),\n]"), [gone]),
    ).toBe(table("(t) => [\n  index('a').on(t.id),\n]"))
    expect(await patched(table("(t) => [index('a').on(t.id), index('b').on(t.name)]"), [gone])).toBe(
      table("(t) => [index('a').on(t.id)]"),
    )
    expect(await refusal(table("(t) => [index('a').on(t.id)]"), { ...gone, name: 'other' })).toBe(
      'The table city in src/schema.ts has no index other.',
    )
  })

  it('gives an index a name that no other index of the schema has', async () => {
    const head = "import { index, integer, pgTable, text } from 'drizzle-orm/pg-core'\n"
    const schema = `${head}export const city = pgTable('city', ${COLUMNS}, (t) => [index().on(t.regionId), index('mine').on(t.name)])\n`
    expect(await takenDrizzleNames({ 'schema.ts': schema }, index('public.city', ['id']), facts)).toEqual([
      'city_region_id_index',
      'mine',
    ])
    expect(await takenDrizzleNames({ 'schema.ts': schema }, index('public.city', ['name']), facts)).toEqual([
      'city_region_id_index',
    ])
  })

  it('lists the next steps, with SQL for projects that push', async () => {
    const files = { 'schema.ts': `${HEAD}export const city = pgTable('city', ${COLUMNS})\n` }
    const pushed = await planDrizzle(files, [byRegion], facts)
    expect(pushed.files.map(({ path }) => path)).toEqual(['schema.ts', 'sluice/fixes/001_city_region_id.sql'])
    expect(pushed.next).toEqual(['next: run sluice/fixes/001_city_region_id.sql, then npx drizzle-kit push'])
    const generated = await planDrizzle({ ...files, 'drizzle/meta/_journal.json': '{}' }, [byRegion], facts)
    expect(generated.files.map(({ path }) => path)).toEqual(['schema.ts'])
    expect(generated.next?.[0]).toBe('next: npx drizzle-kit generate, then npx drizzle-kit migrate')
    expect(generated.next?.[1]).toContain('without CONCURRENTLY')
  })
})
