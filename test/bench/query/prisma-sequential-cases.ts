import { rowLoader, rowsLoader } from './loaders.ts'
import {
  byId,
  citiesIn,
  citiesLoader,
  citiesOf,
  countsByHand,
  districtLoader,
  districtOf,
  first,
  latestByHand,
  latestOf,
  ownerOf,
  ownersByHand,
  toManyByHand,
  toOneByHand,
  userLoader,
} from './prisma-by-hand.ts'
import { inTurn, type QueryCase, together } from './query-case.ts'
import { PARENTS, VISITS } from './rows.ts'

/** Prisma calls in a loop that awaits each: `for … await`. */
export const prismaSequentialCases: readonly QueryCase[] = [
  {
    id: 'prisma.to-one',
    title: 'Prisma, sequential to-one',
    isQuick: true,
    naive: async ({ prisma }) => inTurn(await citiesOf(prisma), districtOf(prisma)),
    ...toOneByHand,
  },
  {
    id: 'prisma.to-many',
    title: 'Prisma, sequential to-many',
    isQuick: true,
    naive: async ({ prisma }) => inTurn(await prisma.district.findMany(first(PARENTS)), citiesIn(prisma)),
    ...toManyByHand,
  },
  {
    id: 'prisma.three-levels',
    title: 'Prisma, three levels',
    naive: async ({ prisma }) =>
      inTurn(await citiesOf(prisma), async (city) => {
        const district = await districtOf(prisma)(city)
        const region = await prisma.region.findUnique({ where: { id: district?.regionId ?? 0 } })
        const country = await prisma.country.findUnique({ where: { id: region?.countryId ?? 0 } })
        return { district, region, country }
      }),
    include: async ({ prisma }) => {
      const cities = await prisma.city.findMany({
        ...first(PARENTS),
        include: { district: { include: { region: { include: { country: true } } } } },
      })
      return cities.map(
        ({
          district: {
            region: { country, ...region },
            ...district
          },
        }) => ({ district, region, country }),
      )
    },
    async loader({ prisma }) {
      const loadDistrict = districtLoader(prisma)
      const loadRegion = rowLoader(
        (keys: number[]) => prisma.region.findMany({ where: { id: { in: keys } } }),
        ({ id }) => id,
      )
      const loadCountry = rowLoader(
        (keys: number[]) => prisma.country.findMany({ where: { id: { in: keys } } }),
        ({ id }) => id,
      )
      return together(await citiesOf(prisma), async ({ districtId }) => {
        const district = await loadDistrict(districtId)
        const region = await loadRegion(district?.regionId ?? 0)
        return { district, region, country: await loadCountry(region?.countryId ?? 0) }
      })
    },
  },
  {
    id: 'prisma.nested',
    title: 'Prisma, nested 10 × 10',
    naive: async ({ prisma }) =>
      inTurn(await prisma.region.findMany(byId), async ({ id }) =>
        inTurn(await prisma.district.findMany({ where: { regionId: id }, ...byId }), citiesIn(prisma)),
      ),
    include: async ({ prisma }) => {
      const regions = await prisma.region.findMany({
        ...byId,
        include: { districts: { ...byId, include: { cities: byId } } },
      })
      return regions.map(({ districts }) => districts.map(({ cities }) => cities))
    },
    async loader({ prisma }) {
      const loadDistricts = rowsLoader(
        (keys) => prisma.district.findMany({ where: { regionId: { in: keys } }, ...byId }),
        ({ regionId }) => regionId,
      )
      const loadCities = citiesLoader(prisma)
      return together(await prisma.region.findMany(byId), async ({ id }) =>
        together(await loadDistricts(id), (district) => loadCities(district.id)),
      )
    },
  },
  {
    id: 'prisma.break',
    title: 'Prisma, break at 50',
    async naive({ prisma }) {
      const found: unknown[] = []
      for (const city of await citiesOf(prisma)) {
        found.push(await districtOf(prisma)(city))
        if (found.length === PARENTS / 2) break
      }
      return found
    },
  },
  {
    id: 'prisma.sorted-copy',
    title: 'Prisma, sorted copy',
    naive: async ({ prisma }) => inTurn(sortedByName(await citiesOf(prisma)), districtOf(prisma)),
    include: async ({ prisma }) =>
      sortedByName(await prisma.city.findMany({ ...first(PARENTS), include: { district: true } })).map(
        ({ district }) => district,
      ),
  },
  {
    id: 'prisma.every-second',
    title: 'Prisma, every second',
    naive: async ({ prisma }) => inTurn((await citiesOf(prisma)).filter(isEverySecond), districtOf(prisma)),
    async loader({ prisma }) {
      const load = districtLoader(prisma)
      return together((await citiesOf(prisma)).filter(isEverySecond), ({ districtId }) => load(districtId))
    },
  },
  {
    id: 'prisma.two-loops',
    title: 'Prisma, two loops at once, 50 rows each',
    naive: async ({ prisma }) =>
      Promise.all([
        (async () => inTurn(await citiesOf(prisma, 50), districtOf(prisma)))(),
        (async () =>
          inTurn(await prisma.post.findMany(first(50)), ({ authorId }) =>
            prisma.user.findUnique({ where: { id: authorId } }),
          ))(),
      ]),
    include: async ({ prisma }) =>
      Promise.all([
        (async () =>
          (await prisma.city.findMany({ ...first(50), include: { district: true } })).map(
            ({ district }) => district,
          ))(),
        (async () =>
          (await prisma.post.findMany({ ...first(50), include: { author: true } })).map(
            ({ author }) => author,
          ))(),
      ]),
  },
  {
    id: 'prisma.two-lookups',
    title: 'Prisma, two lookups per row',
    naive: async ({ prisma }) =>
      inTurn(await citiesOf(prisma), async (city) => {
        const district = await districtOf(prisma)(city)
        const mayor =
          city.mayorId === null ? null : await prisma.user.findUnique({ where: { id: city.mayorId } })
        return { district, mayor }
      }),
    include: async ({ prisma }) =>
      (await prisma.city.findMany({ ...first(PARENTS), include: { district: true, mayor: true } })).map(
        ({ district, mayor }) => ({
          district,
          mayor,
        }),
      ),
    async loader({ prisma }) {
      const [loadDistrict, loadUser] = [districtLoader(prisma), userLoader(prisma)]
      return together(await citiesOf(prisma), async ({ districtId, mayorId }) => {
        const [district, mayor] = await Promise.all([
          loadDistrict(districtId),
          mayorId === null ? null : loadUser(mayorId),
        ])
        return { district, mayor }
      })
    },
  },
  {
    id: 'prisma.skips',
    title: 'Prisma, an `if` that skips 90 %',
    naive: async ({ prisma }) => inTurn((await citiesOf(prisma)).filter(isEveryTenth), districtOf(prisma)),
    async loader({ prisma }) {
      const load = districtLoader(prisma)
      return together((await citiesOf(prisma)).filter(isEveryTenth), ({ districtId }) => load(districtId))
    },
  },
  {
    id: 'prisma.coincidence',
    title: 'Prisma, coincidence of ids (user 5, product 5)',
    naive: async ({ prisma }) =>
      inTurn(await prisma.user.findMany(first(PARENTS)), ({ id }) =>
        prisma.product.findUnique({ where: { id } }),
      ),
  },
  {
    id: 'prisma.many-parents',
    title: 'Prisma, 10,000 parents, 200 keys',
    isLong: true,
    naive: async ({ prisma }) =>
      inTurn(await prisma.visit.findMany(first(VISITS)), ({ userId }) =>
        prisma.user.findUnique({ where: { id: userId } }),
      ),
    include: async ({ prisma }) =>
      (await prisma.visit.findMany({ ...first(VISITS), include: { user: true } })).map(({ user }) => user),
    async loader({ prisma }) {
      const load = userLoader(prisma)
      return together(await prisma.visit.findMany(first(VISITS)), ({ userId }) => load(userId))
    },
  },
  {
    id: 'prisma.count',
    title: 'Prisma, sequential count by key',
    naive: async ({ prisma }) =>
      inTurn(await prisma.district.findMany(first(PARENTS)), ({ id }) =>
        prisma.city.count({ where: { districtId: id } }),
      ),
    ...countsByHand,
  },
  {
    id: 'prisma.take',
    title: 'Prisma, sequential latest 2 of each key',
    naive: async ({ prisma }) => inTurn(await prisma.product.findMany(first(PARENTS)), latestOf(prisma)),
    ...latestByHand,
  },
  {
    id: 'prisma.composite',
    title: 'Prisma, sequential composite key',
    naive: async ({ prisma }) => inTurn(await prisma.task.findMany(first(PARENTS)), ownerOf(prisma)),
    ...ownersByHand,
  },
]

function sortedByName<T extends { readonly name: string }>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function isEverySecond({ id }: { readonly id: number }): boolean {
  return id % 2 === 1
}

function isEveryTenth({ id }: { readonly id: number }): boolean {
  return id % 10 === 0
}
