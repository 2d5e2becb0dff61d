// Prisma: a server whose client is a subclass with an extension. Prints its responses, and what it sends.
import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { PrismaClient } from '../../generated/postgresql/client/client.ts'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'

const statements = countPgStatements()

const { DATABASE_URL: connectionString, APP_SLUICE, APP_REQUESTS = '3' } = process.env
const own = APP_SLUICE === 'own' ? createSluice() : undefined

class Service extends PrismaClient {
  readonly name = 'service'
  #calls = 0

  constructor() {
    const adapter = new PrismaPg({ connectionString, max: 4 })
    super({ adapter: own === undefined ? adapter : sluiceAdapter(adapter, own) })
  }

  calls() {
    return this.#calls
  }

  async first() {
    this.#calls += 1
    return this.author.findFirst({ orderBy: { id: 'asc' }, select: { name: true } })
  }
}

const service = new Service()
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))
await service.$connect()
show('service', [service.name, await service.first(), service.calls(), service instanceof PrismaClient])
service.$on('error' as never, () => {})

const extended = service.$extends({
  name: 'loud',
  result: { author: { loud: { needs: { name: true }, compute: ({ name }) => name.toUpperCase() } } },
})
const prisma = (own === undefined ? extended : extended.$extends(withSluice(own))) as typeof extended

// Prisma also resolves the names of the schema, which its types do not have.
const models = [prisma.author, (prisma as unknown as { readonly Author: typeof prisma.author }).Author]

async function answer(): Promise<unknown[]> {
  const authors = await prisma.author.findMany({ select: { id: true }, orderBy: { id: 'asc' } })
  const loop: unknown[] = []
  for (const { id } of authors) {
    const author = models[id % 2] as typeof prisma.author
    loop.push(await author.findUnique({ where: { id }, select: { loud: true } })) // the loop
  }
  const together = authors.map(({ id }) =>
    prisma.author.findUnique({ where: { id }, select: { email: true } }),
  )
  return [loop, await Promise.all(together)]
}

show('raw', await service.$queryRaw`SELECT count(*)::int AS count FROM authors`)
show('batch', await service.$transaction([service.author.count(), service.post.count()]))
const rolledBack = await prisma
  .$transaction(async (tx) => {
    await tx.author.update({ where: { id: 1 }, data: { name: 'changed' } })
    show('inside', await tx.author.findUnique({ where: { id: 1 }, select: { loud: true } }))
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
show('after', [rolledBack, await prisma.author.findUnique({ where: { id: 1 }, select: { name: true } })])
show(
  'error',
  await prisma.author.create({ data: { id: 1, email: 'a', name: 'b' } }).catch(({ code }) => code),
)

await serve(answer, { requests: Number(APP_REQUESTS), statements })
await service.$disconnect()
if (own !== undefined) console.error(`own ${own.queries.getStats().statements > 60}`)
