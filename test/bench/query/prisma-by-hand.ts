import type { BenchPrisma } from './databases.ts'
import { rowLoader, rowsLoader } from './loaders.ts'
import { type ByHand, together } from './query-case.ts'
import { PARENTS } from './rows.ts'

/** The key of a membership. */
interface Owned {
  readonly orgId: number
  readonly ownerId: number
}

export const first = (count: number) => ({ where: { id: { lte: count } }, orderBy: { id: 'asc' } }) as const
export const byId = { orderBy: { id: 'asc' } } as const
const latest = { orderBy: { id: 'desc' }, take: 2 } as const

export const citiesOf = (prisma: BenchPrisma, count = PARENTS) => prisma.city.findMany(first(count))
export const districtOf = (prisma: BenchPrisma) => (city: { readonly districtId: number }) =>
  prisma.district.findUnique({ where: { id: city.districtId } })
export const citiesIn = (prisma: BenchPrisma) => (district: { readonly id: number }) =>
  prisma.city.findMany({ where: { districtId: district.id }, ...byId })
export const latestOf = (prisma: BenchPrisma) => (product: { readonly id: number }) =>
  prisma.review.findMany({ where: { productId: product.id }, ...latest })
export const ownerOf = (prisma: BenchPrisma) => (task: Owned) =>
  prisma.membership.findUnique({ where: { orgId_userId: { orgId: task.orgId, userId: task.ownerId } } })
export const firstOwnerOf = (prisma: BenchPrisma) => (task: Owned) =>
  prisma.membership.findFirst({ where: { orgId: task.orgId, userId: task.ownerId } })

export const districtLoader = (prisma: BenchPrisma) =>
  rowLoader(
    (keys: number[]) => prisma.district.findMany({ where: { id: { in: keys } } }),
    ({ id }) => id,
  )
export const userLoader = (prisma: BenchPrisma) =>
  rowLoader(
    (keys: number[]) => prisma.user.findMany({ where: { id: { in: keys } } }),
    ({ id }) => id,
  )
export const citiesLoader = (prisma: BenchPrisma) =>
  rowsLoader(
    (keys) => prisma.city.findMany({ where: { districtId: { in: keys } }, ...byId }),
    ({ districtId }) => districtId,
  )

export const toOneByHand: ByHand = {
  include: async ({ prisma }) =>
    (await prisma.city.findMany({ ...first(PARENTS), include: { district: true } })).map(
      ({ district }) => district,
    ),
  async loader({ prisma }) {
    const load = districtLoader(prisma)
    return together(await citiesOf(prisma), ({ districtId }) => load(districtId))
  },
}

export const toManyByHand: ByHand = {
  include: async ({ prisma }) =>
    (await prisma.district.findMany({ ...first(PARENTS), include: { cities: byId } })).map(
      ({ cities }) => cities,
    ),
  async loader({ prisma }) {
    const load = citiesLoader(prisma)
    return together(await prisma.district.findMany(first(PARENTS)), ({ id }) => load(id))
  },
}

export const countsByHand: ByHand = {
  include: async ({ prisma }) =>
    (
      await prisma.district.findMany({ ...first(PARENTS), include: { _count: { select: { cities: true } } } })
    ).map(({ _count }) => _count.cities),
  async loader({ prisma }) {
    const load = rowLoader(
      (keys: number[]) =>
        prisma.city.groupBy({
          by: ['districtId'],
          where: { districtId: { in: keys } },
          _count: { _all: true },
        }),
      ({ districtId }) => districtId,
    )
    return together(
      await prisma.district.findMany(first(PARENTS)),
      async ({ id }) => (await load(id))?._count._all ?? 0,
    )
  },
}

export const latestByHand: ByHand = {
  include: async ({ prisma }) =>
    (await prisma.product.findMany({ ...first(PARENTS), include: { reviews: latest } })).map(
      ({ reviews }) => reviews,
    ),
  async loader({ prisma }) {
    const load = rowsLoader(
      (keys) => prisma.review.findMany({ where: { productId: { in: keys } }, orderBy: latest.orderBy }),
      ({ productId }) => productId,
    )
    return together(await prisma.product.findMany(first(PARENTS)), async ({ id }) =>
      (await load(id)).slice(0, latest.take),
    )
  },
}

export const ownersByHand: ByHand = {
  include: async ({ prisma }) =>
    (await prisma.task.findMany({ ...first(PARENTS), include: { owner: true } })).map(({ owner }) => owner),
  async loader({ prisma }) {
    const load = rowLoader(
      (keys: { readonly orgId: number; readonly userId: number }[]) =>
        prisma.membership.findMany({ where: { OR: keys } }),
      ({ orgId, userId }) => ({ orgId, userId }),
      ({ orgId, userId }) => `${orgId} ${userId}`,
    )
    return together(await prisma.task.findMany(first(PARENTS)), ({ orgId, ownerId }) =>
      load({ orgId, userId: ownerId }),
    )
  },
}
