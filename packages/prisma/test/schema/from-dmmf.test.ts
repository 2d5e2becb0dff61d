import type { GeneratorOptions } from '@prisma/generator-helper'
import { describe, expect, it } from 'vitest'
import { readDatamodelText, schemaDataFromDmmf } from '../../src/schema/from-dmmf.ts'

/** Reduced generator options of Prisma, with the fields that Sluice reads. */
function options(provider: string, models: readonly object[], datamodel = ''): GeneratorOptions {
  return {
    dmmf: { datamodel: { models } },
    datasources: [{ activeProvider: provider }],
    datamodel,
  } as unknown as GeneratorOptions
}

const field = (name: string, more: object = {}) => ({
  name,
  kind: 'scalar',
  type: 'Int',
  isList: false,
  isRequired: true,
  ...more,
})
const model = (name: string, fields: readonly object[], more: object = {}) => ({
  name,
  dbName: null,
  schema: null,
  primaryKey: null,
  uniqueIndexes: [],
  ...more,
  fields,
})

describe('schemaDataFromDmmf', () => {
  it('contains names, keys and relations', () => {
    const relation = {
      kind: 'object',
      type: 'B',
      relationName: 'r',
      relationFromFields: ['bId'],
      relationToFields: ['id'],
      relationOnDelete: 'Cascade',
    }
    const data = schemaDataFromDmmf(
      options('sqlite', [
        model(
          'A',
          [
            field('id', { isId: true, dbName: 'a_id' }),
            field('u', { isUnique: true, type: 'String', nativeType: ['Uuid', []] }),
            field('b', relation),
          ],
          {
            dbName: 'as',
            schema: 's',
            uniqueIndexes: [{ name: null, fields: ['id', 'u'] }],
          },
        ),
      ]),
    )
    expect(data).toEqual({
      version: 1,
      provider: 'sqlite',
      relationMode: 'foreignKeys',
      models: [
        {
          name: 'A',
          table: 'as',
          schema: 's',
          fields: [
            {
              name: 'id',
              column: 'a_id',
              type: 'Int',
              kind: 'scalar',
              list: false,
              required: true,
              id: true,
            },
            {
              name: 'u',
              column: 'u',
              type: 'String',
              kind: 'scalar',
              nativeType: 'Uuid',
              list: false,
              required: true,
              unique: true,
            },
            {
              name: 'b',
              column: 'b',
              type: 'B',
              kind: 'object',
              list: false,
              required: true,
              relation: { name: 'r', fromFields: ['bId'], toFields: ['id'], onDelete: 'Cascade' },
            },
          ],
          primaryKey: { fields: ['id'] },
          uniqueKeys: [{ fields: ['u'] }, { fields: ['id', 'u'] }],
        },
      ],
    })
  })

  it('keeps the name of a compound primary key', () => {
    const compound = model('A', [field('x'), field('y')], {
      primaryKey: { name: 'spot', fields: ['x', 'y'] },
    })
    expect(schemaDataFromDmmf(options('mysql', [compound])).models[0]?.primaryKey).toEqual({
      name: 'spot',
      fields: ['x', 'y'],
    })
  })

  it('reads views and relationMode from the schema file', () => {
    const text =
      'datasource db {\n  relationMode = "prisma"\n}\nview V {\n  x Int\n}\nmodel M {\n  id Int @id\n}\n'
    const data = schemaDataFromDmmf(
      options('postgresql', [model('V', [field('x')]), model('M', [field('id', { isId: true })])], text),
    )
    expect(data.relationMode).toBe('prisma')
    expect(data.models.map(({ view }) => view)).toEqual([true, undefined])
  })

  it.each(['mongodb', 'sqlserver'])('throws for the provider %s and names it', (provider) => {
    expect(() => schemaDataFromDmmf(options(provider, []))).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_CATALOG', message: expect.stringContaining(provider) }),
    )
  })
})

describe('readDatamodelText', () => {
  it('finds views and ignores comments', () => {
    const text =
      'model A {\n  id Int @id // view B {\n}\n/* \nview C {\n*/\n// view D {\nview Real {\n  id Int\n}\n  view  Other{\n}'
    expect([...readDatamodelText(text).views]).toEqual(['Real', 'Other'])
  })

  it('ignores comment markers in a string', () => {
    const text =
      'model A {\n  url String @default("http://x /* ")\n}\nview V {\n  note String @default("*/")\n}'
    expect([...readDatamodelText(text).views]).toEqual(['V'])
  })

  it('reads relationMode of the datasource', () => {
    expect(
      readDatamodelText('datasource db {\n  provider     = "mysql"\n  relationMode = "prisma"\n}')
        .relationMode,
    ).toBe('prisma')
    expect(
      readDatamodelText('datasource db {\n  provider = "mysql"\n  // relationMode = "prisma"\n}')
        .relationMode,
    ).toBe('foreignKeys')
    expect(
      readDatamodelText('generator g {\n  relationMode = "prisma"\n}\ndatasource db {\n}').relationMode,
    ).toBe('foreignKeys')
  })

  it.each([
    ['prisma-client', true],
    ['prisma-client-js', false],
    ['./custom-client', false],
  ])('determines the language of the client of %s', (provider, typescript) => {
    const text = `generator client {\n  output   = "../out"\n  provider = "${provider}"\n}\ngenerator sluice {\n  provider = "sluice-prisma-generator"\n}\n`
    expect(readDatamodelText(text)).toMatchObject({ typescript })
  })

  it('ignores a client in a comment', () => {
    const text =
      'generator client {\n  // provider = "prisma-client"\n  provider = "prisma-client-js"\n}\n// generator b {\n//   provider = "prisma-client"\n// }\n'
    expect(readDatamodelText(text)).toMatchObject({ typescript: false })
  })
})
