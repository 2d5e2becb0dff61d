/** The response of the route: a region with its cities, each with its country and its reviews. */
interface RegionPage {
  readonly code: string
  readonly name: string
  readonly cities: readonly ListedCity[]
}

export interface ListedCity {
  readonly name: string
  readonly country: string | undefined
  readonly reviews: readonly ListedReview[]
}

export interface ListedReview {
  readonly rating: number
  readonly body: string
  readonly author: string | undefined
}

/** The route in one ORM. Resolves to `undefined` for an unknown region. */
export type RegionRoute = (code: string) => Promise<RegionPage | undefined>

export const MAX_CITIES = 100
