import type { Knex } from 'knex'
import { createRandom, type Random } from './random.ts'

export interface PlannedRequest {
  /** As Express has it, with its method: `GET /cities/:id`. */
  readonly route: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
}

const MIN_CITIES = 100
const MAX_COUNTRY_REGIONS = 60
const POPULAR_CITIES = 400
const USERS = 200
const FIRST_REVIEW = Date.UTC(2026, 0, 1)
const MAX_GAP_MS = 3_600_000
const NAMES = 'San Santa New Saint Bad Villa Port Al Nova Ober La Puerto Kota Fort Sankt North Monte Los Lake Mount'.split(' ')

interface Places {
  /** Codes of the countries with 2 to `MAX_COUNTRY_REGIONS` regions, those with most cities first. */
  readonly countries: readonly string[]
  /** Codes of the regions with at least `MIN_CITIES` cities, the largest first. */
  readonly regions: readonly string[]
  /** The cities with most reviews first. */
  readonly cities: readonly { readonly id: number; readonly region: string }[]
}

type Planner = (places: Places, random: Random) => PlannedRequest

/** Of a hundred requests, how many go where; writes come on top. */
const READS: readonly (readonly [share: number, plan: Planner])[] = [
  [28, ({ regions }, random) => get('/regions/:code/cities', random.pickPopular(regions))],
  [30, ({ cities }, random) => get('/cities/:id', random.pickPopular(cities).id)],
  [16, (_, random) => ({ ...get('/search'), path: `/search?q=${random.pickPopular(NAMES)}` })],
  [10, ({ countries }, random) => get('/countries/:code', random.pickPopular(countries))],
  [6, ({ countries }, random) => get('/reports/regions/:countryCode', random.pickPopular(countries))],
  [4, () => get('/reports/reviewers')],
  [4, () => get('/reports/top-rated')],
  [2, () => get('/cities/:id', 999_999_999)],
]
const WRITE_SHARE = 0.11

/**
 * The demo's list of requests: popular places come often, about one in ten is a write, and what is written is read back.
 *
 * @param db - The loaded database.
 * @param seed - The same seed and data give the same list.
 */
export async function planRequests(db: Knex, count: number, seed: number): Promise<PlannedRequest[]> {
  const places = await findPlaces(db)
  const random = createRandom(seed)
  const requests: PlannedRequest[] = []
  let time = FIRST_REVIEW
  while (requests.length < count) {
    if (random.next() < WRITE_SHARE) {
      time += 1 + random.below(MAX_GAP_MS)
      requests.push(...planReview(places, random, new Date(time)))
    } else {
      requests.push(planRead(places, random))
    }
  }
  return requests.slice(0, count)
}

function planRead(places: Places, random: Random): PlannedRequest {
  let left = random.below(READS.reduce((sum, [share]) => sum + share, 0))
  for (const [share, plan] of READS) {
    if (left < share) return plan(places, random)
    left -= share
  }
  throw new RangeError('The shares do not add up.')
}

/** A review and the reads that must show it. One in ten has no valid rating and is refused. */
function planReview({ cities }: Places, random: Random, time: Date): PlannedRequest[] {
  const city = random.pickPopular(cities)
  const rating = random.below(10) === 0 ? 6 : 1 + random.below(5)
  const body = { userId: 1 + random.below(USERS), rating, body: `Seen in ${time.getUTCFullYear()}.`, createdAt: time.toISOString() }
  const post = { route: 'POST /cities/:id/reviews', method: 'POST', path: `/cities/${city.id}/reviews`, body } as const
  const readBack = get('/cities/:id', city.id)
  return random.below(2) === 0 ? [post, readBack] : [post, readBack, get('/regions/:code/cities', city.region)]
}

function get(pattern: string, parameter?: string | number): PlannedRequest {
  return { route: `GET ${pattern}`, method: 'GET', path: pattern.replace(/:\w+/, String(parameter)) }
}

async function findPlaces(db: Knex): Promise<Places> {
  const countries = await db('cities as c')
    .join('regions as r', 'r.id', 'c.region_id')
    .select('c.country_code')
    .groupBy('c.country_code')
    .havingRaw('COUNT(DISTINCT r.id) BETWEEN 2 AND ?', [MAX_COUNTRY_REGIONS])
    .orderByRaw('COUNT(*) DESC, c.country_code')
  const regions = await db('cities as c')
    .join('regions as r', 'r.id', 'c.region_id')
    .select('r.code')
    .groupBy('r.id', 'r.code')
    .havingRaw('COUNT(*) >= ?', [MIN_CITIES])
    .orderByRaw('COUNT(*) DESC, r.id')
  const cities = await db('reviews as v')
    .join('cities as c', 'c.id', 'v.city_id')
    .join('regions as r', 'r.id', 'c.region_id')
    .select('c.id', 'r.code as region')
    .groupBy('c.id', 'r.code')
    .orderByRaw('COUNT(*) DESC, c.id')
    .limit(POPULAR_CITIES)
  return { countries: countries.map((row) => row.country_code), regions: regions.map((row) => row.code), cities }
}
