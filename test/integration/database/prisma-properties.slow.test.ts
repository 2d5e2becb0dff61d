import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import { indexName } from '../../../packages/core/src/database/fixes/index-name.ts'
import { planFixFiles } from '../../../packages/core/src/database/fixes/project-format.ts'
import type { SchemaChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import { patchPrismaSchema } from '../../../packages/prisma/src/project/patch-prisma-schema.ts'
import { prismaProject } from '../../../packages/prisma/src/project/prisma-project.ts'
import { cpuNow } from '../../support/own-clock.ts'

const facts: DatabaseFacts = {
  product: 'postgresql',
  defaultSchema: 'public',
  tables: [],
  versionParts: [17, 0, 0],
}

const columns = ['id', 'a', 'b_col', 'c', 'd_col'] as const

/** A suffix of a line, or a separate line, that has no structure. */
const noise = fc.constantFrom(
  '',
  ' // plain',
  ' // } { @@index([a]) "',
  ' /// doc "unclosed',
  ' // model A {',
  ' /* { " */',
)

const defaultValue = fc.constantFrom(
  '',
  ' @default("{}")',
  ' @default("// no comment")',
  ' @default("\\" }")',
  ' @default(dbgenerated("\'{\'::text"))',
)

const attribute = fc.constantFrom(
  '@@index([a])',
  '@@index([b, a(sort: Desc)])',
  '@@index(fields: [c], map: "own")',
  '@@index([c], type: Hash)',
  '@@unique([a, c])',
  '@@unique([b], name: "x", map: "y")',
  '@@map("t")',
  '@@ignore',
  '// @@index([c])',
  '',
)

const model = (name: string) =>
  fc
    .record({
      indent: fc.constantFrom('  ', '\t', '    '),
      noise: fc.array(noise, { minLength: 8, maxLength: 8 }),
      defaults: fc.array(defaultValue, { minLength: 4, maxLength: 4 }),
      attributes: fc.uniqueArray(attribute, { maxLength: 5 }),
      hasBlank: fc.boolean(),
    })
    .map(({ indent, noise: ends, defaults, attributes, hasBlank }) => {
      const map = attributes.includes('@@map("t")') ? [] : name === 'T' ? ['@@map("t")'] : []
      const own = name === 'T' ? attributes : attributes.filter((one) => one !== '@@map("t")')
      const lines = [
        `id Int @id${ends[0]}`,
        `a String${defaults[0]}${ends[1]}`,
        `b String @map("b_col")${defaults[1]}${ends[2]}`,
        `c String?${defaults[2]}${ends[3]}`,
        `d String @map(name: "d_col")${defaults[3]}${ends[4]}`,
        ...(hasBlank ? [''] : []),
        ...own.map((one, at) => (one === '' || one.startsWith('//') ? one : `${one}${ends[5 + (at % 3)]}`)),
        ...map,
      ]
      return `model ${name} {${ends[7]}\n${lines.map((line) => (line === '' ? '' : indent + line)).join('\n')}\n}\n`
    })

const schema = fc
  .record({
    before: noise,
    models: fc.tuple(model('Other'), model('T'), model('Last')),
    isWindows: fc.boolean(),
    order: fc.boolean(),
  })
  .map(({ before, models, isWindows, order }) => {
    const text = [
      'datasource db {\n  provider = "postgresql"\n}\n',
      `${before}\n`,
      ...(order ? models : [...models].reverse()),
    ].join('\n')
    return isWindows ? text.replaceAll('\n', '\r\n') : text
  })

const changes = fc
  .array(
    fc.record({
      columns: fc.uniqueArray(fc.constantFrom(...columns), { minLength: 1, maxLength: 3 }),
      isDescending: fc.boolean(),
      isUnique: fc.boolean(),
      isDrop: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      table: fc.constantFrom('t', 'Other'),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((wanted): SchemaChange[] => {
    const taken: string[] = []
    return wanted.map(({ columns: named, isDescending, isUnique, isDrop, table }) => {
      const keys = named.map((column, at) => ({
        column,
        isDescending: isDescending && at === named.length - 1,
      }))
      const index = { table: `public.${table}`, keys, method: 'btree' as const, isUnique }
      const name = indexName(index, taken, facts)
      taken.push(name)
      return { kind: isDrop ? 'drop-index' : 'create-index', name, index }
    })
  })

const patch = (text: string, wanted: readonly SchemaChange[]) => {
  const { files, ...rest } = patchPrismaSchema([{ path: 'schema.prisma', content: text }], wanted, facts)
  return { text: files[0]?.content ?? '', ...rest }
}

describe('patchPrismaSchema on any schema', () => {
  it('changes nothing when it runs again', () => {
    fc.assert(
      fc.property(schema, changes, (text, wanted) => {
        const once = patch(text, wanted)
        const again = patch(once.text, wanted)
        expect(again.text).toBe(once.text)
        expect(again.applied).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('inserts whole lines and changes no other byte', () => {
    fc.assert(
      fc.property(
        schema,
        changes.map((wanted) => wanted.filter(({ kind }) => kind === 'create-index')),
        (text, wanted) => {
          const { text: patched, applied } = patch(text, wanted)
          const eol = text.includes('\r\n') ? '\r\n' : '\n'
          const [before, after] = [text.split(eol), patched.split(eol)]
          const inserted: string[] = []
          let at = 0
          for (const line of after) {
            if (line === before[at]) at += 1
            else inserted.push(line.trim())
          }
          expect(at).toBe(before.length)
          expect(inserted.filter((line) => line !== '').sort()).toEqual(
            applied.map(({ line }) => line).sort(),
          )
        },
      ),
      { numRuns: 500 },
    )
  })

  it('puts a line in the model of the table', () => {
    fc.assert(
      fc.property(schema, changes, (text, wanted) => {
        const { text: patched, applied } = patch(text, wanted)
        const count = (whole: string, name: string) => {
          const body = whole.slice(whole.indexOf(`model ${name} {`) + 1).replace(/\r/g, '')
          return body.slice(0, body.indexOf('\n}\n')).split('\n').length
        }
        const grown = (name: string) => count(patched, name) - count(text, name)
        expect(grown('Last')).toBe(0)
        if (!applied.some(({ change }) => change.index.table === 'public.t')) expect(grown('T')).toBe(0)
        if (!applied.some(({ change }) => change.index.table === 'public.Other'))
          expect(grown('Other')).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('rejects or patches malformed schemas and never throws', () => {
    const broken = fc
      .tuple(
        schema,
        fc.nat(2000),
        fc.nat(60),
        fc.constantFrom('', '"', '{', '}', '(', ']', '/*', '//', '\\', '@@', '\n', '\u0000', '\ud800'),
      )
      .map(
        ([text, at, length, put]) =>
          text.slice(0, at % text.length) + put + text.slice((at % text.length) + length),
      )
    fc.assert(
      fc.property(fc.oneof(broken, fc.string()), changes, (text, wanted) => {
        const { applied, unchanged, refused } = patch(text, wanted)
        expect(applied.length + unchanged.length + refused.length).toBe(wanted.length)
        const project = prismaProject({ schemaFiles: [{ path: 'a', content: text }], migrationsDir: 'm' })
        planFixFiles(wanted, project, facts, new Date(0))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads long malformed schemas quickly', () => {
    for (const piece of ['"', '/*', '{', '(', '@@index([', 'model A {\n', '@map(', '\\"', '//']) {
      const started = cpuNow()
      patch(piece.repeat(20_000), [
        {
          kind: 'create-index',
          name: 'x',
          index: { table: 'public.A', keys: [{ column: 'a' }], method: 'btree', isUnique: false },
        },
      ])
      expect(cpuNow() - started, piece).toBeLessThan(2_000)
    }
  })
})
