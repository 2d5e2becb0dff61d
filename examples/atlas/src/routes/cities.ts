import { Router } from 'express'
import type { AtlasPrisma } from '../clients.ts'
import { HttpError, notFound } from '../http-error.ts'

const MAX_REVIEWS = 10
const MAX_BODY_LENGTH = 2_000

export function cityRoutes(prisma: AtlasPrisma): Router {
  const router = Router()

  router.get('/cities/:id', async (request, response) => {
    const city = await prisma.city.findUnique({ where: { id: cityId(request.params.id) } })
    if (city === null) throw notFound('city')
    const country = await prisma.country.findUnique({ where: { code: city.countryCode } })
    const region =
      city.regionId === null ? null : await prisma.region.findUnique({ where: { id: city.regionId } })
    const district =
      city.districtId === null ? null : await prisma.district.findUnique({ where: { id: city.districtId } })
    const reviews = await prisma.review.findMany({
      where: { cityId: city.id },
      include: { user: true },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: MAX_REVIEWS,
    })
    const { id, name, latitude, longitude } = city
    response.json({
      id,
      name,
      latitude,
      longitude,
      country,
      region,
      district,
      reviews: reviews.map(({ user, rating, body, createdAt, ...review }) => ({
        id: review.id,
        rating,
        body,
        createdAt,
        author: user.name,
      })),
    })
  })

  router.post('/cities/:id/reviews', async (request, response) => {
    const city = await prisma.city.findUnique({ where: { id: cityId(request.params.id) } })
    if (city === null) throw notFound('city')
    const { userId, rating, body, createdAt } = reviewOf(request.body)
    const user = await prisma.user.findUnique({ where: { id: userId } })
    if (user === null) throw new HttpError(400, `userId: no user ${userId}.`)
    const review = await prisma.review.create({ data: { cityId: city.id, userId, rating, body, createdAt } })
    response.status(201).json({ ...review, author: user.name })
  })

  return router
}

function cityId(text: string): number {
  const id = Number(text)
  if (!/^\d{1,9}$/.test(text)) throw notFound('city')
  return id
}

interface NewReview {
  readonly userId: number
  readonly rating: number
  readonly body: string
  readonly createdAt: Date
}

function reviewOf(input: unknown): NewReview {
  const { userId, rating, body, createdAt } = (input ?? {}) as Record<string, unknown>
  if (!isWhole(userId, 1, 2 ** 31 - 1)) throw new HttpError(400, 'userId: expected the id of a user.')
  if (!isWhole(rating, 1, 5)) throw new HttpError(400, 'rating: expected a whole number from 1 to 5.')
  if (typeof body !== 'string' || body === '' || body.length > MAX_BODY_LENGTH) {
    throw new HttpError(400, `body: expected a string of at most ${MAX_BODY_LENGTH} characters.`)
  }
  const time = createdAt === undefined ? new Date() : new Date(String(createdAt))
  if (Number.isNaN(time.getTime())) throw new HttpError(400, 'createdAt: expected an ISO 8601 time.')
  return { userId, rating, body, createdAt: time }
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
