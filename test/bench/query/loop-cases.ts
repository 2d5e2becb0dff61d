import type { Clients } from './clients.ts'
import { rowLoader, rowsLoader } from './loaders.ts'
import { type ByHand, inTurn, type QueryCase, together } from './query-case.ts'

export type Row = Readonly<Record<string, unknown>>
type TableName = 'countries' | 'regions' | 'districts' | 'cities'
type Id = number | undefined

/** The queries of the loops, in one query builder. Rows have the columns of the database. */
export interface LoopQueries {
  /** The parents of a loop, ordered by `id`. */
  parents(table: TableName): PromiseLike<readonly Row[]>
  one(table: TableName, id: number): PromiseLike<Row | undefined>
  many(table: TableName, ids: number[]): PromiseLike<readonly Row[]>
  /** The cities of districts, ordered by `id`. */
  citiesIn(districts: number | number[]): PromiseLike<readonly Row[]>
}

/**
 * The same loops for each query builder: without fixes, with one query per level, and with DataLoader.
 *
 * @param queriesOf - The queries on the clients of a contender.
 */
export function loopCases(
  id: string,
  title: string,
  queriesOf: (clients: Clients) => LoopQueries,
  more: Pick<QueryCase, 'isOnServers'> = {},
): readonly QueryCase[] {
  // The loops do not differ between query builders, so quick runs measure one loop of each further one.
  const quick = id === 'knex' ? ['parallel-to-one', 'to-one', 'to-many'] : ['to-one']
  const one = (clients: Clients, table: TableName, at: unknown) =>
    queriesOf(clients).one(table, Number(at ?? 0))
  const districtOf = (clients: Clients) => (city: Row) => one(clients, 'districts', city.district_id)
  const citiesIn = (clients: Clients) => (district: Row) => queriesOf(clients).citiesIn(Number(district.id))
  const byHand = handFixes(queriesOf)
  const cases: readonly QueryCase[] = [
    {
      id: 'parallel-to-one',
      title: 'parallel to-one',
      isQuick: true,
      naive: async (clients) => together(await queriesOf(clients).parents('cities'), districtOf(clients)),
      ...byHand.toOne,
    },
    {
      id: 'parallel-to-many',
      title: 'parallel to-many',
      naive: async (clients) => together(await queriesOf(clients).parents('districts'), citiesIn(clients)),
      ...byHand.toMany,
    },
    {
      id: 'to-one',
      title: 'sequential to-one',
      isQuick: true,
      naive: async (clients) => inTurn(await queriesOf(clients).parents('cities'), districtOf(clients)),
      ...byHand.toOne,
    },
    {
      id: 'to-many',
      title: 'sequential to-many',
      naive: async (clients) => inTurn(await queriesOf(clients).parents('districts'), citiesIn(clients)),
      ...byHand.toMany,
    },
    {
      id: 'three-levels',
      title: 'three levels',
      naive: async (clients) =>
        inTurn(await queriesOf(clients).parents('cities'), async (city) => {
          const district = await districtOf(clients)(city)
          const region = await one(clients, 'regions', district?.region_id)
          return { district, region, country: await one(clients, 'countries', region?.country_id) }
        }),
      include: byHand.threeLevels,
    },
  ]
  return cases.map((each) => ({
    ...each,
    ...more,
    id: `${id}.${each.id}`,
    title: `${title}, ${each.title}`,
    ...(quick.includes(each.id) ? {} : { isOmittedInQuickRuns: true }),
  }))
}

/** The equivalents of `include` and of DataLoader. */
function handFixes(queriesOf: (clients: Clients) => LoopQueries): {
  readonly toOne: ByHand
  readonly toMany: ByHand
  readonly threeLevels: NonNullable<QueryCase['include']>
} {
  const unique = (ids: readonly Id[]) => [...new Set(ids)].filter((id) => id !== undefined)
  const idsOf = (rows: readonly (Row | undefined)[], column: string) =>
    rows.map((row) => (row === undefined ? undefined : Number(row[column])))
  /** The rows of a level in one query. */
  async function levelOf(
    clients: Clients,
    table: TableName,
    ids: readonly Id[],
  ): Promise<readonly (Row | undefined)[]> {
    const rows = new Map((await queriesOf(clients).many(table, unique(ids))).map((row) => [row.id, row]))
    return ids.map((id) => rows.get(id))
  }
  return {
    toOne: {
      async include(clients) {
        const cities = await queriesOf(clients).parents('cities')
        return levelOf(clients, 'districts', idsOf(cities, 'district_id'))
      },
      async loader(clients) {
        const queries = queriesOf(clients)
        const load = rowLoader(
          (keys: number[]) => queries.many('districts', keys),
          ({ id }) => Number(id),
        )
        return together(await queries.parents('cities'), (city) => load(Number(city.district_id)))
      },
    },
    toMany: {
      async include(clients) {
        const queries = queriesOf(clients)
        const districts = await queries.parents('districts')
        const cities = await queries.citiesIn(unique(idsOf(districts, 'id')))
        return districts.map(({ id }) => cities.filter(({ district_id }) => district_id === id))
      },
      async loader(clients) {
        const queries = queriesOf(clients)
        const load = rowsLoader(
          (keys) => queries.citiesIn(keys),
          ({ district_id }) => Number(district_id),
        )
        return together(await queries.parents('districts'), ({ id }) => load(Number(id)))
      },
    },
    async threeLevels(clients) {
      const cities = await queriesOf(clients).parents('cities')
      const districts = await levelOf(clients, 'districts', idsOf(cities, 'district_id'))
      const regions = await levelOf(clients, 'regions', idsOf(districts, 'region_id'))
      const countries = await levelOf(clients, 'countries', idsOf(regions, 'country_id'))
      return cities.map((_, at) => ({ district: districts[at], region: regions[at], country: countries[at] }))
    },
  }
}
