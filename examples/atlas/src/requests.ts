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
const USERS = 200
const FIRST_REVIEW = Date.UTC(2026, 0, 1)
const MAX_GAP_MS = 3_600_000
const NAMES =
  'San Santa New Saint Bad Villa Port Al Nova Ober La Puerto Kota Fort Sankt North Monte Los Lake Mount'.split(
    ' ',
  )
/** Visitors who are on the site at the same time. */
const VISITORS = 5
const MAX_CITIES_SEEN = 4
const BACK_TO_LIST_SHARE = 0.5
const REVIEW_SHARE = 0.2
const READ_LIST_BACK_SHARE = 0.5
const INVALID_SHARE = 0.1

/** The requests in one line. */
export const TRAFFIC =
  "visitors, five at a time: they search, read a region's list and some of its cities, go back; one in five leaves a review"

interface Places {
  /** Codes of the countries with 2 to `MAX_COUNTRY_REGIONS` regions, those with most cities first. */
  readonly countries: readonly string[]
  /**
   * The regions with at least `MIN_CITIES` cities, the largest first; each with its cities that have reviews,
   * those with most first.
   */
  readonly regions: readonly { readonly code: string; readonly cities: readonly number[] }[]
}

interface Plan {
  readonly places: Places
  readonly random: Random
  /** Gives each review a later time than the last. */
  nextTime(): Date
}

type Region = Places['regions'][number]
type Visit = (plan: Plan) => PlannedRequest[]

/** Percentage of visits by kind. */
const VISITS: readonly (readonly [share: number, visit: Visit])[] = [
  [40, (plan) => [search(plan), ...browse(plan, pickRegion(plan))]],
  [20, enterByCountry],
  [20, (plan) => browse(plan, pickRegion(plan))],
  [16, readReports],
  [4, () => [get('/cities/:id', 999_999_999)]],
]

/**
 * The demo's list of requests. A few visitors at a time start with a search, a country or a link, and open
 * the list of a region and some of its cities. They return to the list in between, or continue with the next
 * city. Popular places are frequent. 20% of the visitors write a review and view it. Some open the reports.
 *
 * @param db - The loaded database.
 * @param seed - The same seed and data give the same list.
 */
export async function planRequests(db: Knex, count: number, seed: number): Promise<PlannedRequest[]> {
  const plan = await createPlan(db, seed)
  const { random } = plan
  const visits = Array.from({ length: VISITORS }, () => pickVisit(plan))
  return Array.from({ length: count }, () => {
    const visitor = random.below(VISITORS)
    const request = visits[visitor]?.shift()
    if (request === undefined) throw new RangeError('A visit without requests.')
    if (visits[visitor]?.length === 0) visits[visitor] = pickVisit(plan)
    return request
  })
}

/**
 * The same visits one by one, for visitors who do not wait for each other.
 *
 * @returns A function that returns the requests of another visit at each call, in order.
 */
export async function planVisits(db: Knex, seed: number): Promise<() => PlannedRequest[]> {
  const plan = await createPlan(db, seed)
  return () => pickVisit(plan)
}

async function createPlan(db: Knex, seed: number): Promise<Plan> {
  const random = createRandom(seed)
  let time = FIRST_REVIEW
  const nextTime = () => {
    time += 1 + random.below(MAX_GAP_MS)
    return new Date(time)
  }
  return { places: await findPlaces(db), random, nextTime }
}

function pickVisit(plan: Plan): PlannedRequest[] {
  let left = plan.random.below(VISITS.reduce((sum, [share]) => sum + share, 0))
  for (const [share, visit] of VISITS) {
    if (left < share) return visit(plan)
    left -= share
  }
  throw new RangeError('The shares do not add up.')
}

function search({ random }: Plan): PlannedRequest {
  return { ...get('/search'), path: `/search?q=${random.pickPopular(NAMES)}` }
}

function pickRegion({ places, random }: Plan): Region {
  return random.pickPopular(places.regions)
}

function enterByCountry(plan: Plan): PlannedRequest[] {
  const region = pickRegion(plan)
  const [country = ''] = region.code.split('.')
  const requests = browse(plan, region)
  return plan.places.countries.includes(country) ? [get('/countries/:code', country), ...requests] : requests
}

function browse(plan: Plan, { code, cities }: Region): PlannedRequest[] {
  const { random } = plan
  const list = get('/regions/:code/cities', code)
  const seen = Array.from({ length: 1 + random.below(MAX_CITIES_SEEN) }, () => random.pickPopular(cities))
  const requests = seen.flatMap((id, index) => {
    const city = get('/cities/:id', id)
    return index === 0 || random.next() < BACK_TO_LIST_SHARE ? [list, city] : [city]
  })
  const last = seen.at(-1)
  return last !== undefined && random.next() < REVIEW_SHARE
    ? [...requests, ...review(plan, last, list)]
    : requests
}

/** A review and the reads that must show it. 10% have no valid rating and are rejected. */
function review({ random, nextTime }: Plan, city: number, list: PlannedRequest): PlannedRequest[] {
  const rating = random.next() < INVALID_SHARE ? 6 : 1 + random.below(5)
  const time = nextTime()
  const body = {
    userId: 1 + random.below(USERS),
    rating,
    body: `Seen in ${time.getUTCFullYear()}.`,
    createdAt: time.toISOString(),
  }
  const post = {
    route: 'POST /cities/:id/reviews',
    method: 'POST',
    path: `/cities/${city}/reviews`,
    body,
  } as const
  const requests = [post, get('/cities/:id', city)]
  return random.next() < READ_LIST_BACK_SHARE ? [...requests, list] : requests
}

function readReports({ places, random }: Plan): PlannedRequest[] {
  const ofCountry = get('/reports/regions/:countryCode', random.pickPopular(places.countries))
  return [ofCountry, get('/reports/reviewers'), get('/reports/top-rated')]
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
  const cities = await reviewedCities(db)
  const citiesOf = new Map<string, number[]>(regions.map(({ code }) => [code, []]))
  for (const { id, region } of cities) citiesOf.get(region)?.push(id)
  const reviewed = [...citiesOf].filter(([, ids]) => ids.length > 0)
  return {
    countries: countries.map((row) => row.country_code),
    regions: reviewed.map(([code, ids]) => ({ code, cities: ids })),
  }
}

/** The cities that have reviews, those with most first. */
export async function reviewedCities(db: Knex): Promise<{ readonly id: number; readonly region: string }[]> {
  return db('reviews as v')
    .join('cities as c', 'c.id', 'v.city_id')
    .join('regions as r', 'r.id', 'c.region_id')
    .select('c.id', 'r.code as region')
    .groupBy('c.id', 'r.code')
    .orderByRaw('COUNT(*) DESC, c.id')
}
