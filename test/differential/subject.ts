import type { Database } from '../support/database.ts'
import { type PrismaClients, prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'
import { seed } from '../support/stack.ts'
import { fixedVocabulary } from './fixed-vocabulary.ts'
import type { Ground, Vocabulary } from './vocabulary.ts'

/** The subject of programs: models, their rows, and the calls that programs consist of. */
export interface Subject {
  readonly clients: PrismaClients
  /** Writes the initial rows of each program. */
  fill(prisma: TestPrismaClient): Promise<void>
  vocabulary(ground: Ground): Vocabulary
}

/** The models of `prisma/models.prisma`. */
export async function fixedSubject(database: Database): Promise<Subject> {
  return {
    clients: await prismaClient(database.dialect, database),
    async fill(prisma) {
      await seed(prisma)
      await seedMore(prisma)
    },
    vocabulary: fixedVocabulary,
  }
}

/** Rows for the models that `seed` leaves empty. */
async function seedMore(prisma: TestPrismaClient): Promise<void> {
  const handles = ['Ann', 'ben', null, 'chloe']
  await prisma.profile.createMany({
    data: handles.map((handle, at) => ({
      id: at + 1,
      handle,
      bio: `bio ${at}`,
      authorId: at === 3 ? null : at + 1,
    })),
  })
  await prisma.tag.create({ data: { id: 7, label: '7' } })
  await prisma.badge.createMany({
    data: [
      { id: 1, text: 'first', profileHandle: 'Ann' },
      { id: 2, text: 'second', profileHandle: null },
    ],
  })
  await prisma.task.createMany({
    data: [
      { id: 1, title: 'sweep', orgId: 'o1', ownerId: 1 },
      { id: 2, title: 'mop', orgId: 'o1', ownerId: 2 },
      { id: 3, title: 'sweep', orgId: 'o2', ownerId: 1 },
      { id: 4, title: 'sweep', orgId: null, ownerId: null },
    ],
  })
  await prisma.employee.createMany({
    data: [null, 1, 1, 2, 2, 3].map((managerId, at) => ({
      id: at + 1,
      name: `Employee ${at + 1}`,
      grade: at % 3,
      managerId,
    })),
  })
  await prisma.employee.update({ where: { id: 1 }, data: { friends: { connect: [{ id: 2 }, { id: 3 }] } } })
  await prisma.post.update({ where: { id: 2 }, data: { tags: { connect: [{ id: 1 }, { id: 3 }] } } })
}
