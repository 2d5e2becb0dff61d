import { type LoopQueries, loopCases } from './loop-cases.ts'
import type { QueryCase } from './query-case.ts'
import { PARENTS } from './rows.ts'

export const kyselyCases: readonly QueryCase[] = loopCases(
  'kysely',
  'Kysely',
  ({ kysely }): LoopQueries => ({
    parents: (table) =>
      kysely.selectFrom(table).selectAll().where('id', '<=', PARENTS).orderBy('id').execute(),
    one: (table, id) => kysely.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirst(),
    many: (table, ids) => kysely.selectFrom(table).selectAll().where('id', 'in', ids).execute(),
    citiesIn(districts) {
      const cities = kysely.selectFrom('cities').selectAll().orderBy('id')
      return Array.isArray(districts)
        ? cities.where('district_id', 'in', districts).execute()
        : cities.where('district_id', '=', districts).execute()
    },
  }),
)
