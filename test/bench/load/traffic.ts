import { carefulIndexes } from '@sluice/example-atlas/careful-indexes'
import { openClients } from '@sluice/example-atlas/clients'
import { createRandom } from '@sluice/example-atlas/random'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'

/** Per 100 requests. */
const WRITES = 1
const CITIES = 10
/**
 * The share of the others: countries with their regions by Prisma, and reports on them by Knex. Neither reads
 * written rows; every city's page does.
 */
const COUNTRIES = 0.6

const SEED = 5
/** Number of popular requests that are drawn in advance; they repeat. */
const DRAWN = 20_000
const USERS = 200
/** The length of country pages depends on this number of regions. */
const MAX_REGIONS = 60

export const TRAFFIC = `${100 - CITIES - WRITES} % countries and reports on them, ${CITIES} % random cities, ${WRITES} % reviews`

/** The requests of visitors. */
export interface Traffic {
  /** Paths of popular pages, as often as they are popular, in the order of the requests. */
  readonly popular: readonly string[]
  /**
   * A random city, to be read or reviewed, is one of `1` to this number. Its page consists of its reviews,
   * and of much popular data.
   */
  readonly cities: number
}

/** @param file - The loaded database. */
export async function planTraffic(file: string): Promise<Traffic> {
  const clients = openClients({ kind: 'sqlite', file }, new StatementCounter())
  try {
    const { db } = clients
    const countries: { code: string }[] = await db('regions')
      .select('country_code as code')
      .groupBy('country_code')
      .havingRaw('COUNT(*) BETWEEN 2 AND ?', [MAX_REGIONS])
      .orderByRaw('COUNT(*) DESC, country_code')
    const [{ cities } = { cities: 0 }]: { cities: number }[] = await db('cities').max('id as cities')
    const random = createRandom(SEED)
    const popular = Array.from(
      { length: DRAWN },
      () =>
        `${random.next() < COUNTRIES ? '/countries' : '/reports/regions'}/${random.pickPopular(countries).code}`,
    )
    return { popular, cities }
  } finally {
    await clients.close()
  }
}

/**
 * No requests start for this long, until all clients are connected: a busy Node accepts one connection per
 * event-loop tick, and the others starve.
 */
export const CONNECT_MS = 1_500

/** The `wrk` script that sends these requests. It prints JSON at the end. */
export function wrkScript({ popular, cities }: Traffic, seed: number, connections: number): string {
  return `
local popular, asked = {}, ${Math.floor(createRandom(seed).next() * popular.length)}
local paths = { ${popular.map((path) => JSON.stringify(path)).join(', ')} }
local json = { ['content-type'] = 'application/json' }
init = function()
  math.randomseed(${seed})
  for i, path in ipairs(paths) do popular[i] = wrk.format('GET', path) end
end
request = function()
  local which = math.random(100)
  if which <= ${WRITES} then
    local body = '{"userId":' .. math.random(${USERS}) .. ',"rating":' .. math.random(5) .. ',"body":"Under load."}'
    return wrk.format('POST', '/cities/' .. math.random(${cities}) .. '/reviews', json, body)
  end
  if which <= ${WRITES + CITIES} then return wrk.format('GET', '/cities/' .. math.random(${cities})) end
  asked = asked % #popular + 1
  return popular[asked]
end
local opened = 0
delay = function()
  if opened >= ${connections} then return 0 end
  opened = opened + 1
  return ${CONNECT_MS}
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"durationUs":%d,"bytes":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,"refused":%d,"broken":%d,"late":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    e.status, e.connect + e.read + e.write, e.timeout))
end
`
}

/** Creates the indexes that the app needs, which its database lacks on purpose. */
export async function createIndexes(file: string): Promise<void> {
  const clients = openClients({ kind: 'sqlite', file }, new StatementCounter())
  try {
    for (const { table, columns } of carefulIndexes('sqlite'))
      await clients.db.schema.alterTable(table, (of) => of.index([...columns]))
    await clients.db.raw('ANALYZE')
  } finally {
    await clients.close()
  }
}
