import { type LoopQueries, loopCases, type Row } from './loop-cases.ts'
import type { QueryCase } from './query-case.ts'
import { PARENTS } from './rows.ts'

export const knexCases: readonly QueryCase[] = loopCases(
  'knex',
  'Knex',
  ({ db }): LoopQueries => ({
    parents: (table) => db<Row>(table).where('id', '<=', PARENTS).orderBy('id'),
    one: (table, id) => db<Row>(table).where({ id }).first(),
    many: (table, ids) => db<Row>(table).whereIn('id', ids),
    citiesIn: (districts) =>
      (Array.isArray(districts)
        ? db<Row>('cities').whereIn('district_id', districts)
        : db<Row>('cities').where({ district_id: districts })
      ).orderBy('id'),
  }),
)
