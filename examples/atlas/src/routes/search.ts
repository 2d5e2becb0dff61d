import { Router } from 'express'
import type { AtlasPrisma } from '../clients.ts'
import { HttpError } from '../http-error.ts'

const MAX_HITS = 20

export function searchRoutes(prisma: AtlasPrisma): Router {
  const router = Router()

  router.get('/search', async (request, response) => {
    const { q } = request.query
    if (typeof q !== 'string' || q.trim() === '')
      throw new HttpError(400, 'q: expected the beginning of a name.')
    const cities = await prisma.city.findMany({
      where: { name: { startsWith: q.trim() } },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
      take: MAX_HITS,
    })
    const hits = await Promise.all(
      cities.map(async (city) => {
        const country = await prisma.country.findUnique({ where: { code: city.countryCode } })
        const region =
          city.regionId === null ? null : await prisma.region.findUnique({ where: { id: city.regionId } })
        return { id: city.id, name: city.name, region: region?.name ?? null, country: country?.name }
      }),
    )
    response.json({ q: q.trim(), hits })
  })

  return router
}
