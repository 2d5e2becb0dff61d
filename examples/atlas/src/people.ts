import type { GazetteerCity } from './gazetteer.ts'
import { createRandom, type Random } from './random.ts'
import type { Table } from './table.ts'

const USERS = 200
export const LOADED_REVIEWS = 8_000
const MIN_CITIES = 100
const START = Date.UTC(2024, 0, 1)
const MAX_GAP_MS = 2 * 3_600_000

const GIVEN =
  'Ada Amir Aya Ben Chidi Dana Elif Emil Farah Goran Hana Ines Ivo Jun Kofi Lena Lina Marek Mei Nour Olga Priya Rafa Sofia Tariq'.split(
    ' ',
  )
const FAMILY = 'Abe Berg Costa Diaz Eriksen Fofana Garcia Haddad'.split(' ')
const OPINIONS =
  'Lovely old streets|Too many cars|Great food|Friendly people|A quiet place|Worth a second visit|Rather expensive|Fine museums'.split(
    '|',
  )
const ADVICE =
  'go in spring|skip the center|take the tram|stay two nights|bring an umbrella|try the market|ask for the bridge|walk up the hill'.split(
    '|',
  )

/** The reviews' users and the reviews themselves, invented from a fixed seed. */
export function peopleTables(cities: readonly GazetteerCity[]): [Table, Table] {
  const random = createRandom(1)
  return [
    {
      name: 'users',
      columns: ['id', 'name', 'email'],
      rows: Array.from({ length: USERS }, (_, index) => user(index)),
    },
    {
      name: 'reviews',
      columns: ['id', 'city_id', 'user_id', 'rating', 'body', 'created_at'],
      rows: reviews(cities, random),
    },
  ]
}

function user(index: number): [number, string, string] {
  const given = GIVEN[index % GIVEN.length] ?? ''
  const family = FAMILY[Math.floor(index / GIVEN.length) % FAMILY.length] ?? ''
  return [index + 1, `${given} ${family}`, `${given}.${family}@example.org`.toLowerCase()]
}

/** Most reviews go to few regions, and there to the cities that a listing of the region shows first. */
function reviews(
  cities: readonly GazetteerCity[],
  random: Random,
): [number, number, number, number, string, string][] {
  const places = reviewedPlaces(cities)
  let time = START
  return Array.from({ length: LOADED_REVIEWS }, (_, index) => {
    time += random.below(MAX_GAP_MS)
    const city = random.pick(random.pickPopular(places))
    const body = `${random.pick(OPINIONS)}, ${random.pick(ADVICE)}.`
    return [index + 1, city, 1 + random.below(USERS), 1 + random.below(5), body, databaseTime(time)]
  })
}

/** The first cities by name of each region with at least `MIN_CITIES`, the largest region first. */
function reviewedPlaces(cities: readonly GazetteerCity[]): number[][] {
  const regions = new Map<string, { id: number; name: string }[]>()
  for (const [index, { name, country, admin1 }] of cities.entries()) {
    const members = regions.get(`${country}.${admin1}`) ?? []
    members.push({ id: index + 1, name })
    regions.set(`${country}.${admin1}`, members)
  }
  // Both sorts are stable, so equal names and equal sizes stay in the order of the gazetteer.
  return [...regions.values()]
    .filter((members) => members.length >= MIN_CITIES)
    .sort((a, b) => b.length - a.length)
    .map((members) =>
      members.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))).slice(0, MIN_CITIES),
    )
    .map((members) => members.map((member) => member.id))
}

/** As Prisma writes a `DateTime` to SQLite, so that stored and new times sort together. */
function databaseTime(time: number): string {
  return new Date(time).toISOString().replace('Z', '+00:00')
}
