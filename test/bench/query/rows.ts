type Rows = readonly Readonly<Record<string, unknown>>[]

/** Number of parents of a loop. */
export const PARENTS = 100
/** Rows that refer to few others, many times each. */
export const VISITS = 10_000
const VISITORS = 200

const DISTRICTS = 100
const REGIONS = 10
const COUNTRIES = 5
const USERS = 200
const ORGANIZATIONS = 5

/** Every table's rows, in an order that foreign keys allow. */
export function rowsOfTables(): Readonly<Record<string, Rows>> {
  return {
    countries: make(COUNTRIES, (id) => ({ id, name: `Country ${id}` })),
    regions: make(REGIONS, (id) => ({ id, name: `Region ${id}`, country_id: cycle(id, COUNTRIES) })),
    districts: make(DISTRICTS, (id) => ({ id, name: `District ${id}`, region_id: cycle(id, REGIONS) })),
    users: make(USERS, (id) => ({ id, name: `User ${id}` })),
    // Names have a different order from ids; every third city has no mayor.
    cities: make(3 * DISTRICTS, (id) => ({
      id,
      name: `City ${String((id * 37) % 301).padStart(3, '0')}`,
      district_id: cycle(id, DISTRICTS),
      mayor_id: id % 3 === 0 ? null : cycle(id * 7, USERS),
    })),
    posts: make(PARENTS, (id) => ({ id, title: `Post ${id}`, author_id: cycle(id * 3, USERS) })),
    visits: make(VISITS, (id) => ({ id, user_id: cycle(id * 7, VISITORS) })),
    products: make(USERS, (id) => ({ id, name: `Product ${id}` })),
    reviews: make(5 * PARENTS, (id) => ({ id, rating: id % 6, product_id: cycle(id, PARENTS) })),
    memberships: make(PARENTS, (id) => ({
      org_id: cycle(id, ORGANIZATIONS),
      user_id: id,
      role: `Role ${id % 4}`,
    })),
    tasks: make(PARENTS, (id) => ({
      id,
      title: `Task ${id}`,
      org_id: cycle(id, ORGANIZATIONS),
      owner_id: id,
    })),
  }
}

function make(count: number, row: (id: number) => Readonly<Record<string, unknown>>): Rows {
  return Array.from({ length: count }, (_, at) => row(at + 1))
}

/** `1` to `length`, repeatedly. */
function cycle(id: number, length: number): number {
  return ((id - 1) % length) + 1
}
