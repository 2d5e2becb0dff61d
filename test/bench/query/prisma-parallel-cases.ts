import {
  citiesIn,
  citiesOf,
  countsByHand,
  districtOf,
  first,
  firstOwnerOf,
  latestByHand,
  latestOf,
  ownersByHand,
  toManyByHand,
  toOneByHand,
} from './prisma-by-hand.ts'
import { type QueryCase, together } from './query-case.ts'
import { PARENTS } from './rows.ts'

/** Prisma calls of one tick. */
export const prismaParallelCases: readonly QueryCase[] = [
  {
    id: 'prisma.parallel-unique',
    title: 'Prisma, parallel to-one, findUnique (Prisma itself batches these)',
    naive: async ({ prisma }) => together(await citiesOf(prisma), districtOf(prisma)),
    ...toOneByHand,
  },
  {
    id: 'prisma.parallel-to-one',
    title: 'Prisma, parallel to-one, findFirst by id',
    isQuick: true,
    naive: async ({ prisma }) =>
      together(await citiesOf(prisma), ({ districtId }) =>
        prisma.district.findFirst({ where: { id: districtId } }),
      ),
    ...toOneByHand,
  },
  {
    id: 'prisma.parallel-to-many',
    title: 'Prisma, parallel to-many',
    isQuick: true,
    naive: async ({ prisma }) => together(await prisma.district.findMany(first(PARENTS)), citiesIn(prisma)),
    ...toManyByHand,
  },
  {
    id: 'prisma.parallel-count',
    title: 'Prisma, parallel count by key',
    naive: async ({ prisma }) =>
      together(await prisma.district.findMany(first(PARENTS)), ({ id }) =>
        prisma.city.count({ where: { districtId: id } }),
      ),
    ...countsByHand,
  },
  {
    id: 'prisma.parallel-take',
    title: 'Prisma, parallel latest 2 of each key',
    naive: async ({ prisma }) => together(await prisma.product.findMany(first(PARENTS)), latestOf(prisma)),
    ...latestByHand,
  },
  {
    id: 'prisma.parallel-composite',
    title: 'Prisma, parallel composite key, findFirst',
    naive: async ({ prisma }) => together(await prisma.task.findMany(first(PARENTS)), firstOwnerOf(prisma)),
    ...ownersByHand,
  },
]
