import { Router } from 'express'
import type { AtlasPrisma } from '../clients.ts'
import { notFound } from '../http-error.ts'

const MAX_CITIES = 100
const MAX_REVIEWS = 2

export function regionRoutes(prisma: AtlasPrisma): Router {
  const router = Router()

  router.get('/regions/:code/cities', async (request, response) => {
    const region = await prisma.region.findUnique({ where: { code: request.params.code } })
    if (region === null) throw notFound('region')
    const cities = await prisma.city.findMany({
      where: { regionId: region.id },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
      take: MAX_CITIES,
    })
    const listed = []
    for (const city of cities) {
      const district =
        city.districtId === null ? null : await prisma.district.findUnique({ where: { id: city.districtId } })
      const country = await prisma.country.findUnique({ where: { code: city.countryCode } })
      const reviews = await prisma.review.findMany({
        where: { cityId: city.id },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: MAX_REVIEWS,
      })
      const latest = []
      for (const review of reviews) {
        const author = await prisma.user.findUnique({ where: { id: review.userId } })
        latest.push({
          rating: review.rating,
          body: review.body,
          createdAt: review.createdAt,
          author: author?.name,
        })
      }
      listed.push({
        id: city.id,
        name: city.name,
        district: district?.name ?? null,
        country: country?.name,
        latest,
      })
    }
    response.json({ code: region.code, name: region.name, cities: listed })
  })

  return router
}
