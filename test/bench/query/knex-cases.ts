import type { Knex } from 'knex'
import { rowLoader, rowsLoader } from './loaders.ts'
import { type ByHand, inTurn, type QueryCase, together } from './query-case.ts'
import { PARENTS } from './rows.ts'

type Row = Readonly<Record<string, number>>

const first = (db: Knex, table: string) => db<Row>(table).where('id', '<=', PARENTS).orderBy('id')
const one = (db: Knex, table: string, id: number | undefined) =>
  db<Row>(table)
    .where({ id: id ?? 0 })
    .first()
const districtOf = (db: Knex) => (city: Row) => one(db, 'districts', city.district_id)
const citiesIn = (db: Knex) => (district: Row) =>
  db<Row>('cities')
    .where({ district_id: district.id ?? 0 })
    .orderBy('id')

const inTable = (db: Knex, table: string, ids: readonly (number | undefined)[]) =>
  db<Row>(table).whereIn('id', [...new Set(ids)] as number[])
const tableLoader = (db: Knex, table: string) =>
  rowLoader(
    (keys: number[]) => inTable(db, table, keys),
    ({ id }) => id ?? 0,
  )

/** The equivalent of `include`: the rows of a level in one query. */
async function levelOf(
  db: Knex,
  table: string,
  ids: readonly (number | undefined)[],
): Promise<(id: number | undefined) => Row | undefined> {
  const rows = new Map((await inTable(db, table, ids)).map((row) => [row.id, row]))
  return (id) => rows.get(id)
}

const toOneByHand: ByHand = {
  async include({ db }) {
    const ids = (await first(db, 'cities')).map(({ district_id }) => district_id)
    return ids.map(await levelOf(db, 'districts', ids))
  },
  async loader({ db }) {
    const load = tableLoader(db, 'districts')
    return together(await first(db, 'cities'), ({ district_id }) => load(district_id ?? 0))
  },
}

const toManyByHand: ByHand = {
  async include({ db }) {
    const districts = await first(db, 'districts')
    const cities = await citiesOfAll(
      db,
      districts.map(({ id }) => id),
    )
    return districts.map(({ id }) => cities.filter(({ district_id }) => district_id === id))
  },
  async loader({ db }) {
    const load = rowsLoader(
      (keys) => citiesOfAll(db, keys),
      ({ district_id }) => district_id ?? 0,
    )
    return together(await first(db, 'districts'), ({ id }) => load(id ?? 0))
  },
}

function citiesOfAll(db: Knex, ids: readonly (number | undefined)[]) {
  return db<Row>('cities')
    .whereIn('district_id', ids as number[])
    .orderBy('id')
}

export const knexCases: readonly QueryCase[] = [
  {
    id: 'knex.parallel-to-one',
    title: 'Knex, parallel to-one',
    isQuick: true,
    naive: async ({ db }) => together(await first(db, 'cities'), districtOf(db)),
    ...toOneByHand,
  },
  {
    id: 'knex.parallel-to-many',
    title: 'Knex, parallel to-many',
    naive: async ({ db }) => together(await first(db, 'districts'), citiesIn(db)),
    ...toManyByHand,
  },
  {
    id: 'knex.to-one',
    title: 'Knex, sequential to-one',
    isQuick: true,
    naive: async ({ db }) => inTurn(await first(db, 'cities'), districtOf(db)),
    ...toOneByHand,
  },
  {
    id: 'knex.to-many',
    title: 'Knex, sequential to-many',
    naive: async ({ db }) => inTurn(await first(db, 'districts'), citiesIn(db)),
    ...toManyByHand,
  },
  {
    id: 'knex.three-levels',
    title: 'Knex, three levels',
    naive: async ({ db }) =>
      inTurn(await first(db, 'cities'), async (city) => {
        const district = await districtOf(db)(city)
        const region = await one(db, 'regions', district?.region_id)
        return { district, region, country: await one(db, 'countries', region?.country_id) }
      }),
    async include({ db }) {
      const cities = await first(db, 'cities')
      const districts = cities.map(({ district_id }) => district_id)
      const districtAt = await levelOf(db, 'districts', districts)
      const regions = districts.map((id) => districtAt(id)?.region_id)
      const regionAt = await levelOf(db, 'regions', regions)
      const countries = regions.map((id) => regionAt(id)?.country_id)
      const countryAt = await levelOf(db, 'countries', countries)
      return cities.map((_, at) => ({
        district: districtAt(districts[at]),
        region: regionAt(regions[at]),
        country: countryAt(countries[at]),
      }))
    },
  },
]
