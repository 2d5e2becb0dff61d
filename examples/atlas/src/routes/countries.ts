import { Router } from 'express'
import type { AtlasPrisma } from '../clients.ts'
import { notFound } from '../http-error.ts'

export function countryRoutes(prisma: AtlasPrisma): Router {
  const router = Router()

  router.get('/countries/:code', async (request, response) => {
    const country = await prisma.country.findUnique({ where: { code: request.params.code } })
    if (country === null) throw notFound('country')
    const regions = await prisma.region.findMany({
      where: { countryCode: country.code },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    })
    const counted = await Promise.all(
      regions.map(async (region) => ({
        code: region.code,
        name: region.name,
        cities: await prisma.city.count({ where: { regionId: region.id } }),
      })),
    )
    response.json({ ...country, regions: counted })
  })

  return router
}
