import type { openPrisma8 } from './open-prisma8.ts'
import { type ListedCity, type ListedReview, MAX_CITIES, type RegionRoute } from './region-page.ts'

type Prisma8 = ReturnType<typeof openPrisma8>['db']

export function prisma8Route(db: Prisma8): RegionRoute {
  const { Country, Region, City, User, Review } = db.orm.public
  return async (code) => {
    const region = await Region.first({ code })
    if (region === null) return undefined
    const cities = await City.where({ regionId: region.id })
      .orderBy((city) => city.id.asc())
      .limit(MAX_CITIES)
      .all()
    const listed: ListedCity[] = []
    for (const city of cities) {
      const country = await Country.first({ code: city.countryCode })
      const written = await Review.where({ cityId: city.id })
        .orderBy((review) => review.id.asc())
        .all()
      const shown: ListedReview[] = []
      for (const { rating, body, userId } of written) {
        const author = await User.first({ id: userId })
        shown.push({ rating, body, author: author?.name })
      }
      listed.push({ name: city.name, country: country?.name, reviews: shown })
    }
    return { code: region.code, name: region.name, cities: listed }
  }
}
