import type { Places } from './places.ts'

export const typeDefs = `
type Country { code: String! name: String! regions: [Region!]! }
type Region { id: Int! name: String! cities: [City!]! }
type City { id: Int! name: String! reviews: [Review!]! }
type Review { id: Int! rating: Int! author: Author! }
type Author { id: Int! name: String! }
type Query { countries: [Country!]! }
type Mutation { noop: Boolean }
`

export const WATERFALL = `query CountryPage {
  countries { code regions { id cities { id name reviews { id rating author { id name } } } } }
}`

interface Row {
  readonly id: number
  readonly code: string
  readonly userId: number
  readonly user_id: number
}

/** Naive resolvers: each parent queries its children. */
export function prismaResolvers({ prisma }: Places): Record<string, object> {
  return {
    Query: { countries: () => prisma.country.findMany({ orderBy: { code: 'asc' } }) },
    Country: {
      regions: ({ code }: Row) =>
        prisma.region.findMany({ where: { countryCode: code }, orderBy: { id: 'asc' } }),
    },
    Region: {
      cities: ({ id }: Row) => prisma.city.findMany({ where: { regionId: id }, orderBy: { id: 'asc' } }),
    },
    City: {
      reviews: ({ id }: Row) => prisma.review.findMany({ where: { cityId: id }, orderBy: { id: 'asc' } }),
    },
    Review: { author: ({ userId }: Row) => prisma.user.findUnique({ where: { id: userId } }) },
  }
}

export function knexResolvers({ db }: Places): Record<string, object> {
  return {
    Query: { countries: () => db('countries').orderBy('code') },
    Country: { regions: ({ code }: Row) => db('regions').where({ country_code: code }).orderBy('id') },
    Region: { cities: ({ id }: Row) => db('cities').where({ region_id: id }).orderBy('id') },
    City: { reviews: ({ id }: Row) => db('reviews').where({ city_id: id }).orderBy('id') },
    Review: { author: ({ user_id }: Row) => db('users').where({ id: user_id }).first() },
  }
}
