import type { Mode } from '@sluice/core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Database } from '../../support/databases.ts'
import { knexResolvers, prismaResolvers, typeDefs, WATERFALL } from './naive-resolvers.ts'
import { createPlaces, openPlaces, type Places } from './places.ts'
import { type ServerKind, servers } from './servers.ts'

const LEVELS = ['countries', 'regions', 'cities', 'reviews', 'users']
const ONCE = [1, 1, 1, 1, 1]
const { postgres } = inject('services')
const kinds = [
  { dialect: 'sqlite' as const, skipped: false },
  { dialect: 'postgresql' as const, skipped: 'skipped' in postgres },
]
const orms = [
  { orm: 'Prisma', resolvers: prismaResolvers },
  { orm: 'Knex', resolvers: knexResolvers },
]

for (const { dialect, skipped } of kinds) {
  describe.skipIf(skipped)(`naive resolvers on ${dialect}`, () => {
    let database: Database
    const table: string[] = []
    beforeAll(async () => {
      database = await createPlaces(dialect)
    })
    afterAll(async () => {
      process.stdout.write(`\nqueries by level on ${dialect}: ${LEVELS.join(' → ')}\n${table.join('\n')}\n`)
      await database?.drop()
    })

    for (const { orm, resolvers } of orms) {
      it.each(servers)(
        `of ${orm} send one query per level in optimize mode, with unchanged results, in $name`,
        async ({ name, start }) => {
          const { answers: bare, queries: before } = await ask('observe', start, resolvers, 1)
          // Mercurius compiles repeated queries.
          const { answers, queries } = await ask('optimize', start, resolvers, 3)
          table.push(
            `${orm.padEnd(7)}${name.padEnd(14)} ${before[0]?.join(' → ')}   with Sluice ${queries[0]?.join(' → ')}`,
          )
          expect(answers).toEqual([bare[0], bare[0], bare[0]])
          expect(queries).toEqual([ONCE, ONCE, ONCE])
          const [countries, regions, cities, reviews, users = 0] = before[0] ?? []
          expect([countries, regions, cities, reviews]).toEqual([1, 3, 12, 60])
          // Prisma batches `findUnique` calls of one tick, so their number depends on the timing of earlier
          // results.
          if (orm === 'Knex') expect(users).toBe(120)
          else if (dialect === 'sqlite') expect(users).toBe(1)
        },
      )
    }

    async function ask(
      mode: Mode,
      start: ServerKind['start'],
      resolvers: (places: Places) => Record<string, object>,
      times: number,
    ) {
      const places = await openPlaces(database, mode)
      const server = await start({
        typeDefs: [typeDefs],
        resolvers: [resolvers(places)],
        sluice: places.sluice,
      })
      const answers: unknown[] = []
      const queries: number[][] = []
      try {
        for (let time = 0; time < times; time += 1) {
          answers.push((await server.ask(WATERFALL)).body)
          const taken = places.takeByTable()
          queries.push(LEVELS.map((level) => taken[level] ?? 0))
        }
      } finally {
        await server.close()
        await places.close()
      }
      return { answers, queries }
    }
  })
}
