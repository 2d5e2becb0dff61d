import type { GeneratorOptions } from '@prisma/generator-helper'
import { describe, expect, it } from 'vitest'
import { schemaDataFromDmmf } from '../../src/schema/from-dmmf.ts'

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
