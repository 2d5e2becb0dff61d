import type { DatabaseFacts, SchemaChange } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import {
  create,
  databaseFacts,
  drop,
  existingIndex,
  index,
  table,
} from '../../../core/test/database/fixes/facts.ts'
import { patchPrismaSchema } from '../../src/project/patch-prisma-schema.ts'
import { prismaProject } from '../../src/project/prisma-project.ts'

const postgresql = databaseFacts('postgresql')

function patch(text: string, changes: readonly SchemaChange[], facts: DatabaseFacts = postgresql) {
  const { files, ...rest } = patchPrismaSchema([{ path: 'schema.prisma', content: text }], changes, facts)
  return { text: files[0]?.content ?? '', ...rest }
}

const head = (provider = 'postgresql', features = '') => `generator client {
  provider = "prisma-client"${features}
}

datasource db {
  provider = "${provider}"
}
`

const city = (lines = '', map = '  @@map("city")\n') => `
// The model City { is not this line }
model City {
  id       Int      @id
  name     String   @default("} {") // a "quote
  regionId Int      @map("region_id")
  region   Region   @relation(fields: [regionId], references: [id])
  tags     String[]
  data     Json?
  status   Status
  code     String   @db.VarChar(20)

${lines}${map}}

enum Status {
  OPEN
}

model Region {
  id     Int    @id
  code   String @unique
  cities City[]
}
`

describe('patchPrismaSchema', () => {
  it('inserts a line before the first attribute', () => {
    const { text, applied } = patch(head() + city(), [
      create('city_region_id_name_idx', index('public.city', ['region_id', 'name'])),
    ])
    expect(text).toBe(head() + city('  @@index([regionId, name])\n'))
    expect(applied).toMatchObject([{ path: 'schema.prisma', line: '@@index([regionId, name])', notes: [] }])
  })

  it('inserts a line after the last index', () => {
    const before = '  @@index([tags], type: Gin) // why\n'
    const { text } = patch(head() + city(before), [create('city_name_idx', index('public.city', ['name']))])
    expect(text).toBe(head() + city(`${before}  @@index([name])\n`))
  })

  it('inserts a line at the end of a model without attributes', () => {
    const { text } = patch('model A {\n\tid Int @id\n\tb Int\n}\n', [
      create('A_b_idx', index('public.A', ['b'])),
    ])
    expect(text).toBe('model A {\n\tid Int @id\n\tb Int\n\n\t@@index([b])\n}\n')
  })

  it('inserts a unique key before the indexes, and a line above the comment of the first attribute', () => {
    const unique = create('A_b_key', index('public.A', ['b'], { isUnique: true }))
    expect(patch('model A {\n  b Int\n\n  @@index([b])\n}\n', [unique]).text).toBe(
      'model A {\n  b Int\n\n  @@unique([b])\n  @@index([b])\n}\n',
    )
    const plain = create('a_b_idx', index('public.a', ['b']))
    expect(patch('model A {\n  b Int\n\n  // of old\n  @@map("a")\n}\n', [plain]).text).toBe(
      'model A {\n  b Int\n\n  @@index([b])\n  // of old\n  @@map("a")\n}\n',
    )
  })

  it('keeps Windows line breaks', () => {
    const windows = (text: string) => text.replaceAll('\n', '\r\n')
    const change = create('city_name_idx', index('public.city', ['name']))
    expect(patch(windows(head() + city()), [change]).text).toBe(windows(head() + city('  @@index([name])\n')))
    expect(
      patch(windows('model A {\n  b Int\n}\n'), [create('A_b_idx', index('public.A', ['b']))]).text,
    ).toBe(windows('model A {\n  b Int\n\n  @@index([b])\n}\n'))
  })

  it.each([
    [
      'a descending key',
      index('public.city', ['region_id', { column: 'name', isDescending: true }]),
      '@@index([regionId, name(sort: Desc)], map: "x")',
    ],
    ['a unique key', index('public.city', ['name'], { isUnique: true }), '@@unique([name], map: "x")'],
    [
      'a GIN index',
      index('public.city', ['data'], { method: 'gin' }),
      '@@index([data], map: "x", type: Gin)',
    ],
    [
      'operators that Prisma knows',
      index('public.city', [{ column: 'data', operatorClass: 'jsonb_path_ops' }], { method: 'gin' }),
      '@@index([data(ops: JsonbPathOps)], map: "x", type: Gin)',
    ],
    [
      'operators that it does not know',
      index('public.city', [{ column: 'name', operatorClass: 'gin_trgm_ops' }], { method: 'gin' }),
      '@@index([name(ops: raw("gin_trgm_ops"))], map: "x", type: Gin)',
    ],
    [
      'a hash index',
      index('public.city', ['name'], { method: 'hash' }),
      '@@index([name], map: "x", type: Hash)',
    ],
  ])('writes %s', (_, definition, line) => {
    expect(patch(head() + city(), [create('x', definition)]).applied.map((change) => change.line)).toEqual([
      line,
    ])
  })

  it('adds a name for properties that the line cannot express', () => {
    const prefix = create(
      'city_name_prefix',
      index('public.city', [{ column: 'name', operatorClass: 'text_pattern_ops' }]),
    )
    const { text, applied } = patch(head() + city('  @@index([name])\n'), [prefix])
    expect(text).toBe(head() + city('  @@index([name])\n  @@index([name], map: "city_name_prefix")\n'))
    expect(applied[0]?.notes.join()).toContain('text_pattern_ops')
    expect(patch(text, [prefix]).unchanged).toHaveLength(1)
  })

  it('distinguishes a plain index from an index whose line looks the same', () => {
    const prefix = existingIndex('public.city', 'city_name_prefix', ['name'], {
      keys: [{ column: 'name', operatorClass: 'text_pattern_ops' }],
    })
    const facts = databaseFacts('postgresql', [table('public', 'city', { indexes: [prefix] })])
    const { text } = patch(
      head() + city('  @@index([name], map: "city_name_prefix")\n'),
      [create('city_name_idx', index('public.city', ['name']))],
      facts,
    )
    expect(text).toContain('  @@index([name])\n')
  })

  it.each([
    ['an index', '  @@index([regionId, name])\n', ['region_id']],
    ['the same one backwards', '  @@index([regionId(sort: Desc)])\n', ['region_id']],
    ['a unique key', '  @@unique([regionId, name])\n', ['region_id', 'name']],
    ['an index with its fields named', '  @@index(fields: [regionId], name: "y")\n', ['region_id']],
    ['the primary key', '', ['id']],
  ])('changes nothing when %s already covers it', (_, lines, columns) => {
    const before = head() + city(lines)
    const { text, unchanged } = patch(before, [create('x', index('public.city', columns))])
    expect(text).toBe(before)
    expect(unchanged).toHaveLength(1)
  })

  it.each([
    ['of another type', '  @@index([name], type: Hash)\n', index('public.city', ['name'])],
    [
      'of another order',
      '  @@index([regionId, name(sort: Desc)])\n',
      index('public.city', ['region_id', 'name']),
    ],
    ['that is shorter', '  @@index([regionId])\n', index('public.city', ['region_id', 'name'])],
    ['in a comment', '  // @@index([name])\n', index('public.city', ['name'])],
    ['that is not unique', '  @@index([name])\n', index('public.city', ['name'], { isUnique: true })],
    [
      'on some rows only',
      '  @@index([name], where: raw("id > 5"), map: "y")\n',
      index('public.city', ['name']),
    ],
  ])('does not treat an index as the requested one %s', (_, lines, definition) => {
    expect(patch(head() + city(lines), [create('x', definition)]).applied).toHaveLength(1)
  })

  it('finds the model by table and schema in several files', () => {
    const files = [
      {
        path: 'a.prisma',
        content: 'model City {\n  id Int @id\n  b Int\n\n  @@map("town")\n  @@schema("geo")\n}\n',
      },
      {
        path: 'b.prisma',
        content: 'model Town {\n  id Int @id\n  b Int\n\n  @@map(name: "town")\n  @@schema("public")\n}\n',
      },
      {
        path: 'c.prisma',
        content: 'view Town2 {\n  id Int\n  b Int\n\n  @@map("town")\n}\n\ntype town {\n  b Int\n}\n',
      },
    ]
    const patched = patchPrismaSchema(files, [create('town_b_idx', index('geo.town', ['b']))], postgresql)
    expect(patched.applied.map(({ path }) => path)).toEqual(['a.prisma'])
    expect(patched.files.map(({ content }, at) => content === files[at]?.content)).toEqual([
      false,
      true,
      true,
    ])
  })

  it('sets a name when another index has the default name', () => {
    const before = head() + city('  @@index([name], type: Hash)\n')
    const taken = patch(before, [create('city_name_idx', index('public.city', ['name']))])
    expect(taken.refused.map(({ why }) => why).join()).toContain('city_name_idx is used by another index')
    expect(patch(before, [create('city_name_2_idx', index('public.city', ['name']))]).applied[0]?.line).toBe(
      '@@index([name], map: "city_name_2_idx")',
    )
  })

  it('writes a condition only with the preview feature, and only if Prisma will recognize it', () => {
    const features = '\n  previewFeatures = ["views", "partialIndexes"]'
    const partial = (where: string) => create('x', index('public.city', ['region_id'], { where }))
    const without = patch(head() + city(), [partial('name IS NULL')])
    expect(without.refused).toMatchObject([
      { canMigrate: true, sql: [expect.stringContaining('WHERE name IS NULL')] },
    ])
    const schema = head('postgresql', features) + city()
    expect(patch(schema, [partial(`"status" = 'OPEN'`)]).applied[0]?.line).toBe(
      `@@index([regionId], map: "x", where: raw("\\"status\\" = 'OPEN'"))`,
    )
    for (const where of [
      `code = 'a'`,
      'id = -5',
      `name IN ('a', 'b')`,
      `name = 'a' OR id = 5`,
      'unknown IS NULL',
    ]) {
      expect(patch(schema, [partial(where)]).refused, where).toMatchObject([{ canMigrate: false }])
    }
  })

  it('treats INCLUDE columns as keys, as Prisma does', () => {
    const change = create('x', index('public.city', ['name'], { include: ['region_id'] }))
    const { text, applied } = patch(head() + city(), [change])
    expect(applied[0]?.line).toBe('@@index([name, regionId], map: "x")')
    expect(patch(text, [drop('x', change.index)]).text).toBe(head() + city())
  })

  it('writes the prefix length of a string, and @@fulltext on MySQL', () => {
    const mysql = databaseFacts('mysql')
    const schema = `${head('mysql')}model City {\n  id Int @id\n  body String @db.Text\n}\n`
    const prefix = create('City_body_idx', index('app.City', [{ column: 'body', prefixLength: 40 }]))
    expect(patch(schema, [prefix], mysql).applied[0]?.line).toBe('@@index([body(length: 40)])')
    const fulltext = create('City_body_idx', index('app.City', ['body'], { method: 'fulltext' }))
    expect(patch(schema, [fulltext], mysql).applied[0]?.line).toBe('@@fulltext([body])')
    expect(patch(schema, [create('x', index('app.City', ['body']))], mysql).refused[0]?.why).toContain(
      'length',
    )
  })

  it('removes the line of a dropped index', () => {
    const { text, applied } = patch(head() + city('  @@index([regionId])\n  @@index([name], map: "n")\n'), [
      drop('n', index('public.city', ['name'])),
      drop('city_region_id_idx', index('public.city', ['region_id'])),
    ])
    expect(text).toBe(head() + city())
    expect(applied.map(({ line }) => line)).toEqual(['@@index([name], map: "n")', '@@index([regionId])'])
    expect(
      patch('model A {\n  b Int\n\n  @@index([b])\n}\n', [drop('A_b_idx', index('public.A', ['b']))]).text,
    ).toBe('model A {\n  b Int\n}\n')
  })

  it.each([
    ['is unique', '  @@unique([name], map: "n")\n'],
    ['is on other columns', '  @@index([regionId], map: "n")\n'],
    ['has a comment', '  @@index([name], map: "n") // for search\n'],
    ['is there twice', '  @@index([name], map: "n")\n  @@index([name], map: "n")\n'],
  ])('does not remove an index that %s', (_, lines) => {
    const before = head() + city(lines)
    const { text, refused } = patch(before, [drop('n', index('public.city', ['name']))])
    expect(text).toBe(before)
    expect(refused).toHaveLength(1)
  })

  it.each([
    ['no model of the table', head() + city(), index('public.town', ['name'])],
    [
      'two models of the table',
      head() + city() + city().replace('model City', 'model Town'),
      index('public.city', ['name']),
    ],
    ['no field of the column', head() + city(), index('public.city', ['region'])],
    ['an expression', head() + city(), index('public.city', [{ column: 'name', expression: 'lower(name)' }])],
    ['a model in one line', 'model A { id Int @id }', index('public.A', ['id'])],
    ['braces that do not match', `${head()}model City {\n  id Int @id\n`, index('public.City', ['id'])],
    [
      'operators that are not known',
      head() + city(),
      index('public.city', [{ column: 'data', operatorClass: 'own_ops' }], { method: 'gin' }),
    ],
    [
      'a type that it has no GIN index on',
      head() + city(),
      index('public.city', ['name'], { method: 'gin' }),
    ],
    ['another database', head('mysql') + city(), index('public.city', ['name'])],
    ['what the database has not', head() + city(), index('public.city', ['name'], { method: 'fulltext' })],
  ])('refuses %s', (_, before, definition) => {
    const { text, refused, applied } = patch(before, [create('x', definition)])
    expect(text).toBe(before)
    expect(applied).toEqual([])
    expect(refused[0]?.why).toMatch(/\.$/)
  })
})

describe('prismaProject.takenNames', () => {
  const takenNames = (content: string, of = index('public.other', ['id'])) => [
    ...(prismaProject({ schemaFiles: [{ path: 'schema.prisma', content }] }).takenNames?.(of, postgresql) ??
      []),
  ]

  it('contains the names that the database uses', () => {
    const content =
      head() +
      city('  @@index([regionId])\n  @@unique([name], name: "inTheClient")\n  @@index([name], map: "own")\n')
    expect(takenNames(content)).toEqual([
      'city_region_id_idx',
      'city_name_key',
      'own',
      'city_pkey',
      'Region_pkey',
      'Region_code_key',
    ])
  })

  it('omits the line of the index for which a name is needed', () => {
    const content = head() + city('  @@index([regionId])\n  @@index([name], type: Hash)\n')
    const names = (...keys: Parameters<typeof index>[1]) => takenNames(content, index('public.city', keys))
    expect(names('region_id')).not.toContain('city_region_id_idx')
    expect(names('region_id', 'name')).toContain('city_region_id_idx')
    expect(names('name')).toContain('city_name_idx')
    expect(names({ column: 'region_id', expression: 'abs(region_id)' })).toContain('city_region_id_idx')
  })
})
