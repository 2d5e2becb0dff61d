/** The contents of a page, and its cost in the process that responded. */
interface CityPage {
  /** The ids of the latest reviews, the latest first. */
  readonly reviews: readonly number[]
  /** Reads that the cache answered. */
  readonly cached: number
  /** Queries that were sent. */
  readonly queries: number
}

/** One process of the app, as its visitors see it. */
export interface Site {
  readCity(id: number): Promise<CityPage>
  /** Resolves to the id of the review when the process has acknowledged it. */
  postReview(cityId: number): Promise<number>
}

const REVIEW = { userId: 1, rating: 5, body: 'Seen by the other process.' }

/** A process of the app by its HTTP interface. */
export function httpSite(origin: string): Site {
  return {
    async readCity(id) {
      const response = await request(`${origin}/cities/${id}`)
      const { reviews } = (await response.json()) as { readonly reviews: readonly { readonly id: number }[] }
      return {
        reviews: reviews.map((review) => review.id),
        ...parseServerTiming(response.headers.get('server-timing')),
      }
    },
    async postReview(cityId) {
      const headers = { 'content-type': 'application/json' }
      const response = await request(`${origin}/cities/${cityId}/reviews`, {
        method: 'POST',
        headers,
        body: JSON.stringify(REVIEW),
      })
      return ((await response.json()) as { readonly id: number }).id
    },
  }
}

/** Reads the `Server-Timing` of Sluice's middleware. Without the header, nothing was counted. */
export function parseServerTiming(header: string | null): {
  readonly queries: number
  readonly cached: number
} {
  const count = (unit: string) => Number(new RegExp(`"(\\d+) ${unit}"`).exec(header ?? '')?.[1] ?? 0)
  return { queries: count('queries'), cached: count('from cache') }
}

async function request(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (!response.ok)
    throw new Error(`${init?.method ?? 'GET'} ${url} returned ${response.status}: ${await response.text()}`)
  return response
}
