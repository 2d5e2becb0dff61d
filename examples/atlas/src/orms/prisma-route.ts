import type { AtlasPrisma } from '../clients.ts'
import { type ListedCity, type ListedReview, MAX_CITIES, type RegionRoute } from './region-page.ts'

export function prismaRoute(prisma: AtlasPrisma): RegionRoute {
  return async (code) => {
    const region = await prisma.region.findUnique({ where: { code } })
    if (region === null) return undefined
    const cities = await prisma.city.findMany({
      where: { regionId: region.id },
      orderBy: { id: 'asc' },
      take: MAX_CITIES,
    })
    const listed: ListedCity[] = []
    for (const city of cities) {
      const country = await prisma.country.findUnique({ where: { code: city.countryCode } })
      const reviews = await prisma.review.findMany({ where: { cityId: city.id }, orderBy: { id: 'asc' } })
      const shown: ListedReview[] = []
      for (const { rating, body, userId } of reviews) {
        const author = await prisma.user.findUnique({ where: { id: userId } })
        shown.push({ rating, body, author: author?.name })
      }
      listed.push({ name: city.name, country: country?.name, reviews: shown })
    }
    return { code: region.code, name: region.name, cities: listed }
  }
}
