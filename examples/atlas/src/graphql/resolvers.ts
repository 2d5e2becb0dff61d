import { GraphQLError } from 'graphql'
import type { AtlasPrisma } from '../clients.ts'

const MAX_FIRST = 100

interface First {
  readonly first: number
}
interface InCountry {
  readonly countryCode: string
}
interface Region extends InCountry {
  readonly id: number
}
interface City extends Region {
  readonly regionId: number | null
  readonly districtId: number | null
}
interface Review {
  readonly userId: number
  readonly createdAt: Date
}

/** The resolvers, written in a straightforward way: each parent queries its children. */
export function atlasResolvers(prisma: AtlasPrisma) {
  const byName = [{ name: 'asc' as const }, { id: 'asc' as const }]
  return {
    Query: {
      countries: () => prisma.country.findMany({ orderBy: { name: 'asc' } }),
      country: (_source: unknown, { code }: { readonly code: string }) =>
        prisma.country.findUnique({ where: { code } }),
      region: (_source: unknown, { code }: { readonly code: string }) =>
        prisma.region.findUnique({ where: { code } }),
      city: (_source: unknown, { id }: { readonly id: number }) => prisma.city.findUnique({ where: { id } }),
    },
    Country: {
      regions: ({ code }: { readonly code: string }) =>
        prisma.region.findMany({ where: { countryCode: code }, orderBy: byName }),
    },
    Region: {
      country: ({ countryCode }: Region) => prisma.country.findUnique({ where: { code: countryCode } }),
      cities: ({ id }: Region, { first }: First) =>
        prisma.city.findMany({ where: { regionId: id }, orderBy: byName, take: checkedFirst(first) }),
    },
    City: {
      country: ({ countryCode }: City) => prisma.country.findUnique({ where: { code: countryCode } }),
      region: ({ regionId }: City) =>
        regionId === null ? null : prisma.region.findUnique({ where: { id: regionId } }),
      district: ({ districtId }: City) =>
        districtId === null ? null : prisma.district.findUnique({ where: { id: districtId } }),
      reviews: ({ id }: City, { first }: First) =>
        prisma.review.findMany({
          where: { cityId: id },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: checkedFirst(first),
        }),
    },
    Review: {
      createdAt: ({ createdAt }: Review) => createdAt.toISOString(),
      author: ({ userId }: Review) => prisma.user.findUnique({ where: { id: userId } }),
    },
  }
}

function checkedFirst(first: number): number {
  if (Number.isInteger(first) && first >= 1 && first <= MAX_FIRST) return first
  throw new GraphQLError(`first: expected a whole number from 1 to ${MAX_FIRST}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  })
}
